// Package cases is the application in the hands of officers and rules.
//
// Its promise: a case that was opened is never lost, every step of its
// workflow happens exactly once, and whoever looks at it (the applicant, an
// officer, an auditor) sees what happened, when, by whom and why.
//
// The states of a case are those of its service's definition, frozen with the
// case. Entering a state runs its steps; then the first way out that is true
// is taken; a state without one waits for an officer, the applicant or an
// event:
//
//	Open ──> state ──steps──> next? ──yes──> state …
//	                            │no
//	                            ├─ Act (officer) ──> state
//	                            ├─ paid, payment_failed (payments) ──> state
//	                            └─ Resubmit, Withdraw (applicant) ──> state
//
// Exactly once: every effect carries the key "<case>/<visit>/<step>", and
// whatever carries it out (registers, payments, documents, notify) does a key
// once. So the machine may be killed anywhere and simply begins again from
// what is written.
//
// Tables: cases_case (one row a case, personal content sealed for its
// subject), cases_event (append-only history), cases_sequence (dossier codes).
// Events: cases.opened, cases.moved, cases.decided. Jobs: cases.run.
// Routes: none; portal and workspace show cases, forms opens them.
package cases
