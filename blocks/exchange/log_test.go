package exchange_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

const why = "Đối soát theo yêu cầu của đơn vị"

func officer(ctx context.Context, member string, roles ...string) context.Context {
	return auth.With(ctx, auth.Principal{Officer: "o-" + member, Member: member, Roles: roles, Level: auth.Substantial})
}

func TestSearchLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(t)
	call := search()
	call.MessageID, call.Issue = "VN-m-1", "H26.12-1"
	_, err := w.Call(t.Context(), call)
	ok(t, err)
	w.clock.Advance(time.Hour)
	refused := search()
	refused.Purpose = "marketing"
	_, err = w.Call(t.Context(), refused)
	wantCode(t, err, "exchange.purpose_not_granted")
	w.clock.Advance(time.Minute)

	asker, owner := officer(t.Context(), "GOV/MOJ", exchange.RoleLog), officer(t.Context(), "GOV/MPS", exchange.RoleLog)
	other, operator := officer(t.Context(), "COM/bank", exchange.RoleLog), officer(t.Context(), "GOV/MPS", auth.RoleOperator)
	for name, c := range map[string]struct {
		ctx  context.Context
		q    exchange.LogQuery
		want int
	}{
		"the asker":            {asker, exchange.LogQuery{}, 2},
		"the owner":            {owner, exchange.LogQuery{}, 2},
		"somebody else":        {other, exchange.LogQuery{}, 0},
		"an operator":          {operator, exchange.LogQuery{}, 2},
		"an outcome":           {owner, exchange.LogQuery{Outcome: exchange.OutcomeRefused}, 1},
		"a message":            {owner, exchange.LogQuery{MessageID: "VN-m-1"}, 1},
		"another's message":    {other, exchange.LogQuery{MessageID: "VN-m-1"}, 0},
		"an issue":             {asker, exchange.LogQuery{Issue: "H26.12-1"}, 1},
		"a client":             {owner, exchange.LogQuery{Client: civil.String()}, 2},
		"another client":       {owner, exchange.LogQuery{Client: "VN/COM/bank/loans"}, 0},
		"the last half hour":   {owner, exchange.LogQuery{From: w.clock.Now().Add(-30 * time.Minute)}, 1},
		"before the last hour": {owner, exchange.LogQuery{Until: w.clock.Now().Add(-30 * time.Minute)}, 1},
		"one":                  {owner, exchange.LogQuery{Limit: 1}, 1},
		"nothing of that kind": {owner, exchange.LogQuery{Purpose: "' OR 1=1 --"}, 0},
	} {
		found, err := w.SearchLog(c.ctx, c.q, why)
		if err != nil || len(found) != c.want {
			t.Errorf("%s: %d events, want %d, %v", name, len(found), c.want, err)
		}
		for _, e := range found {
			if e.Subject != "" || e.UserID != "" {
				t.Errorf("%s: says whose data", name)
			}
		}
	}
	first, err := w.SearchLog(owner, exchange.LogQuery{Limit: 1}, why)
	ok(t, err)
	next, err := w.SearchLog(owner, exchange.LogQuery{Before: first[0].ID}, why)
	if err != nil || len(next) != 1 || next[0].ID == first[0].ID {
		t.Errorf("the next page: %+v %v", next, err)
	}

	searches, err := w.LogSearches(other)
	if err != nil || len(searches) != 2 || searches[0].Officer != "o-COM/bank" || searches[0].Reason != why {
		t.Errorf("searches of the bank: %+v %v", searches, err)
	}
	if all, err := w.LogSearches(operator); err != nil || len(all) != 16 {
		t.Errorf("an operator sees %d searches, %v", len(all), err)
	}
}

func TestSearchLogRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := officer(t.Context(), "GOV/MPS", exchange.RoleLog)
	for name, c := range map[string]struct {
		ctx    context.Context
		q      exchange.LogQuery
		reason string
		code   string
	}{
		"nobody":              {t.Context(), exchange.LogQuery{}, why, "auth.sign_in"},
		"another role":        {officer(t.Context(), "GOV/MPS", exchange.RoleGrants), exchange.LogQuery{}, why, "auth.wrong_role"},
		"no reason":           {owner, exchange.LogQuery{}, " ", "exchange.log_reason"},
		"a reason of nothing": {owner, exchange.LogQuery{}, strings.Repeat("\u200b", 20), "exchange.log_reason"},
		"a long reason":       {owner, exchange.LogQuery{}, strings.Repeat("a", 1001), "exchange.log_reason"},
		"a year":              {owner, exchange.LogQuery{From: w.clock.Now().AddDate(-1, 0, 0)}, why, "exchange.log_span"},
		"backwards":           {owner, exchange.LogQuery{From: w.clock.Now().Add(time.Hour)}, why, "exchange.log_span"},
	} {
		_, err := w.SearchLog(c.ctx, c.q, c.reason)
		if errs.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := w.LogSearches(owner); err != nil || len(all) != 0 {
		t.Errorf("%d searches were kept that found no hearing, %v", len(all), err)
	}
}

