package services

import (
	"fmt"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/kernel/rules"
)

// EvidenceRequest gives the values to ask a register with. asked is false when
// the question does not arise: its when is false, or a value to search with is
// not known (no marriage, so no spouse to ask about).
func (s *Service) EvidenceRequest(e Evidence, st State) (where map[string]string, asked bool, err error) {
	sc := s.scope(st, i18n.VI)
	if !sc.truth(e.When) {
		return nil, false, nil
	}
	where = make(map[string]string, len(e.Where))
	for field, expr := range e.Where {
		switch v := sc.value(expr).(type) {
		case nil:
			return nil, false, nil
		case string:
			if v == "" {
				return nil, false, nil
			}
			where[field] = v
		case bool, int64, float64:
			where[field] = fmt.Sprint(v)
		default:
			return nil, false, fmt.Errorf("%s: evidence %s: where.%s gives %T; it must give one text or number", s.ID, e.ID, field, v)
		}
	}
	return where, true, nil
}

// Record is one record as a register answers it.
type Record struct {
	ID   string         `json:"id"`
	Data map[string]any `json:"data"`
}

// EvidenceValue turns a register's records into what State.Data holds for e:
// the record's data plus id, nil without a record, a list where many is true.
func EvidenceValue(e Evidence, records []Record) any {
	all := make([]any, 0, len(records))
	for _, r := range records {
		m := make(map[string]any, len(r.Data)+1)
		for k, v := range r.Data {
			m[k] = v
		}
		m["id"] = r.ID
		all = append(all, m)
	}
	switch {
	case e.Many:
		return all
	case len(all) == 0:
		return nil
	}
	return all[0]
}

// Decide evaluates one decision table at the law of the day on which the case
// was submitted (today, before that). The outcome explains itself.
func (s *Service) Decide(id string, st State) (rules.Outcome, error) {
	d := s.decisions[id]
	if d == nil {
		return rules.Outcome{}, errs.New(errs.NotFound, "services.not_found").
			Wrap(fmt.Errorf("%s has no decision %q", s.ID, id))
	}
	if on, _ := st.Case["submitted_on"].(string); isDate(on) {
		st.Today = on // conditions too are judged as on that day
	}
	return d.Decide(s.scope(st, i18n.VI).vars, st.Today)
}

// Fee gives what the service costs in this case; nil when it costs nothing.
// The decision that sets it is evaluated if the workflow has not done so.
func (s *Service) Fee(st State) (*money.Amount, error) {
	f := s.Definition.Fee
	if f == nil {
		return nil, nil
	}
	amount := f.Money()
	if f.Decision != "" {
		minor, err := s.feeDecided(f.Decision, st)
		if err != nil {
			return nil, err
		}
		amount.Minor = minor
	}
	if amount.Minor == 0 {
		return nil, nil
	}
	return &amount, nil
}

func (s *Service) feeDecided(id string, st State) (int64, error) {
	out, _ := st.Decisions[id].(map[string]any)
	if out == nil {
		o, err := s.Decide(id, st)
		if err != nil {
			return 0, fmt.Errorf("fee of %s: %w", s.ID, err)
		}
		if len(o.Missing) > 0 {
			return 0, fmt.Errorf("fee of %s: decision %s lacks %s", s.ID, id, strings.Join(o.Missing, ", "))
		}
		out = o.Out
	}
	n, ok := plainCopy(out["amount"]).(int64)
	if !ok || n < 0 {
		return 0, fmt.Errorf("fee of %s: decision %s must give amount as a whole number of minor units", s.ID, id)
	}
	return n, nil
}

// WriteData gives the record to write, and the id of the record to amend (""
// on create). Values that are null are left out. Anything that cannot be
// evaluated is an error: a register never takes half a record.
func (s *Service) WriteData(w Write, st State) (data map[string]any, record string, err error) {
	sc := s.scope(st, i18n.VI)
	data = make(map[string]any, len(w.Data))
	for field, expr := range w.Data {
		v, err := sc.eval(expr)
		if err != nil {
			return nil, "", fmt.Errorf("write %s: %s: %w", w.ID, field, err)
		}
		if v != nil {
			setPath(data, strings.Split(field, "."), v)
		}
	}
	if w.Op == "amend" {
		v, err := sc.eval(w.Record)
		if err != nil {
			return nil, "", fmt.Errorf("write %s: record: %w", w.ID, err)
		}
		id, _ := v.(string)
		if id == "" {
			return nil, "", fmt.Errorf("write %s: record: %q gives no record id", w.ID, w.Record)
		}
		record = id
	}
	return data, record, nil
}

// OutputData is a document with everything worked out.
type OutputData struct {
	ID, Type, Signer string
	Title            i18n.Text
	Owners           []string // personal numbers, without repetition
	Number           string
	ValidUntil       string         // YYYY-MM-DD or ""
	Photo            map[string]any // file answer or nil
	Lines            []OutputLine
	Note             i18n.Text
	Labels           map[string]string
}

// OutputLine is one labelled value on a document.
type OutputLine struct {
	Label i18n.Text
	Value i18n.Text
}

