// Package registers keeps the authoritative collections: what the state knows,
// given once and kept in one place.
//
// Its promise: a record that was acknowledged is durable; every earlier
// version stays, with who changed it, when, why and from when it is valid;
// nothing that breaks the register's schema gets in; the same change sent
// twice is made once.
//
// A register is declared in YAML (see Definition) with a JSON Schema 2020-12.
// Its records are read and written in three ways, all through the same rules:
// by other members through the exchange (Serve), by the owner's officers (API
// and pages), and in bulk from CSV (Import).
//
//	GET    /api/registers                                     the registers
//	POST   /api/registers/{register}/search                   search
//	POST   /api/registers/{register}/records                  create
//	GET    /api/registers/{register}/records/{id}             read
//	PATCH  /api/registers/{register}/records/{id}             amend (merge patch)
//	GET    /api/registers/{register}/records/{id}/history     all versions
//	POST   /api/registers/{register}/import                   CSV
//	pages  /desk/registers/…                                  the same for people
//
// Whose records an officer finds, reads or changes by hand is told before they
// see them (Deps.ByHand), and so are the people in each row of an import, also
// of one that changes nothing.
//
// Tables: registers_record (the present), registers_history (every version),
// registers_unique and registers_index (look-up by field), registers_done
// (changes by key), registers_sequence (assigned numbers). Events: none.
package registers
