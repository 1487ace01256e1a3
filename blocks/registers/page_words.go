package registers

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// words says a value as people do: dates written out, codes by their names.
func (r *Registers) words(def *Definition, field, v string, lang i18n.Lang) string {
	if _, err := time.Parse(time.DateOnly, v); err == nil {
		return i18n.FormatDate(lang, v)
	}
	switch def.kind(field) {
	case "boolean":
		return r.yesno(lang, v == "true")
	case "integer":
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return i18n.FormatInt(lang, n)
		}
	}
	if list := def.CodeList(field); list != "" && r.d.Codes != nil {
		if t, ok := r.d.Codes(list, v); ok {
			return t.In(lang)
		}
	}
	return v
}

// Say gives what a record says in one field, in people's words; "" when it says
// nothing there. Error: errs.NotFound for a register that does not exist.
func (r *Registers) Say(register, field string, data map[string]any, lang i18n.Lang) (string, error) {
	def, err := r.Definition(register)
	if err != nil {
		return "", err
	}
	v := value(data, field)
	if v == "" {
		return "", nil
	}
	return r.words(def, field, v, lang), nil
}

func (r *Registers) yesno(lang i18n.Lang, yes bool) string {
	if yes {
		return r.d.Pages.T(lang, "registers.yes")
	}
	return r.d.Pages.T(lang, "registers.no")
}

// wrong says what is wrong with a field to people, who know fields and codes by
// their names and not by their keys.
func (r *Registers) wrong(req *http.Request, def *Definition, f errs.Field) web.FieldError {
	lang := i18n.LangFrom(req.Context())
	name := whole(f.Name)
	kv := []any{}
	for k, v := range f.Args {
		switch k {
		case "field":
			v = def.Label(whole(fmt.Sprint(v))).In(lang)
		case "allowed":
			v = r.allowed(def, name, lang)
		}
		kv = append(kv, k, v)
	}
	return web.FieldError{Field: name, Text: r.t(req, "error."+f.Code, kv...)}
}

// allowed lists what may stand in a field: what to write and, where that is a
// code, what it means.
func (r *Registers) allowed(def *Definition, field string, lang i18n.Lang) string {
	var out []string
	for _, v := range def.choices(field) {
		if w := r.words(def, field, v, lang); w != v {
			v += " (" + w + ")"
		}
		out = append(out, v)
	}
	return strings.Join(out, ", ")
}
