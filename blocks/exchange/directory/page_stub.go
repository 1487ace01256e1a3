package directory

import "github.com/dinh-gov/dinh/kernel/httpx"

func (g *Registry) pages() []httpx.Route { return nil }
