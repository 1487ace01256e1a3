package documents

import (
	"context"
	"strings"

	"github.com/dinh-gov/dinh/blocks/documents/pdf"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// render prints and signs a paper.
func (x *Documents) render(ctx context.Context, n NewDocument, doc Document) ([]byte, error) {
	by, err := x.signer(ctx, n.Signer)
	if err != nil {
		return nil, err
	}
	paper := pdf.Paper{
		Layout: layoutOf(n.Type), Title: n.Title, Agency: n.SignerName, Number: n.Number, Note: n.Note, Photo: n.Photo, ValidUntil: n.ValidUntil,
		Code: doc.Code, CheckURL: x.d.Origin + "/verify/" + doc.Code, SignedAt: doc.IssuedAt,
	}
	_, paper.CheckPage, _ = strings.Cut(x.d.Origin, "://")
	paper.CheckPage += "/verify"
	if paper.Agency.VI == "" {
		paper.Agency.VI = by.Certificate.Subject.CommonName
	}
	for _, l := range n.Lines {
		paper.Lines = append(paper.Lines, pdf.Line{Label: l.Label, Value: l.Value})
	}
	file, err := x.press.Print(paper, by)
	if err != nil && len(n.Photo) > 0 && pdf.IsPhoto(err) {
		return nil, errs.New(errs.Invalid, "documents.photo_unreadable").Wrap(err)
	}
	return file, err
}

// layoutOf is how papers of a type look: what people carry in a wallet is a
// card, the rest an administrative sheet.
func layoutOf(typ string) pdf.Layout {
	switch typ {
	case "health-card", "driving-licence":
		return pdf.Card
	}
	return pdf.Sheet
}
