package app

import (
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/asic"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Explain says an error in words, with one line for each wrong field. An
// error without a code is said as it is: the reader is the operator.
func Explain(c *i18n.Catalog, lang i18n.Lang, err error) string {
	e, ok := errs.As(err)
	if !ok || !c.Has("error."+e.Code) {
		return err.Error()
	}
	out := c.T(lang, "error."+e.Code, pairs(e.Args)...)
	for _, f := range e.Fields {
		out += "\n  " + f.Name + ": " + c.T(lang, "error."+f.Code, pairs(f.Args)...)
	}
	return out
}

// ExplainPlain is Explain where no house is open.
func ExplainPlain(err error) string {
	c, loadErr := i18n.New(exchange.Messages(), asic.Messages(), transparency.Messages())
	if loadErr != nil {
		return err.Error()
	}
	return Explain(c, i18n.EN, err)
}

func pairs(args map[string]any) []any {
	out := make([]any, 0, 2*len(args))
	for k, v := range args {
		out = append(out, k, v)
	}
	return out
}
