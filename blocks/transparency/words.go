package transparency

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// words says events in one language.
type words struct {
	t    *Transparency
	lang i18n.Lang
}

func (w words) say(key string, kv ...any) string { return w.t.d.Pages.T(w.lang, key, kv...) }

// name is the title of an identifier, or the identifier.
func (w words) name(id string, find func(string) (i18n.Text, bool)) string {
	if text, ok := find(id); ok && !text.IsZero() {
		return text.In(w.lang)
	}
	return id
}

func (w words) who(e exchange.Event) string { return w.name(e.Client, w.t.d.Names.MemberName) }

func (w words) member(id string) string { return w.name(id, w.t.d.Names.MemberName) }

func (w words) service(id string) string { return w.name(id, w.t.d.Names.ServiceTitle) }

func (w words) purpose(id string) string {
	if id == "" {
		return w.say("transparency.not_said")
	}
	return w.name(id, w.t.d.Names.PurposeTitle)
}

// application is what the person knows the occasion as; empty when it has none.
func (w words) application(e exchange.Event) string {
	if e.Application == "" {
		return ""
	}
	return w.name(e.Application, w.t.d.Names.ApplicationTitle)
}

func (w words) field(service, field string) string {
	if field == "*" {
		return w.say("transparency.all_fields")
	}
	if text, ok := w.t.d.Names.FieldLabel(service, field); ok && !text.IsZero() {
		return text.In(w.lang)
	}
	return field
}

func (w words) fields(service string, fields []string) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = w.field(service, f)
	}
	return out
}

const fieldsInLine = 4 // named in a sentence; the others are counted

// fieldsInWords lists fields within a sentence.
func (w words) fieldsInWords(e exchange.Event) string {
	names := w.fields(e.Service, e.Fields)
	for i := range names {
		names[i] = lowerFirst(names[i])
	}
	switch n := len(names); {
	case n == 0:
		return w.say("transparency.some_fields")
	case n == 1:
		return names[0]
	case n <= fieldsInLine:
		return w.say("transparency.and", "list", strings.Join(names[:n-1], ", "), "last", names[n-1])
	default:
		return w.say("transparency.and_more", "list", strings.Join(names[:fieldsInLine-1], ", "), "n", strconv.Itoa(n-fieldsInLine+1))
	}
}

// kind names the sort of sentence that tells an event.
func kind(e exchange.Event) string {
	switch {
	case e.Outcome == exchange.OutcomeRefused:
		return "refused"
	case e.Outcome == exchange.OutcomeFailed:
		return "failed"
	case e.Operation == "create" || e.Operation == "amend":
		return e.Operation
	case e.Records == 0:
		return "none"
	case e.Operation == exchange.OpSubscribe:
		return "told"
	}
	return "read"
}

// sentence tells an event in one line.
func (w words) sentence(e exchange.Event) string {
	kv := []any{"who", w.who(e), "service", w.service(e.Service)}
	switch kind(e) {
	case "refused":
		return w.say("transparency.line.refused", kv...)
	case "failed":
		return w.say("transparency.line.failed", kv...)
	case "read", "told":
		kv = append(kv, "fields", w.fieldsInWords(e))
	}
	return w.say("transparency.line."+kind(e), append(kv, "purpose", lowerFirst(w.purpose(e.Purpose)))...)
}

// reason says in plain words why somebody was refused.
func (w words) reason(code string) string {
	switch strings.TrimPrefix(code, "exchange.") {
	case "no_grant", "operation_not_granted", "legal_basis_not_granted", "field_not_granted", "no_endpoint", "unknown_client":
		return w.say("transparency.reason.no_right")
	case "purpose_not_granted":
		return w.say("transparency.reason.other_purpose")
	case "grant_expired", "grant_not_yet", "grant_revoked":
		return w.say("transparency.reason.not_valid")
	case "quota_spent":
		return w.say("transparency.reason.quota")
	case "purpose_missing":
		return w.say("transparency.reason.no_purpose")
	case "provider_failed", "provider_status", "answer_unreadable":
		return w.say("transparency.reason.no_answer")
	}
	return w.say("transparency.reason.other", "code", code)
}

// day is a day as a heading: today, yesterday, or its date.
func (w words) day(at, now time.Time) string {
	at, now = at.In(i18n.Zone()), now.In(i18n.Zone())
	date := at.Format(time.DateOnly)
	text := i18n.FormatDate(w.lang, date)
	switch date {
	case now.Format(time.DateOnly):
		return w.say("transparency.today", "date", text)
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		return w.say("transparency.yesterday", "date", text)
	}
	return text
}

// exactly is a moment to the second, as it matters in a proof.
func (w words) exactly(at time.Time) string {
	return i18n.FormatTime(w.lang, at) + " (" + at.In(i18n.Zone()).Format("15:04:05 -07:00") + ")"
}

// lowerFirst lets a title stand within a sentence; abbreviations stay.
func lowerFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	second, _ := utf8.DecodeRuneInString(s[n:])
	if n == 0 || unicode.IsUpper(second) || unicode.IsDigit(second) {
		return s
	}
	return string(unicode.ToLower(first)) + s[n:]
}
