package identity_test

import (
	"context"
	"fmt"

	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// An officer needs a member and a role before there is an account.
func ExampleIdentity_AddOfficer() {
	var house *identity.Identity // built by the application with identity.New
	err := house.AddOfficer(context.Background(), identity.Officer{ID: "registrar-1", Name: "Lê Thị Lan"})
	fmt.Println(errs.CodeOf(err))
	// Output: identity.officer_incomplete
}
