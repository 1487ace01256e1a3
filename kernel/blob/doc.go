// Package blob keeps files: scans, photographs, signed documents.
//
// The promise: what Put acknowledged is on the disk, whole and encrypted, and Get gives back exactly
// those bytes or an error, never part of them as if it were all. A file belongs to a subject (a
// person, a case, an organisation); when that subject's key is destroyed (keys.Destroy) its files
// cannot be read by anybody again, wherever copies of them lie.
//
// Files are addressed by content: the same bytes of the same subject are stored once. The address is
// a keyed hash (keys.ContentID), and subjects appear under pseudonyms, so neither names nor contents
// can be guessed from a listing.
//
//	<subject pseudonym>/<first two of address>/<address>
//
//	DINHBLB1 | size, 8 bytes | file key sealed for the subject, bound to address and size
//	64 KiB chunks, AES-256-GCM, nonce = counter and a mark on the last one
//
// The mark on the last chunk shows truncation; the counter shows reordering; the binding shows a
// file under another's name.
//
// FS stores in a folder, S3 in a bucket; both make the same bytes.
package blob