// Output resolves a document. Lines without a value are left out; a missing
// owner is an error, since nobody could fetch the document.
func (s *Service) Output(o Output, st State) (OutputData, error) {
	sc := s.scope(st, i18n.VI)
	out := OutputData{ID: o.ID, Type: o.Type, Signer: o.Signer, Title: o.Title, Labels: o.Labels,
		Note: s.fill(o.Note, st)}
	for _, expr := range o.Owners {
		n, _ := sc.value(expr).(string)
		if n != "" && !contains(out.Owners, n) {
			out.Owners = append(out.Owners, n)
		}
	}
	if len(out.Owners) == 0 {
		return OutputData{}, fmt.Errorf("output %s of %s: none of owners gives a personal number", o.ID, s.ID)
	}
	out.ValidUntil, _ = sc.value(o.Valid).(string)
	if n := sc.value(o.Number); n != nil {
		out.Number = s.format("", n).VI
	}
	out.Photo, _ = sc.value(o.Photo).(map[string]any)
	for _, l := range o.Lines {
		v, err := sc.eval(l.Value)
		if err != nil && errs.CodeOf(err) != "rules.missing" {
			return OutputData{}, fmt.Errorf("output %s: line %q: %w", o.ID, l.Label.EN, err)
		}
		if !empty(v) {
			out.Lines = append(out.Lines, OutputLine{l.Label, s.format(l.Format, v)})
		}
	}
	return out, nil
}

// MessageText is a notification with everything filled in.
type MessageText struct {
	Channels           []string
	Subject, Body, SMS i18n.Text
}

// MessageText fills the placeholders of m in both languages. Dates are written
// as the language writes them; what is not known is left empty.
func (s *Service) MessageText(m Message, st State) MessageText {
	return MessageText{m.Channels, s.fill(m.Subject, st), s.fill(m.Body, st), s.fill(m.SMS, st)}
}

func (s *Service) fill(t i18n.Text, st State) i18n.Text {
	return i18n.Text{VI: s.fillIn(i18n.VI, t.VI, st), EN: s.fillIn(i18n.EN, t.EN, st)}
}

func (s *Service) fillIn(lang i18n.Lang, text string, st State) string {
	if !strings.Contains(text, "{") {
		return text
	}
	sc := s.scope(st, lang)
	var b strings.Builder
	for _, p := range s.templates[text] {
		if p.expr == "" {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(s.format(p.format, sc.value(p.expr)).In(lang))
	}
	return b.String()
}

// format writes a value in both languages.
func (s *Service) format(format string, v any) i18n.Text {
	if list, ok := strings.CutPrefix(format, "code:"); ok {
		if label, ok := s.Label(list, fmt.Sprint(v)); ok {
			return label
		}
	}
	switch v := v.(type) {
	case nil:
		return i18n.Text{}
	case string:
		if isDate(v) {
			return dateText(v)
		}
		return i18n.Text{VI: v, EN: v}
	case bool:
		key := "services.no"
		if v {
			key = "services.yes"
		}
		return i18n.Text{VI: s.words.T(i18n.VI, key), EN: s.words.T(i18n.EN, key)}
	case int64:
		if format == "money" {
			return s.moneyText(v)
		}
	case []any:
		return s.formatList(format, v)
	case []string:
		return s.formatList(format, plainCopy(v).([]any))
	case map[string]any:
		name, _ := v["name"].(string) // a file
		return i18n.Text{VI: name, EN: name}
	}
	text := fmt.Sprint(v)
	return i18n.Text{VI: text, EN: text}
}

func (s *Service) formatList(format string, list []any) i18n.Text {
	var vi, en []string
	for _, x := range list {
		t := s.format(format, x)
		vi, en = append(vi, t.VI), append(en, t.EN)
	}
	return i18n.Text{VI: strings.Join(vi, ", "), EN: strings.Join(en, ", ")}
}

func (s *Service) moneyText(minor int64) i18n.Text {
	a := money.Amount{Minor: minor, Currency: "VND"}
	if s.Definition.Fee != nil {
		a.Currency = s.Definition.Fee.Currency
	}
	return i18n.Text{VI: a.Format(i18n.VI), EN: a.Format(i18n.EN)}
}

// Label gives the words of a value of a code list, or of a field's own options
// by the field's id.
func (s *Service) Label(list, value string) (i18n.Text, bool) {
	for _, o := range s.options(list) {
		if o.Value == value {
			return o.Label, true
		}
	}
	return i18n.Text{}, false
}

// AnswerText writes an answer as people read it: options by their label, dates
// by the language, yes and no as words, a file by its name.
func (s *Service) AnswerText(f Field, v any) i18n.Text {
	switch {
	case f.OptionsFrom != "":
		return s.format("code:"+f.OptionsFrom, v)
	case len(f.Options) > 0:
		var vi, en []string
		list, ok := plainCopy(v).([]any)
		if !ok {
			list = []any{v}
		}
		for _, x := range list {
			t := s.format("", x)
			for _, o := range f.Options {
				if o.Value == x {
					t = o.Label
				}
			}
			vi, en = append(vi, t.VI), append(en, t.EN)
		}
		return i18n.Text{VI: strings.Join(vi, ", "), EN: strings.Join(en, ", ")}
	case f.Type == TypeDate, f.Type == TypeYesNo, f.Type == TypeDeclaration, f.Type == TypeFile:
		return s.format("", plainCopy(v))
	case f.Type == TypeNumber:
		if n, ok := number(v); ok {
			return numberText(n)
		}
	}
	if text, ok := v.(string); ok {
		return i18n.Text{VI: text, EN: text}
	}
	return s.format("", plainCopy(v))
}
