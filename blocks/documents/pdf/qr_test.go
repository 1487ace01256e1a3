package pdf

import (
	"reflect"
	"strings"
	"testing"

	qrcode "github.com/skip2/go-qrcode"
)

// TestCodeAsOthersDrawIt compares with another encoder, under the mask that it
// chose, for every size.
func TestCodeAsOthersDrawIt(t *testing.T) {
	t.Parallel()
	const site = "https://dinh.example.vn/verify/7K3M-PQ9X-2RTV?"
	for n := 1; n <= 213; n++ {
		// Lower case throughout: the other encoder has one segment in byte mode then, as ours.
		text := strings.ToLower((site + strings.Repeat("q", 213))[:n])
		q, err := qrcode.New(text, qrcode.Medium)
		if err != nil {
			t.Fatal(err)
		}
		q.DisableBorder = true
		want := q.Bitmap()
		found := false
		for mask := range 8 {
			got, err := qrCode(text, mask)
			if err != nil {
				t.Fatal(err)
			}
			found = found || reflect.DeepEqual(got, want)
		}
		if !found {
			t.Errorf("%d letters, %d modules: no mask gives the other encoder's symbol", n, len(want))
		}
	}
	if _, err := qrCode(strings.Repeat("q", 214), 0); err == nil {
		t.Error("an address that does not fit was drawn")
	}
}
