// Package broker knows which evidence meets a requirement, and lets a person
// hand such evidence to an organisation: shown beforehand, agreed to paper by
// paper, and closed again whenever the person wants.
//
// The promise: nothing is released before the person has seen exactly those
// fields and agreed; what they refused is not released at all; and once a
// consent is withdrawn, ended or used up, the very next question of the
// organisation is refused. The broker keeps no data: each look asks the
// registers again, through the exchange, which alone decides and writes down.
//
//	request:  asked ──open──> claimed ──preview──> seen ──decide──> decided
//	             └───────────until, 14 days, undecided───────────> expired
//	paper:    seen ──> refused
//	            └────> given ──withdraw / end / used up──> closed (the exchange says so)
//
// A request is begun by the person, or by an officer of the organisation who
// sends a link. It belongs to whoever opens the preview first; nobody else finds
// it. The organisation learns nothing of the person before the decision.
//
// Which evidence meets a requirement is data (country/requirements.yaml, after
// the evidence broker of the EU's Once-Only system), checked at the start. A
// pack of papers is a service with a pack (country/services).
//
//	GET  /api/exchange/requirements[/{id}]          for everybody
//	GET  /exchange/requirements                     the same as a page
//	POST /papers/services/{service}/start           a person begins
//	GET  /papers, /papers/{code}                    a person's requests
//	POST /papers/{code}/preview, decide, withdraw
//	GET  /desk/papers, /desk/papers/{code}          an officer's (RoleEvidence)
//	POST /desk/papers, /desk/papers/{code}/extracts
//	GET  /desk/papers/{code}/receipts/{event}
//
// Tables: exchange_broker_request, exchange_broker_paper. Events: none; each
// question is an access event of the exchange.
package broker
