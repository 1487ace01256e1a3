package govstack

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
)

const most = 500 // records that one look-up gives

// asked is a body of the data API. exists takes the fields bare as well.
type asked struct {
	Query body `json:"query"`
	Write body `json:"write"`
}

type body struct {
	Content map[string]any `json:"content"`
}

// data answers under /data. Names of an action are taken with and without the
// hyphens that only one of GovStack's two texts has.
func (g *GovStack) data(r *http.Request, at []string) (int, any) {
	if len(at) < 2 {
		return http.StatusNotFound, detail("no such address")
	}
	if strings.EqualFold(at[0], "MyPersonalDataUsage") {
		return g.usage(r)
	}
	registry, ok := g.registries[at[0]+"/"+at[1]]
	if !ok {
		return http.StatusNotFound, detail("no such registry")
	}
	action := func(i int) string { return r.Method + " " + strings.ToLower(strings.ReplaceAll(at[i], "-", "")) }
	switch {
	case len(at) == 2 && r.Method == http.MethodGet:
		return g.list(r, registry)
	case len(at) == 4 && action(3) == "DELETE delete":
		return g.remove(r, registry, at[2])
	case len(at) == 5 && action(3) == "GET readvalue":
		return g.value(r, registry, at[2], at[4])
	case len(at) == 3 && action(2) == "POST exists":
		return g.exists(r, registry)
	case len(at) != 3:
		return http.StatusNotFound, detail("no such address")
	}
	var b asked
	if !decode(r, &b) {
		return http.StatusBadRequest, detail("send a JSON body")
	}
	switch action(2) {
	case "POST read":
		return g.read(r, registry, b)
	case "POST create":
		return contentOf(g.create(r.Context(), registry, g.newID(), b.Write.Content))
	case "PUT update":
		return g.update(r, registry, b, 1)
	case "PUT updateentries":
		return g.update(r, registry, b, most)
	case "POST updateorcreate":
		found, err := g.find(r.Context(), registry, b.Query.Content, 1)
		if err != nil {
			return refused(err)
		}
		if len(found) == 0 {
			return contentOf(g.create(r.Context(), registry, g.newID(), b.Write.Content))
		}
		return contentOf(g.amend(r.Context(), registry, found[0], b.Write.Content))
	}
	return http.StatusNotFound, detail("no such address")
}

func (g *GovStack) newID() string { return id.New(g.d.Clock.Now()) }

func contentOf(r record, err error) (int, any) {
	if err != nil {
		return refused(err)
	}
	return http.StatusOK, map[string]any{"content": r.content()}
}

func (g *GovStack) read(r *http.Request, registry exchange.ServiceID, b asked) (int, any) {
	if len(b.Query.Content) == 0 {
		return http.StatusBadRequest, detail("say what is looked for")
	}
	found, err := g.find(r.Context(), registry, b.Query.Content, 1)
	if err == nil && len(found) == 0 {
		return http.StatusNotFound, detail("no record found")
	}
	if err != nil {
		return refused(err)
	}
	return contentOf(found[0], nil)
}

// exists tells whether there is such a record.
func (g *GovStack) exists(r *http.Request, registry exchange.ServiceID) (int, any) {
	var content map[string]any
	if !decode(r, &content) {
		return http.StatusBadRequest, detail("send a JSON body")
	}
	if q, ok := content["query"].(map[string]any); ok {
		content, _ = q["content"].(map[string]any)
	}
	found, err := g.find(r.Context(), registry, content, 1)
	if err != nil {
		return refused(err)
	}
	answer := map[string]any{"status": len(found) > 0, "message": "no record found"}
	if len(found) > 0 {
		answer["message"] = "record found"
	}
	return http.StatusOK, map[string]any{"answer": answer}
}

// update changes up to limit records that match. One that was made already is no
// error, for the suites send everything twice.
func (g *GovStack) update(r *http.Request, registry exchange.ServiceID, b asked, limit int) (int, any) {
	if len(b.Query.Content) == 0 || len(b.Write.Content) == 0 {
		return http.StatusBadRequest, detail("say what is looked for and what is written")
	}
	found, err := g.find(r.Context(), registry, b.Query.Content, limit)
	if err == nil && len(found) == 0 {
		after := maps.Clone(b.Query.Content)
		maps.Copy(after, b.Write.Content)
		return g.read(r, registry, asked{Query: body{after}})
	}
	if err != nil {
		return refused(err)
	}
	for _, f := range found {
		if _, err := g.amend(r.Context(), registry, f, b.Write.Content); err != nil {
			return refused(err)
		}
	}
	return http.StatusOK, b
}

