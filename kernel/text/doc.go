// Package text compares and measures what people write, in Vietnamese first.
//
// The same name reaches the state in many spellings: composed or decomposed
// (NFC, NFD), with the tone on either vowel ("hoà", "hòa"), without any marks
// ("da nang"). Fold brings all of them to one key, so that every database
// engine finds the same rows with a plain comparison; nothing here depends on
// a collation.
//
// Store what people wrote (NFC), index what Fold makes of it, measure with Len.
package text
