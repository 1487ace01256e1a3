package transparency_test

import (
	"fmt"

	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Whoever holds a receipt checks it with the ledger's public key alone.
func ExampleVerifyReceipt() {
	vkey := "" // from https://…/ledger/verifier-key, or better: from print
	event, err := transparency.VerifyReceipt([]byte(`{"format": "something else"}`), vkey)
	if err != nil {
		fmt.Println(errs.CodeOf(err))
		return
	}
	fmt.Println(event.Client, "read", event.Fields, "for", event.Purpose)
	// Output: transparency.receipt_wrong_format
}
