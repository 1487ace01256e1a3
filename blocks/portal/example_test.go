package portal_test

import (
	"fmt"

	"github.com/dinh-gov/dinh/blocks/portal"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func Example() {
	words, err := i18n.New(web.Messages(), portal.Messages())
	if err != nil {
		fmt.Println(err)
		return
	}
	pages, err := web.New(web.Config{Catalog: words})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range portal.New(portal.Deps{Pages: pages}).Routes() {
		fmt.Println(r.Pattern(), "–", r.Access)
	}
	// Output:
	// GET /{$} – public
	// GET /search – public
	// GET /life-events/{id} – public
	// GET /help – public
	// GET /about – public
	// GET /accessibility – public
	// GET /data – public
	// GET /documents – public
	// GET /applications – person(low)
	// GET /applications/{id} – person(low)
	// GET /applications/{id}/withdraw – person(low)
	// POST /applications/{id}/withdraw – person(low)
}
