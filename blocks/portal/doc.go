// Package portal is the citizen's side of the house: the front door, the way
// to a service, and where every application stands.
//
// Its promise: whoever opens a page knows within one glance what they have to
// do next, or that they have to do nothing and until when. What is shown is
// only ever the signed-in person's own; anybody else's is not found.
//
// What an application asks of its person (see turnOf):
//
//	working   the machine is at it, the page will change in a moment
//	stuck     an operator looks after it, nothing to do
//	correct   status 5, the clock stands still until the answers are mended
//	pay       status 6, the clock stands still until the fee is paid
//	stopped   status 8, the office has stopped the clock
//	wait      nothing to do until the promised date
//	approved, refused, withdrawn   it is over
//
// Pages:
//
//	/                               search, life events, what waits for you
//	/search?q=                      services, life events and own applications
//	/life-events/{id}               the services of one moment in life
//	/applications                   drafts, open and closed applications
//	/applications/{id}              one application, by its application id
//	/applications/{id}/withdraw     GET asks once more, POST withdraws
//	/help, /about, /accessibility
//	/data, /documents               lead on to /my-data and /my-documents
//
// Tables: none. Events: none. It asks services and cases, and what Deps names.
package portal
