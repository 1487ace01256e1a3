package exchange_test

import (
	"context"
	"fmt"
	"log"

	"github.com/dinh-gov/dinh/blocks/exchange"
)

// A block below the exchange asks for evidence like this; x is wired by app.
func Example() {
	fetch := func(ctx context.Context, x *exchange.Exchange, number string) ([]byte, error) {
		client, err := exchange.ParseSubsystem("VN/GOV/MOJ/civil-status")
		if err != nil {
			return nil, err
		}
		service, err := exchange.ParseService("VN/GOV/MPS/population/population")
		if err != nil {
			return nil, err
		}
		answer, err := x.Call(ctx, exchange.Call{
			Client: client, Service: service,
			Method: "POST", Path: "/search", Body: fmt.Appendf(nil, `{"where":{"number":%q}}`, number),
			Fields: []string{"name"}, Purpose: "birth-registration", Subjects: []string{number},
		})
		return answer.Body, err // the access event is durable before this line
	}
	if fetch == nil {
		log.Fatal("unreachable")
	}
	s, err := exchange.ParseService("VN/GOV/MPS/population/population")
	fmt.Println(s.Owner(), s.Service, err)
	// Output: GOV/MPS population <nil>
}
