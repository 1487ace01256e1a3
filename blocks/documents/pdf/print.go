package pdf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"

	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
)

// Print lays out a paper, signs it and returns the file.
func (p *Press) Print(paper Paper, by Signer) ([]byte, error) {
	if paper.Words == (Words{}) {
		paper.Words = VietNam()
	}
	s := &sheet{press: p, paper: p.readable(paper), root: &node{tag: "Document"}}
	if len(paper.Photo) > 0 {
		var err error
		if s.photo, err = newPhoto(paper.Photo); err != nil {
			return nil, err
		}
	}
	if err := s.lay(); err != nil {
		return nil, err
	}
	f := &file{press: p, body: map[int]string{}, place: append([]place(nil), p.place...)}
	f.buf = make([]byte, 0, len(p.base)+len(paper.Photo)+32<<10)
	f.buf = append(f.buf, p.base...)
	at := f.assemble(s, by)
	return f.buf, f.sign(at, by)
}

// gap is where the signature goes: from "<" to behind ">", and the numbers of
// ByteRange before it.
type gap struct{ numbers, from, to int }

// assemble writes everything but the signature's value.
func (f *file) assemble(s *sheet, by Signer) gap {
	root, pagesObj, info, meta, tree, form, sig, widget, intent := f.object(), f.object(), f.object(), f.object(), f.object(), f.object(), f.object(), f.object(), f.object()
	pages := make([]int, len(s.pages))
	for i := range pages {
		pages[i] = f.object()
	}
	s.root.number(f)
	f.pages(s, assembly{pages: pages, parent: pagesObj, widget: widget, sig: sig, tree: tree})
	s.root.write(f, tree, pages)

	title := s.paper.Title.VI
	date := "(D:" + stamp(s.paper) + ")"
	f.put(info, "<</Title %s/Author %s/Keywords %s/Creator(Dinh)/Producer(Dinh)/CreationDate%s/ModDate%s>>", utf16Text(title), utf16Text(s.paper.Agency.VI), ascii(s.paper.Code), date, date)
	f.stream(meta, "/Type/Metadata/Subtype/XML", xmp(s.paper))
	f.put(intent, "<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB)/DestOutputProfile %d 0 R>>", f.press.objects.colour)
	f.put(form, "<</Fields[%d 0 R]/SigFlags 3>>", widget)
	f.put(root, "<</Type/Catalog/Version/1.7/Pages %d 0 R/Lang(vi-VN)/MarkInfo<</Marked true>>/StructTreeRoot %d 0 R/Metadata %d 0 R/ViewerPreferences<</DisplayDocTitle true>>/AcroForm %d 0 R/OutputIntents[%d 0 R]>>",
		pagesObj, tree, meta, form, intent)

	dict := fmt.Sprintf("<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Name %s/M(D:%s)/ContactInfo%s/ByteRange[0 ", utf16Text(s.paper.Agency.VI), stamp(s.paper), ascii(s.paper.CheckURL))
	const numbers = "0000000000 0000000000 0000000000]/Contents"
	hole := 2*by.room() + 2
	f.place[sig] = place{at: len(f.buf)}
	f.buf = fmt.Appendf(f.buf, "%d 0 obj\n%s", sig, dict)
	g := gap{numbers: len(f.buf)}
	f.buf = append(f.buf, numbers...)
	g.from = len(f.buf)
	g.to = g.from + hole
	f.buf = append(f.buf, '<')
	f.buf = append(f.buf, strings.Repeat("0", hole-2)...)
	f.buf = append(f.buf, ">>>\nendobj\n"...)

	sum := sha256.Sum256([]byte(s.paper.Code + stamp(s.paper) + title))
	f.finish(root, info, [16]byte(sum[:16]))
	return g
}

// sign fills the gap.
func (f *file) sign(g gap, by Signer) error {
	copy(f.buf[g.numbers:], fmt.Sprintf("%010d %010d %010d", g.from, g.to, len(f.buf)-g.to))
	h := sha256.New()
	h.Write(f.buf[:g.from])
	h.Write(f.buf[g.to:])
	cms, err := by.sign([32]byte(h.Sum(nil)))
	if err != nil {
		return err
	}
	if len(cms) > by.room() {
		return fmt.Errorf("pdf: the signature has %d bytes and there is room for %d", len(cms), by.room())
	}
	hex.Encode(f.buf[g.from+1:], cms)
	return nil
}

// assembly is the objects that pages refer to.
type assembly struct {
	pages                     []int
	parent, widget, sig, tree int
}

