// Package transparency shows people who used their data, for which purpose,
// and proves it to them.
//
// Its promise: whoever's data were asked for sees each access with who, why,
// which fields, in which application and when, also the attempts that were
// refused; of each there is a receipt that anybody can check with mathematics
// alone; and who looks into somebody else's list is written down there too.
//
//	access event ──sealed in the ledger──> receipt ──VerifyReceipt──> holds, or says what does not
//	consent:  given ──withdraw──> withdrawn
//	            ├──until───> ended
//	            └──times───> spent
//
// It is the exchange's Consents: a grant that needs one opens only while it
// stands, and each answer is counted against it.
//
// A person sees their own list and those of their children; a data protection
// officer (RoleInspector) sees anybody's, with a reason. Both are readings, kept
// in transparency_read before anything is shown. Anybody else's event does not
// exist.
//
//	pages  /my-data                     the list: filters, a day at a time
//	       /my-data/children            whose list may I see
//	       /my-data/readers             who looked into my list
//	       /my-data/{event}             one access in plain words, its receipt checked
//	       /my-data/{event}/receipt     the receipt as a file
//	       /my-data/consents            consents and their withdrawal
//	       /verify/receipt              public: check a receipt
//	GET    /api/transparency/events, /api/transparency/events/{id}/receipt
//	POST   /api/transparency/inspections
//
// The format of receipts is docs/receipts.md.
//
// Tables: transparency_read, transparency_consent. Events: none.
package transparency
