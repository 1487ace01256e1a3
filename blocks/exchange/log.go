package exchange

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/text"
)

// RoleLog is the role of officers who may search the message log for exchanges
// of their own member.
const RoleLog = "exchange-auditor"

const (
	minReason = 10 // characters of the reason of a search
	maxReason = 1000
	maxSpan   = 31 * 24 * time.Hour
)

// LogQuery is what somebody looks for in the message log. Empty members match
// all; From and Until bound the time, a day back from now unless given, a month
// at most; with a MessageID time does not matter.
type LogQuery struct {
	MessageID string    `json:"message_id,omitempty"`
	Client    string    `json:"client,omitempty"`
	Service   string    `json:"service,omitempty"`
	Purpose   string    `json:"purpose,omitempty"`
	Issue     string    `json:"issue,omitempty"`
	Outcome   string    `json:"outcome,omitempty"`
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	Before    string    `json:"before,omitempty"` // id of the last event of the page before
	Limit     int       `json:"limit,omitempty"`  // 1–500, 100 unless given
}

// LogSearch is a search that somebody made: who, why, for what. Officer is the
// officer's id, or the system's that asked for the evidence of its own message.
type LogSearch struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Officer string          `json:"officer"`
	Member  string          `json:"member"`
	Reason  string          `json:"reason"`
	Query   json.RawMessage `json:"query"`
}

