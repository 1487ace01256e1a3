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
	step("a change", 1, func() answer {
		return officer.json(t, http.MethodPatch, api, `{"reason":"thử","data":{"phone":"0900000999"}}`)
	}, http.StatusOK, "0900000999")
	step("a change that is refused", 0, func() answer {
		return officer.json(t, http.MethodPatch, api, `{"reason":"thử","data":{"birth_date":"x"}}`)
	}, http.StatusUnprocessableEntity, "birth_date")

	list := h.caller(t, "yen").in("vi").get(t, "/my-data")
	for _, words := range []string{"quản lý và chỉnh sửa dữ liệu gốc", "Bộ Công an"} {
		if !strings.Contains(list.Body, words) {
			t.Errorf("the list of accesses does not say %q", words)
		}
	}
}
