// Package payments asks people for money and gives it back.
//
// Its promise: one key makes one bill and one refund, however often it is
// sent; a bill is paid once; and every movement stands in a double-entry
// journal whose debits equal its credits, always.
//
//	bill:    open ──paid──> paid ──refund──> refunded
//	           └──cancel──> cancelled
//	payment: started ──> paid
//	             ├─────> failed (declined, expired, cancelled)
//	             └─────> surplus ──> returned (the bill was settled by then)
//
// A card is typed on the provider's own page, never on ours. The provider
// that comes with Đình is a sandbox with test cards; another one implements
// Provider.
//
// Accounts of the journal, by member: receivable (people owe), provider (the
// provider owes us), revenue (fees earned), surplus (we owe people who paid a
// settled bill). A bill debits receivable and credits revenue; a payment debits
// provider and credits receivable; a refund debits revenue and credits provider;
// a cancelled bill is booked back. A payment that nobody owed debits provider
// and credits surplus, and the reverse once it is given back: so the provider's
// account agrees with the provider's statement, line by line.
//
//	pages  /pay/{bill}, /pay/{bill}/done, /sandbox-card/{ref}
//	GET    /api/payments/bills            the caller's bills
//	POST   /api/payments/bills/{id}/pay   start a payment (Idempotency-Key)
//
// Tables: payments_bill, payments_payment, payments_refund, payments_journal,
// payments_line, payments_sandbox, payments_sandbox_refund.
// Events: payments.paid, payments.failed, payments.refunded.
package payments
