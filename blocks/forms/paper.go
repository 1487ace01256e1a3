package forms

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strconv"
)

// maxPDFPages is how long an uploaded paper may be.
const maxPDFPages = 50

// maxInflated bounds what a paper's object streams unfold to.
const maxInflated = 32 << 20

var (
	pdfPage    = regexp.MustCompile(`/Type\s*/Page[^a-zA-Z]`)
	pdfCount   = regexp.MustCompile(`/Type\s*/Pages[^a-zA-Z>][^>]*?/Count\s+([0-9]{1,9})|/Count\s+([0-9]{1,9})[^>]*?/Type\s*/Pages[^a-zA-Z]`)
	pdfStream  = regexp.MustCompile(`/ObjStm[^a-zA-Z]`)
	pdfEncrypt = regexp.MustCompile(`/Encrypt[^a-zA-Z]`)
	// what makes a reader run or unpack something
	pdfActive = regexp.MustCompile(`/(JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData)[^a-zA-Z]`)
	pdfEscape = regexp.MustCompile(`#[0-9a-fA-F]{2}`)
)

// checkPDF gives the message key of why a paper is refused, "" when it is
// taken: it must be one document from its first byte to its last, open, short,
// and do nothing by itself. It reads the structure, not the pages.
func checkPDF(data []byte) string {
	if !bytes.HasPrefix(data, []byte("%PDF-")) {
		return "forms.file.damaged"
	}
	tail := data[max(0, len(data)-2048):]
	end := bytes.LastIndex(tail, []byte("%%EOF"))
	if end < 0 || len(bytes.Trim(tail[end+len("%%EOF"):], "\r\n\t \x00")) > 0 {
		return "forms.file.damaged" // cut off, or something else hangs on behind
	}
	structure, ok := pdfStructure(data)
	switch {
	case !ok:
		return "forms.file.damaged"
	case pdfEncrypt.Match(structure):
		return "forms.file.pdf_encrypted"
	case pdfActive.Match(structure):
		return "forms.file.pdf_active"
	}
	pages := len(pdfPage.FindAllIndex(structure, maxPDFPages+1))
	for _, m := range pdfCount.FindAllSubmatch(structure, -1) {
		if n, err := strconv.Atoi(string(m[1]) + string(m[2])); err == nil { // one of the two is empty
			pages = max(pages, min(n, maxPDFPages+1))
		}
	}
	switch {
	case pages == 0:
		return "forms.file.damaged"
	case pages > maxPDFPages:
		return "forms.file.pdf_pages"
	}
	return ""
}

// pdfStructure is everything of a paper but the content of its streams: the
// bare objects, and those that object streams hold, with names spelt out.
func pdfStructure(data []byte) ([]byte, bool) {
	var out bytes.Buffer
	inflated := 0
	for rest := data; ; {
		start := bytes.Index(rest, []byte("stream"))
		if start < 0 {
			out.Write(rest)
			break
		}
		head := rest[:start]
		out.Write(head)
		body := bytes.TrimLeft(rest[start+len("stream"):], " ")
		body = bytes.TrimPrefix(bytes.TrimPrefix(body, []byte("\r")), []byte("\n"))
		end := bytes.Index(body, []byte("endstream"))
		if end < 0 {
			out.Write(body)
			break
		}
		if dict := head[max(0, len(head)-1024):]; isObjectStream(dict) {
			text, ok := inflate(body[:end], maxInflated-inflated)
			if !ok {
				return nil, false
			}
			inflated += len(text)
			out.WriteByte('\n')
			out.Write(text)
			out.WriteByte('\n')
		}
		rest = body[end+len("endstream"):]
	}
	names := pdfEscape.ReplaceAllFunc(out.Bytes(), func(hex []byte) []byte {
		n, err := strconv.ParseUint(string(hex[1:]), 16, 8)
		if err != nil {
			return hex
		}
		return []byte{byte(n)}
	})
	return append(names, '\n'), true
}

// isObjectStream looks at the dictionary right before a stream.
func isObjectStream(before []byte) bool {
	if at := bytes.LastIndex(before, []byte("endobj")); at >= 0 {
		before = before[at:]
	}
	return pdfStream.Match(before)
}

// inflate unfolds an object stream. One in another filter than Flate is not
// understood and so not let in.
func inflate(data []byte, limit int) ([]byte, bool) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	if len(text) > limit || err != nil && len(text) == 0 {
		return nil, false
	}
	return text, true
}
