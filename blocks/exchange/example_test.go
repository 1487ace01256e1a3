package exchange_test

import (
	"context"
	"fmt"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// The justice ministry asks the population register for a name. It may see the
// name and nothing else.
func Example() {
	ctx := context.Background()
	x, err := onMemory(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	justice := exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}
	people := exchange.ServiceID{SubsystemID: exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MPS", Subsystem: "population"}, Service: "population"}
	_ = x.AddMember(ctx, exchange.Member{Class: "GOV", Code: "MOJ", Name: i18n.Text{VI: "Bộ Tư pháp"}, Subsystems: []exchange.Subsystem{{Code: "civil-status"}}})
	_ = x.AddMember(ctx, exchange.Member{Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an"}, Subsystems: []exchange.Subsystem{{Code: "population"}}})
	_ = x.RegisterProvider(exchange.ServiceInfo{ID: people}, &register{reply: exchange.Reply{
		Body: []byte(`{"records":[{"id":"1","data":{"name":"An","religion":"none"}}]}`), Subjects: []string{"001199000001"},
	}})
	_, _ = x.AddGrant(ctx, exchange.Grant{
		Client: justice, Service: people, Operations: []string{exchange.OpRead}, Fields: []string{"name"},
		Purpose: "birth-registration", LegalBasis: "Luật Hộ tịch 2014, Điều 13",
	})

	answer, err := x.Call(ctx, exchange.Call{Client: justice, Service: people, Path: "/records/1", Purpose: "birth-registration"})
	fmt.Println(string(answer.Body), len(answer.Events), err)
	// Output: {"records":[{"data":{"name":"An"},"id":"1"}]} 1 <nil>
}

type noLedger struct{}

func (noLedger) AppendBatch(context.Context, []ledger.Leaf) error { return nil }

// onMemory is what app does at the start, on a database that lives in memory.
func onMemory(ctx context.Context) (*exchange.Exchange, error) {
	d, err := db.Open(ctx, "sqlite::memory:")
	if err != nil {
		return nil, err
	}
	for _, s := range sets() {
		if err := d.Migrate(ctx, s.Name, s.FS); err != nil {
			return nil, err
		}
	}
	k, err := keys.Open(ctx, keys.Deps{DB: d, Clock: clock.System(), Master: [32]byte{1}, Instance: "VN"})
	if err != nil {
		return nil, err
	}
	return exchange.New(exchange.Deps{DB: d, Clock: clock.System(), Keys: k, Ledger: noLedger{}, Instance: "VN"})
}
