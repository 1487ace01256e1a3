package documents

import (
	"context"
	"strings"

	"github.com/skip2/go-qrcode"

	"github.com/dinh-gov/dinh/blocks/documents/pdf"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

const (
	left   = 64.0
	right  = pdf.PageWidth - 64
	column = 218.0 // where values begin
	bottom = pdf.PageHeight - 190
)

// The colours of papers: the house's green, ink, and a soft grey.
var (
	green = pdf.Colour{0.043, 0.365, 0.337}
	ink   = pdf.Colour{0.11, 0.157, 0.153}
	soft  = pdf.Colour{0.36, 0.41, 0.40}
	pale  = pdf.Colour{0.945, 0.969, 0.961}
)

func style(font int, size float64, c pdf.Colour) pdf.Style {
	return pdf.Style{Font: font, Size: size, Colour: c}
}

// render sets and signs a paper, in the order in which it is read aloud.
func (x *Documents) render(ctx context.Context, n NewDocument, doc Document) ([]byte, error) {
	who, err := x.identity(ctx, n.Signer)
	if err != nil {
		return nil, err
	}
	p := pdf.NewPaper(n.Title.VI, "vi-VN", x.fonts...)
	p.Subject = n.Title.EN
	y := heading(p, n, doc)
	if y, err = body(p, n, y); err != nil {
		return nil, err
	}
	if err := x.foot(p, n, doc, y); err != nil {
		return nil, err
	}
	return p.Sign(pdf.Signing{Identity: who, Name: n.SignerName.VI, Reason: n.Title.VI, At: doc.IssuedAt})
}

func centred(p *pdf.Paper, s string, st pdf.Style, at pdf.Point) pdf.Line {
	return pdf.Line{X: at.X - p.Width(s, st)/2, Y: at.Y, Text: s, Style: st}
}

// heading sets what every Vietnamese official paper begins with: who issues it
// on the left, the state's name and motto on the right.
func heading(p *pdf.Paper, n NewDocument, doc Document) float64 {
	p.Frame(pdf.Box{X: 34, Y: 34, W: pdf.PageWidth - 68, H: pdf.PageHeight - 68}, 0.8, green)
	p.Frame(pdf.Box{X: 38, Y: 38, W: pdf.PageWidth - 76, H: pdf.PageHeight - 76}, 0.3, green)
	const office, state = 165.0, 408.0
	small, strong := style(0, 9.5, ink), style(1, 9.5, ink)
	var lines []pdf.Line
	y := 72.0
	for _, l := range p.Wrap(strings.ToUpper(n.SignerName.VI), strong, 190) {
		lines = append(lines, centred(p, l, strong, pdf.Point{X: office, Y: y}))
		y += 13
	}
	p.Text("P", -1, lines...)
	p.Rule(pdf.Point{X: office - 32, Y: y - 5}, pdf.Point{X: office + 32, Y: y - 5}, 0.6, ink)
	if doc.Number != "" {
		p.Text("P", -1, centred(p, "Số: "+doc.Number, small, pdf.Point{X: office, Y: y + 12}))
	}
	p.Text("P", -1, centred(p, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", strong, pdf.Point{X: state, Y: 72}), centred(p, "Độc lập - Tự do - Hạnh phúc", style(1, 10.5, ink), pdf.Point{X: state, Y: 87}))
	p.Rule(pdf.Point{X: state - 72, Y: 93}, pdf.Point{X: state + 72, Y: 93}, 0.6, ink)
	y = max(y, 100) + 52
	title := style(1, 21, green)
	for _, l := range p.Wrap(strings.ToUpper(n.Title.VI), title, right-left) {
		p.Text("H1", -1, centred(p, l, title, pdf.Point{X: pdf.PageWidth / 2, Y: y}))
		y += 27
	}
	if n.Title.EN != "" {
		p.Text("P", -1, centred(p, n.Title.EN, style(0, 11, soft), pdf.Point{X: pdf.PageWidth / 2, Y: y - 6}))
		y += 14
	}
	return y + 22
}

// body sets the lines as a table: Vietnamese label with the English one below,
// then the value. With a photo the table is narrower beside it.
func body(p *pdf.Paper, n NewDocument, y float64) (float64, error) {
	width := right - column
	if len(n.Photo) > 0 {
		box := pdf.Box{X: right - 96, Y: y - 8, W: 96, H: 128}
		if err := p.JPEG("Ảnh chân dung", n.Photo, box); err != nil {
			return y, errs.New(errs.Invalid, "documents.photo_unreadable").Wrap(err)
		}
		p.Frame(box, 0.5, green)
		width -= 116
	}
	photoEnd := y + 132
	table := p.Begin("Table", -1)
	label, small, value := style(0, 10.5, soft), style(0, 7.5, soft), style(1, 11.5, ink)
	for i, l := range n.Lines {
		values := p.Wrap(l.Value.VI, value, width)
		labels := p.Wrap(l.Label.VI, label, column-left-14)
		height := max(float64(len(values))*15.5, float64(len(labels))*13+10) + 7
		if y+height > bottom {
			p.NewPage()
			p.Frame(pdf.Box{X: 34, Y: 34, W: pdf.PageWidth - 68, H: pdf.PageHeight - 68}, 0.8, green)
			y, photoEnd = 90, 0
		}
		if y > photoEnd {
			width = right - column
		}
		if i%2 == 0 {
			p.Fill(pale, pdf.Box{X: left - 10, Y: y - 14, W: column + width - left + 14, H: height})
		}
		row := p.Begin("TR", table)
		var th []pdf.Line
		at := y
		for _, s := range labels {
			th = append(th, pdf.Line{X: left, Y: at, Text: s, Style: label})
			at += 13
		}
		if l.Label.EN != "" && l.Label.EN != l.Label.VI {
			th = append(th, pdf.Line{X: left, Y: at - 3, Text: l.Label.EN, Style: small})
		}
		p.Text("TH", row, th...)
		var td []pdf.Line
		for j, s := range values {
			td = append(td, pdf.Line{X: column, Y: y + 1 + float64(j)*15.5, Text: s, Style: value})
		}
		p.Text("TD", row, td...)
		y += height
	}
	return max(y, photoEnd), nil
}

// foot sets the note, who signed when, and how anybody can check the paper.
func (x *Documents) foot(p *pdf.Paper, n NewDocument, doc Document, y float64) error {
	note := style(0, 9, soft)
	if n.ValidUntil != "" {
		p.Text("P", -1, pdf.Line{X: left, Y: y + 14, Text: "Có giá trị đến " + i18n.FormatDate(i18n.VI, n.ValidUntil), Style: style(1, 10.5, ink)})
		y += 20
	}
	if n.Note.VI != "" {
		var lines []pdf.Line
		for i, l := range p.Wrap(n.Note.VI, note, right-left) {
			lines = append(lines, pdf.Line{X: left, Y: y + 14 + float64(i)*12, Text: l, Style: note})
		}
		p.Text("Note", -1, lines...)
	}
	top := pdf.PageHeight - 168
	p.Rule(pdf.Point{X: left, Y: top - 12}, pdf.Point{X: right, Y: top - 12}, 0.4, green)
	address := x.d.Origin + "/verify/" + doc.Code
	boxes, err := qr(address, pdf.Box{X: left, Y: top, W: 84, H: 84})
	if err != nil {
		return err
	}
	p.Figure("Mã QR dẫn đến "+address, ink, boxes...)
	small := style(0, 8.5, soft)
	p.Text("P", -1,
		pdf.Line{X: left + 100, Y: top + 14, Text: "Mã kiểm tra", Style: small},
		pdf.Line{X: left + 100, Y: top + 32, Text: doc.Code, Style: style(1, 14, green)},
		pdf.Line{X: left + 100, Y: top + 50, Text: "Quét mã, hoặc nhập mã và tải tệp này", Style: small},
		pdf.Line{X: left + 100, Y: top + 63, Text: "tại " + x.d.Origin + "/verify", Style: small})
	const middle = right - 70.0
	when := doc.IssuedAt.In(i18n.Zone())
	var lines []pdf.Line
	lines = append(lines, centred(p, "Ngày "+when.Format("02")+" tháng "+when.Format("01")+" năm "+when.Format("2006"), style(0, 9.5, ink), pdf.Point{X: middle, Y: top + 10}),
		centred(p, "ĐÃ KÝ SỐ", style(1, 11, green), pdf.Point{X: middle, Y: top + 30}))
	at := top + 46
	for _, l := range p.Wrap(n.SignerName.VI, style(1, 9.5, ink), 150) {
		lines = append(lines, centred(p, l, style(1, 9.5, ink), pdf.Point{X: middle, Y: at}))
		at += 12
	}
	p.Text("P", -1, lines...)
	return nil
}

// qr draws a code as one box for each run of dark modules.
func qr(s string, in pdf.Box) ([]pdf.Box, error) {
	code, err := qrcode.New(s, qrcode.Medium)
	if err != nil {
		return nil, err
	}
	code.DisableBorder = true
	bits := code.Bitmap()
	size := in.W / float64(len(bits))
	var out []pdf.Box
	for r, row := range bits {
		for c := 0; c < len(row); c++ {
			from := c
			for c < len(row) && row[c] {
				c++
			}
			if c > from {
				out = append(out, pdf.Box{X: in.X + float64(from)*size, Y: in.Y + float64(r)*size, W: float64(c-from) * size, H: size})
			}
		}
	}
	return out, nil
}