// What the log hands out convinces somebody who has nothing but a curve.
func TestLogEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(t)
	call := search()
	call.MessageID = "VN-m-1"
	_, err := w.Call(t.Context(), call)
	ok(t, err)
	all, err := w.LogEvidence(officer(t.Context(), "GOV/MPS", exchange.RoleLog), "VN-m-1", why)
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	for _, p := range []exchange.Proof{all[0].Request, all[0].Answer} {
		key, err := w.keys.Key(t.Context(), p.KeyID)
		ok(t, err)
		sig, err := base64.StdEncoding.DecodeString(p.Signature)
		if err != nil || !ed25519.Verify(key.Public.(ed25519.PublicKey), []byte(p.Base), sig) {
			t.Errorf("a signature that does not hold: %+v", p)
		}
	}
	if none, err := w.LogEvidence(officer(t.Context(), "COM/bank", exchange.RoleLog), "VN-m-1", why); err != nil || len(none) != 0 {
		t.Errorf("somebody without a part: %d %v", len(none), err)
	}
}

// What is handed out goes to the client and its auditors alone, with the leaves
// that stand in the ledger, and each time somebody can read who took it.
func TestHandOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(t)
	call := search()
	call.MessageID = "VN-m-1"
	for range 2 { // the same message, sent twice
		_, err := w.Call(t.Context(), call)
		ok(t, err)
	}
	_, err := w.ledger.Seal(t.Context())
	ok(t, err)
	system := func(s exchange.SubsystemID) context.Context {
		return auth.With(t.Context(), auth.Principal{Subsystem: s.String(), Member: s.Owner().String()})
	}
	notary := civil
	notary.Subsystem = "notary"
	for name, c := range map[string]struct {
		ctx  context.Context
		code string
	}{
		"the client":                {system(civil), ""},
		"its auditor":               {officer(t.Context(), "GOV/MOJ", exchange.RoleLog), ""},
		"an operator":               {officer(t.Context(), "GOV/MPS", auth.RoleOperator), ""},
		"another of its systems":    {system(notary), "exchange.client_mismatch"},
		"the provider":              {system(population.SubsystemID), "exchange.client_mismatch"},
		"the provider's auditor":    {officer(t.Context(), "GOV/MPS", exchange.RoleLog), "exchange.not_your_client"},
		"an officer without a role": {officer(t.Context(), "GOV/MOJ", exchange.RoleGrants), "auth.wrong_role"},
		"nobody":                    {t.Context(), "auth.sign_in"},
	} {
		all, err := w.HandOut(c.ctx, civil, "VN-m-1")
		if errs.CodeOf(err) != c.code || c.code == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.code != "" {
			continue
		}
		if len(all) != 2 || len(all[0].Events) != 1 || all[0].Events[0].ID == all[1].Events[0].ID {
			t.Fatalf("%s: %+v", name, all)
		}
		for _, h := range all {
			proof, err := w.ledger.Proof(t.Context(), h.Events[0].ID)
			ok(t, err)
			if err := ledger.VerifyProof(proof, h.Events[0].Leaf, w.vkey); err != nil {
				t.Errorf("%s: another leaf than the ledger's: %v", name, err)
			}
			sig, err := base64.StdEncoding.DecodeString(h.Answer.Signature)
			if err != nil || !httpsig.Verify(h.AnswerKey, []byte(h.Answer.Base), sig) {
				t.Errorf("%s: the key is not the one that signed: %v", name, err)
			}
		}
	}
	if other, err := w.HandOut(system(notary), notary, "VN-m-1"); err != nil || len(other) != 0 {
		t.Errorf("another client's message: %d %v", len(other), err)
	}
	searches, err := w.LogSearches(officer(t.Context(), "GOV/MPS", auth.RoleOperator))
	if err != nil || len(searches) != 4 {
		t.Errorf("%d searches are kept, %v", len(searches), err)
	}
}

// Between nodes the keys that signed are those of the directory, on both sides.
func TestHandOutBetweenNodes(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	n.answering.grant(t)
	got, err := n.asking.Call(t.Context(), search())
	ok(t, err)
	operator := officer(t.Context(), "GOV/MPS", auth.RoleOperator)
	for side, w := range map[string]*world{"asking": n.asking, "answering": n.answering} {
		all, err := w.HandOut(operator, civil, got.MessageID)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %d %v", side, len(all), err)
		}
		for _, p := range []struct {
			proof exchange.Proof
			key   ed25519.PublicKey
		}{{all[0].Request, all[0].RequestKey}, {all[0].Answer, all[0].AnswerKey}} {
			sig, err := base64.StdEncoding.DecodeString(p.proof.Signature)
			if err != nil || !httpsig.Verify(p.key, []byte(p.proof.Base), sig) {
				t.Errorf("%s: a signature that does not hold by the key handed out: %v", side, err)
			}
		}
	}
}
