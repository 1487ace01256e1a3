package web

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Gallery is the design system looking at itself: /design shows every
// component, /design/<sample> whole pages. Serve it in a demonstration only;
// its people and papers are made up.
func Gallery(r *Renderer) []httpx.Route {
	route := func(path string, show httpx.Handler) httpx.Route {
		return httpx.Route{Method: http.MethodGet, Path: path, Access: auth.Public(), Page: true, Handle: show}
	}
	return []httpx.Route{
		route("/design", func(w http.ResponseWriter, req *http.Request) error {
			return r.Page(w, req, "web/plain", galleryPage())
		}),
		route("/design/{sample}", func(w http.ResponseWriter, req *http.Request) error {
			s, ok := samples()[req.PathValue("sample")]
			if !ok {
				return errs.New(errs.NotFound, "web.no_sample")
			}
			req = req.WithContext(auth.With(req.Context(), s.who))
			return r.Page(w, req, "web/plain", s.page)
		}),
	}
}

// Samples names the pages under /design, for tests that visit them all.
func Samples() []string {
	return []string{"home", "question", "mistakes", "check", "done", "documents", "application", "desk", "case", "empty"}
}

type sample struct {
	who  auth.Principal
	page Page
}

func samples() map[string]sample {
	mai := auth.Principal{Account: "a-1", Number: "001190000001", Name: "Nguyễn Thị Mai", Level: auth.Substantial, Demo: true}
	officer := auth.Principal{Account: "a-2", Name: "Trần Quốc Bảo", Officer: "o-1", Member: "GOV/BTP", Roles: []string{"registrar"}, Demo: true}
	return map[string]sample{
		"home":        {auth.Principal{}, sampleHome()},
		"question":    {mai, sampleQuestion()},
		"mistakes":    {mai, sampleMistakes()},
		"check":       {mai, sampleCheck()},
		"done":        {mai, sampleDone()},
		"documents":   {mai, sampleDocuments()},
		"application": {mai, sampleApplication()},
		"desk":        {officer, sampleDesk()},
		"case":        {officer, sampleCase()},
		"empty":       {mai, sampleEmpty()},
	}
}

func galleryPage() Page {
	body := []Component{
		Heading{Level: 1, Text: "Hệ thống thiết kế", Caption: "Đình"},
		Paragraph{Classes: "govuk-body-l", Text: "Mọi trang của Đình được ghép từ những thành phần dưới đây. Mỗi thành phần dùng được bằng bàn phím, trên màn hình hẹp 320 điểm và khi không có JavaScript."},
		Heading{Text: "Trang mẫu"},
		sampleTiles(),
	}
	for _, part := range []func() []Component{galleryWords, galleryForms, galleryChoices, galleryMessages, galleryLists, galleryOwn, galleryDesk} {
		body = append(body, part()...)
	}
	return Page{Title: "Hệ thống thiết kế", Data: Group(body), Breadcrumbs: &Breadcrumbs{Items: []Crumb{{Text: "Trang chủ", Href: "/"}, {Text: "Hệ thống thiết kế"}}}}
}

func sampleTiles() Component {
	return Tiles{Label: "Trang mẫu", Items: []Tile{
		{Title: "Trang chủ", Href: "/design/home", Icon: "home"},
		{Title: "Một câu hỏi", Href: "/design/question", Icon: "message"},
		{Title: "Khi có chỗ sai", Href: "/design/mistakes", Icon: "shield"},
		{Title: "Kiểm tra câu trả lời", Href: "/design/check", Icon: "search"},
		{Title: "Đã nộp", Href: "/design/done", Icon: "document"},
		{Title: "Giấy tờ của tôi", Href: "/design/documents", Icon: "document"},
		{Title: "Theo dõi hồ sơ", Href: "/design/application", Icon: "road"},
		{Title: "Bàn làm việc", Href: "/design/desk", Icon: "work"},
		{Title: "Một hồ sơ của cán bộ", Href: "/design/case", Icon: "people"},
		{Title: "Chưa có gì", Href: "/design/empty", Icon: "flower"},
	}}
}
