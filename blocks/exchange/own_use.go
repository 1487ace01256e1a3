package exchange

import (
	"context"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// OwnUse is what somebody of the owner did with records of a service by hand.
// No other member takes part, so there is nothing to grant and nothing signed;
// the people concerned see it like any other access.
type OwnUse struct {
	Service     ServiceID
	Operation   string // OpRead, OpSearch, OpCreate or OpAmend
	User        string // the officer's id
	Purpose     string
	LegalBasis  string
	Application string // id of the public service, if it was for one
	Issue       string // dossier code, if there is one
	Fields      []string
	Subjects    []string // personal numbers; no more than a call may find
	Records     int
}

// RecordOwnUse makes one event for every person and their commitments durable.
// It joins the transaction of ctx. Only then may the records be shown.
// Errors: exchange.subject_missing, exchange.purpose_missing, exchange.not_recorded.
func (x *Exchange) RecordOwnUse(ctx context.Context, u OwnUse) error {
	switch {
	case len(u.Subjects) == 0:
		return errs.New(errs.Invalid, "exchange.subject_missing")
	case u.Purpose == "" || u.LegalBasis == "":
		return errs.New(errs.Invalid, "exchange.purpose_missing")
	}
	t, err := x.trace(&ask{
		Call:      Call{Client: u.Service.SubsystemID, Service: u.Service, UserID: u.User, Application: u.Application, Issue: u.Issue},
		operation: u.Operation,
	}, traceInfo{
		decision: decision{purpose: u.Purpose, legalBasis: u.LegalBasis, fields: u.Fields},
		outcome:  OutcomeAnswered, records: u.Records, found: u.Subjects,
	})
	if err == nil {
		_, err = x.store.record(ctx, t)
	}
	if err != nil {
		return unavailable("exchange.not_recorded", err)
	}
	return nil
}
