// Package catalogue is where a developer finds a service of the exchange, reads
// what it does, tries it on made-up data, asks for a grant and follows the
// decision; and where the owner decides.
//
// The promise: nothing is granted without the owner. A grant that was asked for
// comes about only when an officer of the service's owner says so, who is not the
// one that asked; what is given is never more than was asked; every request is
// decided once, in the transaction that makes the grant; and whoever is refused,
// or gets less, reads why.
//
//	open ─► granted (all that was asked)   ─► a grant with the request's id
//	     ─► changed (less, with a reason)  ─► a grant with the request's id
//	     ─► refused (with a reason)
//
// Use is counted by month, service and client out of the exchange's events, a
// minute's worth at a time, never on a page view. Everybody sees the figures of a
// service whose owner says so; of the others only officers of the owner. Figures
// count calls, never people.
//
// Pages: /exchange (search), /exchange/services/…, /exchange/document/…,
// /exchange/try/…, /exchange/use/…; for officers with exchange.RoleGrants
// /desk/exchange with what they asked and what waits for them. JSON under
// /api/exchange: requests, openapi, use.
//
// Tables: exchange_catalogue_request, exchange_catalogue_use,
// exchange_catalogue_counted. It publishes no events.
package catalogue
