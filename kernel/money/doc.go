// Package money counts in whole minor units and never in floating point.
//
// An Amount knows its currency; adding đồng to dollars, or past what an int64
// holds, is an error and not a number. The zero Amount belongs to no currency
// and may be added to any, so a sum starts from money.Amount{}.
//
// The đồng has no minor unit: Minor is đồng.
//
// Errors: errs.Invalid money.bad_amount, money.bad_currency,
// money.currency_mismatch, money.overflow.
package money
