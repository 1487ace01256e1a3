package crash

import (
	"context"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/app"
)

// audit counts, in the data folder itself, what became of everybody.
func (w *workload) audit(t *testing.T, h *house) {
	ctx := context.Background()
	a := h.open(t)
	if err := a.Jobs.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Ledger.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	if len(w.confirmed) == 0 {
		t.Fatal("nobody got through: the test says nothing")
	}
	births, licences := 0, 0
	for code, sample := range w.confirmed {
		number := number(t, a, sample)
		cs, err := a.Cases.ForPerson(ctx, number)
		if err != nil {
			t.Fatal(err)
		}
		if len(cs) != 1 || cs[0].Code != code {
			t.Errorf("%s was told %s; there are %d cases: %+v", sample, code, len(cs), cs)
			continue
		}
		if cs[0].Stuck != "" || cs[0].Pending {
			t.Errorf("%s: case %s does not move: %q", sample, code, cs[0].Stuck)
		}
		bills, err := a.Payments.Bills(ctx, number)
		if err != nil {
			t.Fatal(err)
		}
		switch cs[0].Service {
		case "birth":
			births++
			oneBirth(t, a, sample, number)
			if len(bills) != 0 {
				t.Errorf("%s: a birth is free, %d bills", sample, len(bills))
			}
			papers, err := a.Documents.ForReference(ctx, code)
			if err != nil || len(papers) != 3 {
				t.Errorf("%s: %d documents for %s (%v)", sample, len(papers), code, err)
			}
		case "licence":
			licences++
			if len(bills) != 1 {
				t.Errorf("%s: %d bills for one licence", sample, len(bills))
			}
		}
	}
	off, err := a.Payments.Balanced(ctx)
	if err != nil || len(off) > 0 {
		t.Errorf("the books are off: %v %v", off, err)
	}
	states, err := a.Notify.States(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := states["email/created"] + states["email/sending"]; n > 0 {
		t.Errorf("%d e-mails wait for ever: %v", n, states)
	}
	dead, err := a.Jobs.Dead(ctx, 10)
	if err != nil || len(dead) > 0 {
		t.Errorf("work was given up: %+v %v", dead, err)
	}
	distinct := len(h.mail.ids)
	if distinct < states["email/delivered"] {
		t.Errorf("%d e-mails are noted as delivered, the server has %d", states["email/delivered"], distinct)
	}
	t.Logf("%d births and %d licences confirmed; %d e-mails, %d of them sent again after a crash (same Message-ID); deliveries %v",
		births, licences, distinct, h.mail.count()-distinct, states)
}

// number finds the personal number behind a cast sample.
func number(t testing.TB, a *app.App, sample string) string {
	t.Helper()
	s, err := a.Identity.Sample(context.Background(), sample)
	if err != nil {
		t.Fatal(err)
	}
	return s.Number
}

// oneBirth says that every register holds the child exactly once.
func oneBirth(t testing.TB, a *app.App, sample, mother string) {
	t.Helper()
	ctx := context.Background()
	found, err := a.Registers.Find(ctx, "births", map[string]string{"mother": mother}, 50)
	if err != nil {
		t.Fatal(err)
	}
	child, entries := "", 0
	for _, r := range found {
		if name, _ := r.Data["child_name"].(string); strings.HasSuffix(name, childName) {
			entries++
			child, _ = r.Data["child"].(string)
		}
	}
	if entries != 1 {
		t.Errorf("%s: %d entries in births", sample, entries)
		return
	}
	for register, field := range map[string]string{"population": "number", "residence": "number", "health-cards": "holder"} {
		found, err := a.Registers.Find(ctx, register, map[string]string{field: child}, 50)
		if err != nil || len(found) != 1 {
			t.Errorf("%s: %d entries of the child in %s (%v)", sample, len(found), register, err)
		}
	}
}