// SearchLog gives the events that match, the newest first: to an operator all,
// to an officer with RoleLog those in which their member asked or was asked. The
// search is written down before anything is shown. Whose data were exchanged is
// not in the answer.
// Errors: auth.wrong_role, exchange.log_reason, exchange.log_span.
func (x *Exchange) SearchLog(ctx context.Context, q LogQuery, reason string) ([]Event, error) {
	now := x.clock.Now()
	if q.Until.IsZero() {
		q.Until = now
	}
	if q.From.IsZero() {
		q.From = q.Until.Add(-24 * time.Hour)
	}
	if q.MessageID == "" && (!q.From.Before(q.Until) || q.Until.Sub(q.From) > maxSpan) {
		return nil, errs.New(errs.Invalid, "exchange.log_span").With(errs.NewField("from", "exchange.log_span"))
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	q.Limit = min(max(q.Limit, 1), 500)
	member, err := x.noteSearch(ctx, reason, q)
	if err != nil {
		return nil, err
	}
	if member != "" {
		member = x.instance + "/" + member + "/"
	}
	found, err := x.store.searchEvents(ctx, q, member)
	for i := range found {
		found[i].Subject, found[i].UserID, found[i].Represented = "", "", ""
	}
	return found, err
}

// LogEvidence gives the evidence of a message id that the caller's member has a
// part in, and writes down that somebody asked. Errors: as SearchLog.
func (x *Exchange) LogEvidence(ctx context.Context, messageID, reason string) ([]Evidence, error) {
	member, err := x.noteSearch(ctx, reason, map[string]string{"evidence": messageID})
	if err != nil {
		return nil, err
	}
	all, err := x.Evidence(ctx, messageID)
	if err != nil || member == "" {
		return all, err
	}
	out := all[:0]
	for _, e := range all {
		if x.of(member, e.Client) || x.of(member, e.Service) {
			out = append(out, e)
		}
	}
	return out, nil
}

// Exhibit is the evidence of a message with the commitments of its access events
// in the ledger. Whose data were exchanged is not in it.
type Exhibit struct {
	Evidence
	RequestKey, AnswerKey ed25519.PublicKey // nil where there is no signature
	Events                []Committed
}

// Committed is the leaf of an event in the ledger.
type Committed struct {
	ID   string
	Leaf []byte
}

// reasonHandedOut stands in the log where X-Road's protocol asks for no reason.
const reasonHandedOut = "GET /asic"

// maxHanded is how many sendings of one message are handed out at once.
const maxHanded = 100

// HandOut gives the evidence of a client's message, the oldest sending first, at
// most a hundred: to the client itself, to officers with RoleLog of its member and
// to operators. It writes down who asked before it gives anything, as searches of
// the log are. errs.Forbidden "exchange.client_mismatch" to another client,
// "exchange.not_your_client" to another member's officer; auth.wrong_role.
func (x *Exchange) HandOut(ctx context.Context, client SubsystemID, messageID string) ([]Exhibit, error) {
	if p := auth.From(ctx); p.IsClient() {
		if p.Subsystem != client.String() {
			return nil, errs.New(errs.Forbidden, "exchange.client_mismatch", "client", client.String())
		}
		if err := x.Confirm(ctx, p); err != nil {
			return nil, err
		}
	} else if member, err := auditor(ctx); err != nil {
		return nil, err
	} else if member != "" && member != client.Owner().String() {
		return nil, errs.New(errs.Forbidden, "exchange.not_your_client", "client", client.String())
	}
	if err := x.keepSearch(ctx, reasonHandedOut, map[string]string{"asic": clip(messageID), "client": client.String()}); err != nil {
		return nil, err
	}
	out, err := x.store.handOut(ctx, client.String(), messageID)
	if err != nil {
		return nil, err
	}
	for i := range out {
		h := &out[i]
		if h.RequestKey, err = x.publicKey(ctx, h.Request.KeyID, h.At); err != nil {
			return nil, err
		}
		if h.AnswerKey, err = x.publicKey(ctx, h.Answer.KeyID, h.At); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// publicKey is the key that signed: a member's of this node, or one that the
// directory knew at that time.
func (x *Exchange) publicKey(ctx context.Context, keyID string, at time.Time) (ed25519.PublicKey, error) {
	if keyID == "" {
		return nil, nil
	}
	if x.directory != nil {
		if _, public, ok := x.directory.Key(keyID, at); ok {
			return public, nil
		}
	}
	key, err := x.keys.Key(ctx, keyID)
	if err != nil {
		return nil, err
	}
	public, ok := key.Public.(ed25519.PublicKey)
	if !ok {
		return nil, errs.New(errs.Internal, "exchange.wrong_key")
	}
	return public, nil
}

// LogSearches lists the newest hundred searches: an operator's of everybody,
// an officer's of their member.
func (x *Exchange) LogSearches(ctx context.Context) ([]LogSearch, error) {
	member, err := auditor(ctx)
	if err != nil {
		return nil, err
	}
	return x.store.logSearches(ctx, member)
}

// Use is how often one subsystem called one service, and how that ended.
type Use struct {
	Service, Client string
	Outcome         string // OutcomeAnswered, OutcomeFailed or OutcomeRefused
	Calls           int64
}

// Uses counts the calls of a time, from included, until not. What owners did with
// their own records is no call. It reads every event of that time: callers ask
// about short ones, once.
func (x *Exchange) Uses(ctx context.Context, from, until time.Time) ([]Use, error) {
	return x.store.uses(ctx, from, until)
}

// auditor is the member whose part of the log the caller may see; empty for an
// operator, who may see all.
func auditor(ctx context.Context) (member string, err error) {
	if err := auth.AnyOf(auth.Operator(), auth.Officer(RoleLog)).Check(ctx); err != nil {
		return "", err
	}
	if p := auth.From(ctx); !p.HasRole(auth.RoleOperator) {
		return p.Member, nil
	}
	return "", nil
}

// of says whether a subsystem or service belongs to a member, CLASS/CODE.
func (x *Exchange) of(member, id string) bool {
	return strings.HasPrefix(id, x.instance+"/"+member+"/")
}

// noteSearch checks who searches and why, and writes it down.
func (x *Exchange) noteSearch(ctx context.Context, reason string, query any) (member string, err error) {
	if member, err = auditor(ctx); err != nil {
		return "", err
	}
	reason = text.Tidy(reason, true)
	if n := text.Len(reason); n < minReason || n > maxReason {
		return "", errs.New(errs.Invalid, "exchange.log_reason", "least", minReason, "most", maxReason).With(errs.Field{Name: "reason", Code: "exchange.log_reason", Args: map[string]any{"least": minReason, "most": maxReason}})
	}
	return member, x.keepSearch(ctx, reason, query)
}

func (x *Exchange) keepSearch(ctx context.Context, reason string, query any) error {
	asked, err := json.Marshal(query)
	if err != nil {
		return fmt.Errorf("exchange: a search of the log: %w", err)
	}
	p, now := auth.From(ctx), x.clock.Now()
	who := p.Officer
	if p.IsClient() {
		who = p.Subsystem
	}
	return x.store.insertLogSearch(ctx, LogSearch{ID: id.New(now), At: now, Officer: who, Member: p.Member, Reason: reason, Query: asked})
}
