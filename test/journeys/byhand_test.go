package journeys

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What officers do by hand in their own registers is told to the people, like
// an access of others; what they were refused is not.
func TestPeopleSeeWhatOfficersLookedAt(t *testing.T) {
	h := shared(t)
	yen, _ := h.world().Sample("yen")
	told := func() int64 {
		t.Helper()
		n, err := h.Exchange.CountEvents(t.Context(), h.Keys.Pseudonym(yen.Number))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	officer, other := h.caller(t, "register-mps").in("vi"), h.caller(t, "register-moj").in("vi")
	step := func(what string, more int64, do func() answer, status int, words string) answer {
		t.Helper()
		before := told()
		a := do()
		if a.Status != status || !strings.Contains(a.Body, words) {
			t.Fatalf("%s: status %d: %.300s", what, a.Status, a.Body)
		}
		if n := told() - before; n != more {
			t.Errorf("%s: told %d times, not %d", what, n, more)
		}
		return a
	}
	search := url.Values{"q": {yen.Number}}
	step("a search of another member", 0, func() answer { return other.post(t, "/desk/registers/population", search) }, http.StatusForbidden, "")
	step("the list before a search", 0, func() answer { return officer.get(t, "/desk/registers/population") }, http.StatusOK, `method="post"`)
	step("nothing to search for", 0, func() answer { return officer.post(t, "/desk/registers/population", url.Values{"q": {" "}}) }, http.StatusUnprocessableEntity, "nhập tên hoặc số")
	found := step("a search", 1, func() answer { return officer.post(t, "/desk/registers/population", search) }, http.StatusOK, yen.Name)
	_, record, _ := strings.Cut(found.Body, "/desk/registers/population/records/")
	record, _, _ = strings.Cut(record, `"`)
	api := "/api/registers/population/records/" + record
	step("a record", 1, func() answer { return officer.get(t, "/desk/registers/population/records/"+record) }, http.StatusOK, yen.Name)
	step("the record of another member", 0, func() answer { return other.get(t, "/desk/registers/population/records/"+record) }, http.StatusForbidden, "")
	step("a search by the API", 1, func() answer {
		return officer.json(t, http.MethodPost, "/api/registers/population/search", `{"q":"`+yen.Number+`"}`)
	}, http.StatusOK, yen.Number)
	step("a record by the API", 1, func() answer { return officer.get(t, api) }, http.StatusOK, yen.Number)
	step("its history", 1, func() answer { return officer.get(t, api+"/history") }, http.StatusOK, "versions")
	patch := func(body string) func() answer {
		return func() answer { return officer.json(t, http.MethodPatch, api, body) }
	}
	step("a change without a version", 0, patch(`{"reason":"thử","data":{"phone":"0900000999"}}`), http.StatusConflict, "registers.version_missing")
	step("a change", 1, patch(`{"reason":"thử","version":1,"data":{"phone":"0900000999"}}`), http.StatusOK, "0900000999")
	step("the same values", 1, patch(`{"reason":"thử","version":2,"data":{"phone":"0900000999"}}`), http.StatusBadRequest, "registers.nothing_to_change")
	step("no values", 1, patch(`{"reason":"thử","version":2,"data":{}}`), http.StatusBadRequest, "registers.nothing_to_change")
	step("an old version", 0, patch(`{"reason":"thử","version":1,"data":{"phone":"0900000998"}}`), http.StatusConflict, "registers.changed_meanwhile")
	step("a change that is refused", 0, patch(`{"reason":"thử","version":2,"data":{"birth_date":"x"}}`), http.StatusUnprocessableEntity, "birth_date")

	step("a code of no list", 0, patch(`{"reason":"thử","version":2,"data":{"ethnicity":"elf"}}`), http.StatusUnprocessableEntity, "registers.field_code")

	csv := func(text string) func() answer {
		return func() answer {
			return officer.do(t, request{method: http.MethodPost, path: "/api/registers/population/import?reason=thu", kind: "text/csv", body: strings.NewReader(text)})
		}
	}
	step("an imported change", 1, csv("number,phone\n"+yen.Number+",0900000997\n"), http.StatusOK, `"amended":1`)
	step("an imported guess", 1, csv("number,phone\n"+yen.Number+",0900000997\n"), http.StatusOK, `"unchanged":1`)
	step("an imported code of no list", 0, csv("number,ethnicity\n"+yen.Number+",elf\n"), http.StatusOK, `"rejected":1`)
	step("an imported fault", 0, csv("number,phone\n"+yen.Number+",12\n"), http.StatusOK, `"rejected":1`)

	list := h.caller(t, "yen").in("vi").get(t, "/my-data")
	for _, words := range []string{"quản lý và chỉnh sửa dữ liệu gốc", "Bộ Công an"} {
		if !strings.Contains(list.Body, words) {
			t.Errorf("the list of accesses does not say %q", words)
		}
	}
}

// An officer's key is good for one request: it neither shows nor changes
// anything else.
func TestIdempotencyKeysAreBound(t *testing.T) {
	h := shared(t)
	officer := h.caller(t, "register-mps").in("vi")
	record := func(sample string) string {
		t.Helper()
		who, _ := h.world().Sample(sample)
		found, err := h.Registers.Find(t.Context(), "population", map[string]string{"number": who.Number}, 1)
		if err != nil || len(found) != 1 {
			t.Fatal(len(found), err)
		}
		return found[0].ID
	}
	tuan, son := "/api/registers/population/records/"+record("tuan"), "/api/registers/population/records/"+record("son")
	send := func(method, path, body string) answer {
		t.Helper()
		return officer.do(t, request{method: method, path: path, kind: "application/json", body: strings.NewReader(body), idempotency: "k1"})
	}
	const change = `{"reason":"thử","version":1,"data":{"phone":"0900000444"}}`
	first := send(http.MethodPatch, tuan, change)
	if first.Status != http.StatusOK {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	if again := send(http.MethodPatch, tuan, change); again.Status != http.StatusOK || !strings.Contains(again.Body, `"version":2,`) {
		t.Errorf("the same request: %d %s", again.Status, again.Body)
	}
	for what, a := range map[string]answer{
		"another record":   send(http.MethodPatch, son, change),
		"another body":     send(http.MethodPatch, tuan, `{"reason":"thử","version":2,"data":{"phone":"0900000445"}}`),
		"a record of none": send(http.MethodPatch, "/api/registers/population/records/zzz", change),
		"a new record":     send(http.MethodPost, "/api/registers/population/records", `{"reason":"thử","data":{}}`),
	} {
		if a.Status != http.StatusConflict || !strings.Contains(a.Body, "registers.key_reused") || strings.Contains(a.Body, "full_name") {
			t.Errorf("%s: %d %s", what, a.Status, a.Body)
		}
	}
}

// An officer who opens a case is seen by the applicant.
func TestApplicantsSeeWhoOpenedTheirCase(t *testing.T) {
	h, s := shared(t), played(t)
	if a := h.caller(t, "registrar-1").get(t, s.casePath); a.Status != http.StatusOK {
		t.Fatalf("%d %.200s", a.Status, a.Body)
	}
	list := h.caller(t, "lan").in("vi").get(t, "/my-data")
	for _, words := range []string{"toàn bộ hồ sơ", "giải quyết hồ sơ của bạn"} {
		if !strings.Contains(list.Body, words) {
			t.Errorf("the list of accesses does not say %q", words)
		}
	}
}
