// Package description reads what a provider says of its service: an OpenAPI 3
// document, in JSON or YAML.
//
// The promise: Read takes a document only when the whole of it is valid, and its
// errors say where it is not; nothing outside the document is fetched to
// understand it. A Checker holds requests and answers to the document; what it
// says of an answer names no value of it, for the asker was not given it.
package description
