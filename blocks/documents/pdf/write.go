package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

// Signing is who signs a paper.
type Signing struct {
	Identity
	Name, Reason string
	At           time.Time
}

// contentsSize is the room for the CMS, in bytes; two certificates and a P-256
// signature take about 2 kB.
const contentsSize = 6000

type file struct {
	buf     bytes.Buffer
	offsets []int
}

// object writes the next object and returns its number.
func (f *file) object(n int, body string) {
	for len(f.offsets) <= n {
		f.offsets = append(f.offsets, 0)
	}
	f.offsets[n] = f.buf.Len()
	fmt.Fprintf(&f.buf, "%d 0 obj\n%s\nendobj\n", n, body)
}

func (f *file) stream(n int, dict string, data []byte) {
	for len(f.offsets) <= n {
		f.offsets = append(f.offsets, 0)
	}
	f.offsets[n] = f.buf.Len()
	fmt.Fprintf(&f.buf, "%d 0 obj\n<<%s/Length %d>>\nstream\n", n, dict, len(data))
	f.buf.Write(data)
	f.buf.WriteString("\nendstream\nendobj\n")
}

// writers keeps compressors for the next paper: making one costs more than
// using it.
var writers = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(io.Discard, zlib.BestSpeed)
	if err != nil { // the level is a constant
		panic(err)
	}
	return w
}}

func deflate(data []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(data)/2 + 64)
	w := writers.Get().(*zlib.Writer)
	defer writers.Put(w)
	w.Reset(&b)
	_, err := w.Write(data)
	if closeErr := w.Close(); err != nil || closeErr != nil { // a bytes.Buffer takes everything
		panic(errors.Join(err, closeErr))
	}
	return b.Bytes()
}

// Object numbers that every paper has.
const (
	objCatalog = iota + 1
	objPages
	objInfo
	objTree
	objParents
	objMetadata
	objSignature
	objField
	objFirst
)

