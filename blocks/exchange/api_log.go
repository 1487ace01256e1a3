package exchange

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/opmon"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

func (x *Exchange) logRoutes() []httpx.Route {
	auditing := auth.AnyOf(auth.Operator(), auth.Officer(RoleLog))
	return []httpx.Route{
		{Method: "POST", Path: "/api/exchange/log/search", Access: auditing, Handle: x.apiSearchLog},
		{Method: "POST", Path: "/api/exchange/log/evidence", Access: auditing, Handle: x.apiLogEvidence},
		{Method: "GET", Path: "/api/exchange/log/searches", Access: auditing, Handle: x.apiLogSearches},
		{Method: "GET", Path: "/api/exchange/operations", Access: auditing, Handle: x.apiOperations},
	}
}

type loggedEvent struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Client      string    `json:"client"`
	Service     string    `json:"service"`
	Operation   string    `json:"operation"`
	Purpose     string    `json:"purpose"`
	LegalBasis  string    `json:"legal_basis"`
	Application string    `json:"application,omitempty"`
	Issue       string    `json:"issue,omitempty"`
	MessageID   string    `json:"message_id,omitempty"`
	Fields      []string  `json:"fields"`
	Records     int       `json:"records"`
	Outcome     string    `json:"outcome"`
	Reason      string    `json:"reason,omitempty"`
}

func (x *Exchange) apiSearchLog(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		LogQuery
		Reason string `json:"reason"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	found, err := x.SearchLog(r.Context(), in.LogQuery, in.Reason)
	if err != nil {
		return err
	}
	out := make([]loggedEvent, len(found))
	for i, e := range found {
		out[i] = loggedEvent{
			ID: e.ID, At: e.At.UTC(), Client: e.Client, Service: e.Service, Operation: e.Operation, Purpose: e.Purpose, LegalBasis: e.LegalBasis,
			Application: e.Application, Issue: e.Issue, MessageID: e.MessageID, Fields: e.Fields, Records: e.Records, Outcome: e.Outcome, Reason: e.Reason,
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"events": out})
}

// jwk is an Ed25519 key as RFC 8037 writes it.
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Kid string `json:"kid"`
}

type signedText struct {
	Key       jwk    `json:"key"`
	Base      string `json:"signature_base"` // RFC 9421 §2.5
	Signature string `json:"signature"`
}

type loggedEvidence struct {
	RequestID   string     `json:"request_id"`
	MessageID   string     `json:"message_id"`
	At          time.Time  `json:"at"`
	Client      string     `json:"client"`
	Service     string     `json:"service"`
	RequestHash string     `json:"request_hash"`
	Request     signedText `json:"request"`
	Answer      signedText `json:"answer"`
}

func (x *Exchange) apiLogEvidence(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		MessageID string `json:"message_id"`
		Reason    string `json:"reason"`
	}
	if err := httpx.ReadJSON(r, &in); err != nil {
		return err
	}
	all, err := x.LogEvidence(r.Context(), in.MessageID, in.Reason)
	if err != nil {
		return err
	}
	out := make([]loggedEvidence, len(all))
	for i, e := range all {
		out[i] = loggedEvidence{RequestID: e.RequestID, MessageID: e.MessageID, At: e.At.UTC(), Client: e.Client, Service: e.Service, RequestHash: e.RequestHash}
		if out[i].Request, err = x.signedText(r.Context(), e.Request); err != nil {
			return err
		}
		if out[i].Answer, err = x.signedText(r.Context(), e.Answer); err != nil {
			return err
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"evidence": out})
}

func (x *Exchange) signedText(ctx context.Context, p Proof) (signedText, error) {
	public, err := x.publicKey(ctx, p.KeyID, time.Unix(p.Created, 0))
	if err != nil || public == nil { // nil: there is no such signature
		return signedText{}, err
	}
	return signedText{Key: jwk{"OKP", "Ed25519", base64.RawURLEncoding.EncodeToString(public), p.KeyID}, Base: p.Base, Signature: p.Signature}, nil
}

func (x *Exchange) apiLogSearches(w http.ResponseWriter, r *http.Request) error {
	all, err := x.LogSearches(r.Context())
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"searches": all})
}

// apiOperations gives operational records, to an auditor those in which their
// member asked or was asked. They tell nothing of people, so no reason is asked for.
func (x *Exchange) apiOperations(w http.ResponseWriter, r *http.Request) error {
	member, err := auditor(r.Context())
	if err != nil {
		return err
	}
	q := r.URL.Query()
	from, to := int64(0), x.clock.Now().Unix()
	for name, at := range map[string]*int64{"from": &from, "to": &to} {
		if v := q.Get(name); v != "" {
			if *at, err = strconv.ParseInt(v, 10, 64); err != nil {
				return errs.New(errs.Invalid, "exchange.bad_seconds").With(errs.NewField(name, "exchange.bad_seconds"))
			}
		}
	}
	var client SubsystemID
	if c := q.Get("client"); c != "" {
		if client, err = ParseSubsystem(c); err != nil {
			return err
		}
	}
	return httpx.WriteJSON(w, http.StatusOK, x.records.Between(from, to, func(rec *opmon.Record) bool {
		if member != "" && (rec.ClientXRoadInstance != x.instance || rec.ClientMemberClass+"/"+rec.ClientMemberCode != member) &&
			(rec.ServiceXRoadInstance != x.instance || rec.ServiceMemberClass+"/"+rec.ServiceMemberCode != member) {
			return false
		}
		return client.IsZero() || client == SubsystemID{rec.ClientXRoadInstance, rec.ClientMemberClass, rec.ClientMemberCode, rec.ClientSubsystemCode}
	}))
}
