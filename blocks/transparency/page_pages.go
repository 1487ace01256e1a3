package transparency

import "github.com/dinh-gov/dinh/kernel/httpx"

func (t *Transparency) pages() []httpx.Route { return nil }
