// Package id makes the identifiers of the house and its secrets.
//
// Identifiers are UUIDv7 text: they sort by the time they were made, so an
// index on them grows at its end, and they carry no personal data. They are not
// secrets; whatever must not be guessed comes from [Token].
package id
