// Package ledger is an append-only Merkle log kept in the same database as the facts it commits to.
//
// The promise: what Append accepted inside a transaction is durable with that transaction, is sealed
// under a signed checkpoint soon after, can be proven to anybody with a text file, and can never be
// changed, moved or removed without every holder of a checkpoint noticing.
//
//	Append ──► ledger_leaf (idx NULL)          in the caller's transaction: one insert
//	Seal   ──► ledger_leaf.idx, ledger_tile,   in one transaction of the lease holder:
//	           ledger_checkpoint               ≤ 1024 leaves, a few tiles, one signature
//	Proof  ──► c2sp.org/tlog-proof@v1          index, audit path, signed checkpoint
//
// A leaf is a keyed commitment (Commit), never personal data: destroying the key takes away the
// meaning and leaves every proof valid.
//
// Formats are those of c2sp.org: tlog-tiles (paths, tiles of 256 hashes, entry bundles),
// tlog-checkpoint (signed note, Ed25519), tlog-proof. Hashing is RFC 6962 with SHA-256. Other
// people's clients and checkers read the log without knowing us.
//
// A timestamping authority (Deps.Stamper, RFC 3161) dates the newest checkpoint now and then, and with
// it all before it; an authority that fails raises an alarm and stops nothing.
//
// Witnesses (Deps.Witnesses, c2sp.org/tlog-witness) cosign the newest checkpoint, so that two readers
// who hold cosigned checkpoints hold one history. A Witness does the same for the logs of others.
//
// Routes (api_tiles.go, api_witness.go): /checkpoint, /checkpoint/cosigned, /tile/<L>/<N>[.p/<W>], /tile/entries/<N>[.p/<W>], /timestamp and
// /timestamp/checkpoint (the newest dated one, or ?size=N); of a witness: POST /add-checkpoint,
// /verifier-key.
//
// Tables: ledger_leaf (every leaf; idx is NULL until sealed), ledger_tile (hash tiles, the rightmost
// of a level partial), ledger_checkpoint (each signed tree head), ledger_lease (who may seal), ledger_timestamp
// (answers that date a checkpoint), ledger_cosignature (of our witnesses), ledger_witnessed (the newest
// tree of each log that a witness here cosigned).
package ledger
