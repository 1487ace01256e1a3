// Package errs is the one coded error of the house.
//
// A rule that refuses says why with a Kind (what sort of refusal, and so which
// HTTP status) and a Code (which refusal, and so which message). The words that
// people read live in the message catalogue under "error.<code>", never here.
//
//	return errs.New(errs.Conflict, "payments.refund_above_paid", "paid", paid)
//
// Callers ask with errors.Is(err, errs.NotFound), KindOf and CodeOf, and get
// the arguments with As. An error that is not an *Error or a Kind is a fault of
// ours: kind Internal, code "internal", and its text is for the log alone.
//
// Error never prints Args: they may hold personal data, and Error ends in logs.
package errs
