// Package workspace is the officer's desk: the pages on which officers find,
// read and decide cases.
//
// Its promise: an officer sees the most urgent case first, everything that
// the decision rests on with where it came from, and only those actions that
// they may take now. What they type is never lost, and when a colleague was
// faster the page says so calmly.
//
//	/desk ──next──▶ /desk/cases/{id} ──▶ …/do/{action} ──▶ case, queue
//	  └─ /desk/queues/{queue} ─┘
//
// It keeps nothing itself: cases holds the rules (member, role, four eyes, own
// case, version), forms the files, payments the bills.
//
// Routes, all for officers: GET /desk, /desk/search (and POST), /desk/figures,
// /desk/queues/{queue}, /desk/cases/{id}, /desk/cases/{id}/files/{field},
// /desk/cases/{id}/do/{action}; POST /desk/queues/{queue}/next,
// /desk/cases/{id}/do/{action}, /claim, /unclaim, /resume.
// Tables and events: none.
package workspace