// Sign finishes the paper and returns the signed file.
func (p *Paper) Sign(s Signing) ([]byte, error) {
	f := &file{}
	f.buf.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	next := objFirst
	take := func() int { next++; return next - 1 }
	fonts := p.writeFonts(f, take)
	images := p.writeImages(f, take)
	elements := make([]int, len(p.tree))
	for i := range elements {
		elements[i] = take()
	}
	document := take()
	var kids []string
	pages := make([]int, len(p.pages))
	for i := range p.pages {
		pages[i] = take()
		kids = append(kids, ref(pages[i]))
	}
	for i, pg := range p.pages {
		content := take()
		f.stream(content, "/Filter/FlateDecode", deflate(pg.content.Bytes()))
		annots := ""
		if i == 0 {
			annots = fmt.Sprintf("/Annots[%s]", ref(objField))
		}
		f.object(pages[i], fmt.Sprintf("<</Type/Page/Parent %s/MediaBox[0 0 %s %s]/Contents %s/Resources<</Font<<%s>>/XObject<<%s>>>>/StructParents %d/Tabs/S%s>>",
			ref(objPages), num(PageWidth), num(PageHeight), ref(content), fonts, images, i, annots))
	}
	p.writeTree(f, elements, pages, document)
	f.object(objPages, fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", strings.Join(kids, " "), len(kids)))
	f.stream(objMetadata, "/Type/Metadata/Subtype/XML", p.metadata(s.At))
	f.object(objInfo, fmt.Sprintf("<</Title%s/Subject%s/Producer(Dinh)/CreationDate(%s)/ModDate(%s)>>", text(p.Title), text(p.Subject), date(s.At), date(s.At)))
	f.object(objField, fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/V %s/F 132/Rect[0 0 0 0]/P %s>>", ref(objSignature), ref(pages[0])))
	f.object(objCatalog, fmt.Sprintf("<</Type/Catalog/Pages %s/StructTreeRoot %s/MarkInfo<</Marked true>>/Lang(%s)/ViewerPreferences<</DisplayDocTitle true>>/Metadata %s/AcroForm<</Fields[%s]/SigFlags 3>>>>",
		ref(objPages), ref(objTree), p.Lang, ref(objMetadata), ref(objField)))
	f.offsets = append(f.offsets, make([]int, max(0, next-len(f.offsets)))...)
	f.offsets[objSignature] = f.buf.Len()
	head := fmt.Sprintf("%d 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Name%s/Reason%s/M(%s)/ByteRange ", objSignature, text(s.Name), text(s.Reason), date(s.At))
	f.buf.WriteString(head)
	rangeAt := f.buf.Len()
	f.buf.WriteString(strings.Repeat(" ", 44) + "/Contents ")
	from := f.buf.Len()
	f.buf.WriteString("<" + strings.Repeat("0", 2*contentsSize) + ">")
	to := f.buf.Len()
	f.buf.WriteString(">>\nendobj\n")
	f.trailer()
	return seal(f.buf.Bytes(), places{rangeAt, from, to}, s.Identity)
}

func (f *file) trailer() {
	at := f.buf.Len()
	fmt.Fprintf(&f.buf, "xref\n0 %d\n0000000000 65535 f \n", len(f.offsets))
	for _, o := range f.offsets[1:] {
		fmt.Fprintf(&f.buf, "%010d 00000 n \n", o)
	}
	sum := sha256.Sum256(f.buf.Bytes())
	id := hex.EncodeToString(sum[:16])
	fmt.Fprintf(&f.buf, "trailer\n<</Size %d/Root %s/Info %s/ID[<%s><%s>]>>\nstartxref\n%d\n%%%%EOF\n", len(f.offsets), ref(objCatalog), ref(objInfo), id, id, at)
}

// places are where in the file the signature's parts go.
type places struct{ byteRange, from, to int }

// seal fills in what is signed and the signature itself.
func seal(data []byte, at places, who Identity) ([]byte, error) {
	rangeAt, from, to := at.byteRange, at.from, at.to
	copy(data[rangeAt:], fmt.Sprintf("[0 %d %d %d]", from, to, len(data)-to))
	h := sha256.New()
	h.Write(data[:from])
	h.Write(data[to:])
	cms, err := signCMS(h.Sum(nil), who)
	if err != nil {
		return nil, err
	}
	if len(cms) > contentsSize {
		return nil, fmt.Errorf("pdf: the signature has %d bytes, there is room for %d", len(cms), contentsSize)
	}
	hex.Encode(data[from+1:], cms)
	return data, nil
}

func (p *Paper) writeFonts(f *file, take func() int) string {
	var out strings.Builder
	for i, font := range p.fonts {
		if len(p.used[i]) == 0 {
			continue
		}
		embedded := font.embed(p.used[i])
		program, descriptor, descendant, unicode, composite := take(), take(), take(), take(), take()
		name := embedded.tag + "+" + font.name
		f.stream(program, fmt.Sprintf("/Filter/FlateDecode/Length1 %d", embedded.length), embedded.compressed)
		f.object(descriptor, fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags 32/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV 80/FontFile2 %s>>",
			name, font.bbox[0], font.bbox[1], font.bbox[2], font.bbox[3], font.ascent, font.descent, font.capHeight, ref(program)))
		glyphs := sorted(p.used[i])
		var widths strings.Builder
		for _, g := range glyphs {
			fmt.Fprintf(&widths, "%d[%d]", g, font.em(int(font.advance[g])))
		}
		f.object(descendant, fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor %s/DW 600/W[%s]/CIDToGIDMap/Identity>>",
			name, ref(descriptor), widths.String()))
		f.stream(unicode, "/Filter/FlateDecode", deflate(toUnicode(glyphs, p.used[i])))
		f.object(composite, fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%s]/ToUnicode %s>>", name, ref(descendant), ref(unicode)))
		fmt.Fprintf(&out, "/F%d %s", i, ref(composite))
	}
	return out.String()
}

func sorted(used map[uint16]rune) []int {
	out := make([]int, 0, len(used))
	for g := range used {
		out = append(out, int(g))
	}
	sort.Ints(out)
	return out
}

