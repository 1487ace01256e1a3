package journeys

import (
	"bytes"
	"context"
	"testing"

	"github.com/dinh-gov/dinh/cmd/dinh/demo"
)

// TestDemonstration plays what `dinh demo` plays: three services from start to
// finish and everything that must be true afterwards.
func TestDemonstration(t *testing.T) {
	t.Parallel()
	database, drop, err := freshDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	var out bytes.Buffer
	if err := demo.Run(context.Background(), &out, demo.Options{People: population, Cast: cast, Database: database, Log: &out}); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}
