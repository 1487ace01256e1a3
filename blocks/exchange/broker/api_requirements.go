package broker

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Routes are the broker's doors.
func (b *Broker) Routes() []httpx.Route {
	routes := []httpx.Route{
		{Method: "GET", Path: "/api/exchange/requirements", Access: auth.Public(), Handle: b.apiRequirements},
		{Method: "GET", Path: "/api/exchange/requirements/{id}", Access: auth.Public(), Handle: b.apiRequirement},
	}
	if b.d.Pages == nil {
		return routes
	}
	person, officer := auth.Person(auth.Substantial), auth.Officer(RoleEvidence)
	return append(routes,
		httpx.Route{Method: "GET", Path: "/exchange/requirements", Access: auth.Public(), Page: true, Handle: b.showRequirements},
		httpx.Route{Method: "POST", Path: "/papers/services/{id}/start", Access: person, Page: true, Handle: b.postStart},
		httpx.Route{Method: "GET", Path: "/papers", Access: person, Page: true, Handle: b.showMine},
		httpx.Route{Method: "GET", Path: "/papers/{code}", Access: person, Page: true, Handle: b.showRequest},
		httpx.Route{Method: "GET", Path: "/papers/{code}/preview", Access: person, Page: true, Handle: b.showPreview},
		httpx.Route{Method: "POST", Path: "/papers/{code}/preview", Access: person, Page: true, Handle: b.postDecision},
		httpx.Route{Method: "POST", Path: "/papers/{code}/withdraw", Access: person, Page: true, Handle: b.postWithdraw},
		httpx.Route{Method: "GET", Path: "/desk/papers", Access: officer, Page: true, Handle: b.showDesk},
		httpx.Route{Method: "POST", Path: "/desk/papers", Access: officer, Page: true, Handle: b.postAsk},
		httpx.Route{Method: "GET", Path: "/desk/papers/{code}", Access: officer, Page: true, Handle: b.showOurs},
		httpx.Route{Method: "POST", Path: "/desk/papers/{code}", Access: officer, Page: true, Handle: b.postExtracts},
		httpx.Route{Method: "GET", Path: "/desk/papers/{code}/receipts/{event}", Access: officer, Page: true, Handle: b.sendReceipt},
	)
}

func (b *Broker) apiRequirements(w http.ResponseWriter, _ *http.Request) error {
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"requirements": b.Requirements()})
}

func (b *Broker) apiRequirement(w http.ResponseWriter, r *http.Request) error {
	found, err := b.Requirement(r.PathValue("id"))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, found)
}