// subsetTag is six capitals that differ between subsets (ISO 32000-1, 9.6.4).
func subsetTag(data []byte) string {
	sum := sha256.Sum256(data)
	var b [6]byte
	for i := range b {
		b[i] = 'A' + sum[i]%26
	}
	return string(b[:])
}

// toUnicode lets text be copied, searched and read aloud.
func toUnicode(glyphs []int, used map[uint16]rune) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Adobe-Identity-UCS def /CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange\n")
	for len(glyphs) > 0 {
		n := min(100, len(glyphs))
		fmt.Fprintf(&b, "%d beginbfchar\n", n)
		for _, g := range glyphs[:n] {
			fmt.Fprintf(&b, "<%04X> <%04X>\n", g, used[uint16(g)])
		}
		b.WriteString("endbfchar\n")
		glyphs = glyphs[n:]
	}
	b.WriteString("endcmap CMapName currentdict /CMap defineresource pop end end")
	return b.Bytes()
}

func (p *Paper) writeImages(f *file, take func() int) string {
	var out strings.Builder
	for i, img := range p.images {
		n := take()
		f.stream(n, fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode", img.width, img.height), img.jpeg)
		fmt.Fprintf(&out, "/I%d %s", i, ref(n))
	}
	return out.String()
}

// writeTree writes the structure (ISO 32000-1, 14.7), by which the paper is
// read aloud in the order in which it was written.
func (p *Paper) writeTree(f *file, elements, pages []int, document int) {
	var top []string
	for i, e := range p.tree {
		parent := document
		if e.parent >= 0 {
			parent = elements[e.parent]
		} else {
			top = append(top, ref(elements[i]))
		}
		kids := strconv.Itoa(e.mark)
		if e.mark < 0 {
			var refs []string
			for _, c := range e.children {
				refs = append(refs, ref(elements[c]))
			}
			kids = "[" + strings.Join(refs, " ") + "]"
		}
		alt := ""
		if e.alt != "" {
			alt = "/Alt" + text(e.alt)
		}
		scope := ""
		if e.tag == "TH" {
			scope = "/A<</O/Table/Scope/Row>>"
		}
		f.object(elements[i], fmt.Sprintf("<</Type/StructElem/S/%s/P %s/Pg %s/K %s%s%s>>", e.tag, ref(parent), ref(pages[e.page]), kids, alt, scope))
	}
	f.object(document, fmt.Sprintf("<</Type/StructElem/S/Document/P %s/K[%s]>>", ref(objTree), strings.Join(top, " ")))
	var nums strings.Builder
	for i, pg := range p.pages {
		var refs []string
		for _, e := range pg.parents {
			refs = append(refs, ref(elements[e]))
		}
		fmt.Fprintf(&nums, "%d[%s]", i, strings.Join(refs, " "))
	}
	f.object(objParents, fmt.Sprintf("<</Nums[%s]>>", nums.String()))
	f.object(objTree, fmt.Sprintf("<</Type/StructTreeRoot/K %s/ParentTree %s/ParentTreeNextKey %d>>", ref(document), ref(objParents), len(p.pages)))
}

func (p *Paper) metadata(at time.Time) []byte {
	esc := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	stamp := at.UTC().Format("2006-01-02T15:04:05Z")
	return []byte(`<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">` +
		esc.Replace(p.Title) + `</rdf:li></rdf:Alt></dc:title><dc:language><rdf:Bag><rdf:li>` + p.Lang + `</rdf:li></rdf:Bag></dc:language><xmp:CreateDate>` + stamp + `</xmp:CreateDate><pdf:Producer>Dinh</pdf:Producer></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`)
}

func ref(n int) string { return strconv.Itoa(n) + " 0 R" }

func date(t time.Time) string { return t.UTC().Format("D:20060102150405Z") }

// text writes a string as UTF-16, which every viewer reads.
func text(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	b.WriteString(">")
	return b.String()
}
