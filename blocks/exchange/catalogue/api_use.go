package catalogue

import (
	"encoding/csv"
	"net/http"
	"strconv"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// apiDocument gives a service's OpenAPI document as it is.
func (c *Catalogue) apiDocument(w http.ResponseWriter, r *http.Request) error {
	s, err := c.service(r.Context(), r.URL.Query().Get("service"))
	if err != nil {
		return err
	}
	doc, err := c.d.Exchange.Document(r.Context(), s.ID)
	if err != nil {
		return err
	}
	if doc == nil {
		return errs.New(errs.NotFound, "catalogue.no_document", "service", s.ID.String())
	}
	kind, name := "application/yaml", "openapi.yaml"
	if description.IsJSON(doc) {
		kind, name = "application/json", "openapi.json"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, err = w.Write(doc)
	return err
}

// apiUse gives a service's figures as JSON or, with format=csv, as CSV.
func (c *Catalogue) apiUse(w http.ResponseWriter, r *http.Request) error {
	service := r.URL.Query().Get("service")
	months, err := c.Use(r.Context(), service)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("format") != "csv" {
		return httpx.WriteJSON(w, http.StatusOK, map[string]any{"service": service, "months": months})
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="use.csv"`)
	out := csv.NewWriter(w)
	rows := [][]string{{"month", "answered", "refused", "failed", "clients"}}
	for _, m := range months {
		row := []string{m.Month}
		for _, n := range []int64{m.Answered, m.Refused, m.Failed, m.Clients} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		rows = append(rows, row)
	}
	return out.WriteAll(rows)
}
