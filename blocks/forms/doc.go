// Package forms lets people apply for a service.
//
// Its promise: what a register knows is fetched, shown with its source and
// never asked; what nobody knows is asked once, one thing a page; what was
// typed is kept on the server at once, so that the person may go on from any
// device; and what is sent, is sent exactly once.
//
//	draft ──submit──> submitted ──returned──> correcting ──resubmit──> submitted
//	  └──discard──> discarded
//
// An application keeps the definition it was begun under. Whether a submitted
// one was returned for correction is for cases to say: it then opens again,
// for the named fields only.
//
// Evidence is asked through Deps.Evidence in the rounds that the definition
// allows, all of a round at once. A register that cannot answer stops the
// person politely (on_unavailable: wait) or is left to the officer. Evidence
// older than a day is asked again before the application is sent.
//
//	pages  GET, POST /services/{id}/start        begin, or go on with the draft
//	       GET /apply/{app}                      task list
//	       GET, POST /apply/{app}/p/{page}       one page of the form
//	       GET /apply/{app}/files/{field}        the applicant's own upload
//	       GET /apply/{app}/check                check your answers
//	       POST /apply/{app}/submit, /resubmit, /evidence
//	       GET, POST /apply/{app}/discard
//	       GET /apply/{app}/done                 confirmation with the dossier code
//	GET    /api/applications                     the caller's applications
//	GET    /api/applications/{id}                one with answers and their sources
//
// Only the applicant may open an application; to anybody else it does not
// exist. Everything personal is sealed with the applicant's key.
//
// Tables: forms_application, forms_file, forms_garbage. Events: none; the
// fact that an application was sent is cases' to announce.
package forms