// pages writes the pages with their content, links and the way back from marked
// content to the structure.
func (f *file) pages(s *sheet, a assembly) {
	var nums, kids strings.Builder
	var photoObj int
	if s.photo != nil {
		photoObj = f.object()
		f.stream(photoObj, fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace%s/BitsPerComponent 8/Filter/DCTDecode", s.photo.width, s.photo.height, s.photo.space), s.photo.jpeg)
	}
	next := len(s.pages) // keys of annotations follow those of pages
	var annots strings.Builder
	for i, c := range s.pages {
		fmt.Fprintf(&kids, "%d 0 R ", a.pages[i])
		fmt.Fprintf(&nums, "%d[", i)
		for _, n := range c.marks {
			fmt.Fprintf(&nums, "%d 0 R ", n.num)
		}
		nums.WriteString("]")
		var refs strings.Builder
		for _, l := range c.links {
			obj := a.widget
			if l.url != "" {
				obj = f.object()
			}
			f.annotation(obj, l, a, annotationAt{page: a.pages[i], key: next})
			fmt.Fprintf(&refs, "%d 0 R ", obj)
			fmt.Fprintf(&annots, "%d %d 0 R ", next, l.node.num)
			l.node.kids = append(l.node.kids, kid{page: i, ref: obj})
			next++
		}
		content := f.object()
		f.deflated(content, "", c.ops)
		images := ""
		if photoObj > 0 && c.photo {
			images = fmt.Sprintf("/XObject<</P %d 0 R>>", photoObj)
		}
		f.put(a.pages[i], "<</Type/Page/Parent %d 0 R/MediaBox[0 0 595.28 841.89]/Contents %d 0 R/Resources<</Font<</R %d 0 R/B %d 0 R>>%s>>/StructParents %d/Tabs/S/Annots[%s]>>",
			a.parent, content, f.press.objects.regular, f.press.objects.bold, images, i, refs.String())
	}
	f.put(a.parent, "<</Type/Pages/Kids[%s]/Count %d>>", kids.String(), len(s.pages))
	f.put(a.tree, "<</Type/StructTreeRoot/K[%d 0 R]/ParentTree<</Nums[%s%s]>>/ParentTreeNextKey %d>>", s.root.num, nums.String(), annots.String(), next)
}

type annotationAt struct{ page, key int }

func (f *file) annotation(obj int, l link, a assembly, at annotationAt) {
	rect := fmt.Sprintf("[%.2f %.2f %.2f %.2f]", l.x, sheetHeight-l.y-l.h, l.x+l.w, sheetHeight-l.y)
	if l.url != "" {
		f.put(obj, "<</Type/Annot/Subtype/Link/Rect%s/Border[0 0 0]/F 4/P %d 0 R/StructParent %d/Contents %s/A<</S/URI/URI%s>>>>", rect, at.page, at.key, utf16Text(l.alt), ascii(l.url))
		return
	}
	look := f.object()
	f.stream(look, fmt.Sprintf("/Type/XObject/Subtype/Form/BBox[0 0 %.2f %.2f]/Resources<<>>", l.w, l.h), nil)
	f.put(obj, "<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/TU %s/Contents %s/Rect%s/F 132/P %d 0 R/StructParent %d/V %d 0 R/AP<</N %d 0 R>>>>", utf16Text(l.alt), utf16Text(l.alt), rect, at.page, at.key, a.sig, look)
}

// readable makes a paper printable: composed letters, and the nearest letter
// where the typeface lacks one.
func (p *Press) readable(in Paper) Paper {
	fix := func(s string) string {
		s = text.NFC(s)
		ok := true
		for _, r := range s {
			ok = ok && (p.regular.has(r) || r == '\n')
		}
		if ok {
			return s
		}
		var b strings.Builder
		for _, r := range s {
			b.WriteString(p.nearest(r))
		}
		return b.String()
	}
	both := func(t i18n.Text) i18n.Text { return i18n.Text{VI: fix(t.VI), EN: fix(t.EN)} }
	out := in
	out.Title, out.Agency, out.Note, out.Number = both(in.Title), both(in.Agency), both(in.Note), fix(in.Number)
	lines := in.Lines
	if in.ValidUntil != "" && !in.says(i18n.FormatDate(i18n.VI, in.ValidUntil)) {
		until := i18n.Text{VI: i18n.FormatDate(i18n.VI, in.ValidUntil)}
		until.EN = until.VI
		lines = append(lines[:len(lines):len(lines)], Line{Label: in.Words.ValidUntil, Value: until})
	}
	out.Lines = make([]Line, 0, len(lines))
	for _, l := range lines {
		out.Lines = append(out.Lines, Line{Label: both(l.Label), Value: both(l.Value)})
	}
	return out
}

// says tells whether one of the lines says a value already.
func (p Paper) says(value string) bool {
	for _, l := range p.Lines {
		if l.Value.VI == value {
			return true
		}
	}
	return false
}

func (p *Press) nearest(r rune) string {
	switch {
	case p.regular.has(r) || r == '\n':
		return string(r)
	case r == '\t' || r == '\r' || r == 0x202f || r == 0x2009:
		return " "
	case r == 0x2010 || r == 0x2011 || r == 0x2012:
		return "-"
	case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x200b || r == 0xfeff:
		return ""
	}
	folded := text.Fold(string(r))
	for _, f := range folded {
		if !p.regular.has(f) {
			return "?"
		}
	}
	switch {
	case folded == "":
		return "?"
	case unicode.IsUpper(r):
		return strings.ToUpper(folded)
	}
	return folded
}

func stamp(p Paper) string { return p.SignedAt.In(zone()).Format("20060102150405") + "+07'00'" }

// xmp is the file's description of itself, in words that machines read.
func xmp(p Paper) []byte {
	esc := func(s string) string {
		var b strings.Builder
		_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
		return b.String()
	}
	at := p.SignedAt.In(zone()).Format("2006-01-02T15:04:05-07:00")
	return []byte(`<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">` + esc(p.Title.VI) + `</rdf:li><rdf:li xml:lang="en">` + esc(p.Title.EN) + `</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>` + esc(p.Agency.VI) + `</rdf:li></rdf:Seq></dc:creator><dc:language><rdf:Bag><rdf:li>vi-VN</rdf:li></rdf:Bag></dc:language><dc:identifier>` + esc(p.CheckURL) + `</dc:identifier>
<pdf:Keywords>` + esc(p.Code) + `</pdf:Keywords><pdf:Producer>Dinh</pdf:Producer><xmp:CreatorTool>Dinh</xmp:CreatorTool><xmp:CreateDate>` + at + `</xmp:CreateDate><xmp:ModifyDate>` + at + `</xmp:ModifyDate>
</rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`)
}
