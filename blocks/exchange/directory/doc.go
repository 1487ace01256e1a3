// Package directory is the signed list of who takes part in the exchange: the
// members with their systems and signing keys, the nodes that serve them, and the
// authorities that certify the nodes.
//
// The promise: whoever is in the directory was let in by two different
// registrars and has shown control of every key that stands there; and nobody
// but the holder of the directory's key can change a word of it.
//
// A directory is a signed note (golang.org/x/mod/sumdb/note): a header line, the
// Document as one line of JSON, and Ed25519 signatures. Any tool for signed notes
// checks it. Readers pin the verifier key, never go back to an older version, and
// refuse two different documents of one version.
//
// A reader that loses its source goes on with the newest version it kept in the
// database. Past its expiry it raises an alarm (log, dinh_directory_* figures);
// only Deps.HardLimit, when set, stops it.
package directory