// list gives a page of a registry: all of it, or what has the value searched for
// in the field filtered by, or anywhere.
func (g *GovStack) list(r *http.Request, registry exchange.ServiceID) (int, any) {
	q := r.URL.Query()
	content := map[string]any{}
	if search, filter := q.Get("search"), q.Get("filter"); search != "" && filter != "" {
		content[filter] = search
	}
	for name, values := range q {
		if field, ok := strings.CutPrefix(name, "query."); ok {
			content[field] = values[0]
		}
	}
	found, err := g.find(r.Context(), registry, content, most)
	if err != nil {
		return refused(err)
	}
	if search := q.Get("search"); search != "" && q.Get("filter") == "" {
		found = slices.DeleteFunc(found, func(f record) bool {
			return !slices.ContainsFunc(slices.Collect(maps.Values(f.content())), func(v any) bool { return strings.Contains(fmt.Sprint(v), search) })
		})
	}
	field := cmp.Or(q.Get("filter"), "ID")
	slices.SortStableFunc(found, func(a, b record) int {
		return cmp.Compare(fmt.Sprint(a.Data[field]), fmt.Sprint(b.Data[field]))
	})
	if strings.HasPrefix(q.Get("ordering"), "desc") {
		slices.Reverse(found)
	}
	size, page := bound(q.Get("pageSize"), most), bound(q.Get("page"), 1)
	from := min((page-1)*size, len(found))
	results := []map[string]any{}
	for _, f := range found[from:min(from+size, len(found))] {
		results = append(results, f.content())
	}
	out := map[string]any{"count": len(found), "next": "", "previous": nil, "results": results}
	if from+size < len(found) {
		out["next"] = strconv.Itoa(page + 1)
	}
	if page > 1 {
		out["previous"] = strconv.Itoa(page - 1)
	}
	return http.StatusOK, out
}

func bound(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= most {
		return n
	}
	return otherwise
}

// remove withdraws a record. Doing it again, or to nothing, is no error.
func (g *GovStack) remove(r *http.Request, registry exchange.ServiceID, id string) (int, any) {
	found, err := g.find(r.Context(), registry, map[string]any{"ID": id}, most)
	if err != nil {
		return refused(err)
	}
	for _, f := range found {
		if _, err := g.amend(r.Context(), registry, f, map[string]any{"state": "removed"}); err != nil {
			return refused(err)
		}
	}
	return http.StatusNoContent, nil
}

func (g *GovStack) value(r *http.Request, registry exchange.ServiceID, uuid, field string) (int, any) {
	found, err := g.find(r.Context(), registry, map[string]any{"uuid": uuid}, 1)
	if err != nil {
		return refused(err)
	}
	name, _, _ := strings.Cut(field, ".")
	if len(found) == 0 || found[0].content()[name] == nil {
		return http.StatusNotFound, detail("no record found")
	}
	return http.StatusOK, found[0].Data[name]
}

// reading is one access to somebody's data, in GovStack's spelling.
type reading struct {
	ID              string
	ReaderID        string
	ReaderInitials  string
	InstitutionID   string      `json:"ReaderInstitutionID"`
	InstitutionName string      `json:"ReaderInstitutionName"`
	ApplicationName string      `json:"ReaderApplicationName"`
	At              string      `json:"SearchDateTime"`
	References      []reference `json:"Refrences"` // sic
}

type reference struct {
	ReferenceID string
}

// usage tells who read a person's records. That it was asked is an access too,
// and stands in the answer.
func (g *GovStack) usage(r *http.Request) (int, any) {
	person, database := r.URL.Query().Get("userID"), r.URL.Query().Get("DatabaseID")
	person, database = cmp.Or(person, r.URL.Query().Get("userId")), cmp.Or(database, r.URL.Query().Get("databaseId"))
	registry, ok := g.registries[g.d.World.Databases[database]]
	if !ok {
		return http.StatusBadRequest, detail("there is no such database")
	}
	found, err := g.find(r.Context(), registry, map[string]any{"ID": person}, 1)
	if errs.KindOf(err) == errs.Invalid || err == nil && len(found) == 0 {
		return http.StatusBadRequest, detail("there is nobody of this ID")
	}
	if err != nil {
		return refused(err)
	}
	events, err := g.d.Exchange.Events(r.Context(), g.d.Pseudonym(person), "", most)
	if err != nil {
		return refused(err)
	}
	out := []reading{}
	for _, e := range events {
		if e.Service != registry.String() || e.Outcome != exchange.OutcomeAnswered {
			continue
		}
		reader, err := exchange.ParseSubsystem(e.Client)
		if err != nil {
			continue
		}
		name, _ := g.d.Exchange.MemberName(r.Context(), e.Client)
		out = append(out, reading{
			ID: e.ID, ReaderID: cmp.Or(e.UserID, e.Client), InstitutionID: reader.Owner().String(), InstitutionName: name.In(i18n.EN),
			ApplicationName: reader.Subsystem, At: e.At.UTC().Format(time.RFC3339), References: []reference{{e.MessageID}},
		})
	}
	return http.StatusOK, out
}

// database answers under /database and /databases.
func (g *GovStack) database(r *http.Request, at []string) (int, any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case len(at) == 1 && r.Method == http.MethodGet && at[0] == "databases":
		group := maps.Clone(g.group)
		if group == nil {
			group = map[string]any{}
		}
		list := []map[string]any{}
		for _, id := range slices.Sorted(maps.Keys(g.databases)) {
			list = append(list, g.databases[id])
		}
		group["databases"] = list
		return http.StatusOK, group
	case len(at) != 2:
		return http.StatusNotFound, detail("no such address")
	case r.Method == http.MethodPost && at[1] == "modify":
		var schema map[string]any
		if !decode(r, &schema) {
			return http.StatusBadRequest, detail("send a JSON body")
		}
		g.nextID++
		schema["id"] = g.nextID
		g.databases[strconv.Itoa(g.nextID)] = schema
		return http.StatusOK, schema
	case r.Method == http.MethodDelete:
		delete(g.databases, at[1])
		return http.StatusOK, "Success"
	case r.Method == http.MethodGet && g.databases[at[1]] != nil:
		return http.StatusOK, g.databases[at[1]]
	}
	return http.StatusNotFound, detail("no such database")
}
