package exchange

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSheaves(t *testing.T) {
	t.Parallel()
	var all []*Evidence
	for i := range 40 {
		all = append(all, &Evidence{
			RequestID: fmt.Sprint("r", i), MessageID: fmt.Sprint("m", i), At: time.UnixMicro(int64(i)).UTC(), Client: "VN/GOV/A/a", Service: "VN/GOV/B/b/s",
			Request: Proof{KeyID: "k", Base: fmt.Sprint("base of ", i), Signature: "c2ln", Created: int64(i)}, RequestHash: "h",
		})
	}
	data := new(scratch).packSheaf(all)
	for i, want := range all {
		if got, err := fromSheaf(data, i); err != nil || !reflect.DeepEqual(got, *want) {
			t.Errorf("%d: %+v %v, want %+v", i, got, err, *want)
		}
	}
	for _, place := range []int{40, -1} {
		if e, err := fromSheaf(data, place); err == nil && e.RequestID != "" {
			t.Errorf("place %d holds %+v", place, e)
		}
	}
	if _, err := fromSheaf(bytes.Repeat([]byte{1}, 30), 0); err == nil {
		t.Error("noise is no sheaf")
	}
}

func FuzzSheaf(f *testing.F) {
	f.Add(new(scratch).packSheaf([]*Evidence{{RequestID: "r"}}), 0)
	f.Fuzz(func(_ *testing.T, data []byte, place int) { _, _ = fromSheaf(data, place%1000) })
}

// What one node packs the other unpacks, and nothing else is taken.
func FuzzHeads(f *testing.F) {
	a := &ask{Call: Call{Method: "GET"}, requestID: "1"}
	a.Service = ServiceID{SubsystemID{"VN", "GOV", "B", "b"}, "s"}
	a.Client = SubsystemID{"VN", "GOV", "A", "a"}
	f.Add(packRequest(a))
	f.Add(packAnswer(reply{answered: answered{status: 200}}, true))
	f.Fuzz(func(t *testing.T, head []byte) {
		if got, streams, err := unpackRequest(head); err == nil && !streams {
			again, _, err := unpackRequest(packRequest(got))
			if err != nil || again.target() != got.target() || again.MessageID != got.MessageID {
				t.Errorf("%+v became %+v, %v", got, again, err)
			}
		}
		_, _, _ = unpackAnswer(head)
	})
}

// A pattern of a published service must not hold a processor.
func TestPatternsTakeNoTime(t *testing.T) {
	t.Parallel()
	path := "/" + strings.Repeat("a", 4000)
	if matchPath("/"+strings.Repeat("**a", 100)+"b", path) || !matchPath("/"+strings.Repeat("**a", 100), path) {
		t.Error("wrong")
	}
}
