package httpx

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// gzipPool keeps writers, whose tables are some 800 kB each to make.
var gzipPool = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // BestSpeed is a valid level
	}
	return z
}}

func putGzip(z *gzip.Writer) {
	z.Reset(io.Discard) // forget the connection
	gzipPool.Put(z)
}

// settleEncoding decides, just before the header goes out, whether the body is
// compressed. next is the first of it, for an answer that names no type.
func (x *exchange) settleEncoding(next []byte, large bool) {
	h := x.Header()
	if x.status < 200 || x.status == http.StatusNoContent || x.status == http.StatusNotModified {
		return
	}
	if h.Get("Content-Type") == "" {
		first := next
		if len(x.held) > 0 {
			first = x.held
		}
		if len(first) == 0 {
			return
		}
		h.Set("Content-Type", http.DetectContentType(first))
	}
	if !compressible(h.Get("Content-Type")) || h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" {
		return
	}
	h.Add("Vary", "Accept-Encoding")
	if !large || !x.gzipOK || declaredSmall(h) {
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Del("Content-Length")
	h.Del("Accept-Ranges")
	if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h.Set("Etag", "W/"+tag) // the bytes differ from the plain form's
	}
	x.gz = gzipPool.Get().(*gzip.Writer)
	x.gz.Reset(x.raw())
}

func declaredSmall(h http.Header) bool {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	return err == nil && n < holdBack
}

// compressible says whether a type is text. Event streams are left alone:
// proxies hold compressed ones back.
func compressible(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch media {
	case "text/event-stream":
		return false
	case "application/json", "application/javascript", "application/xml", "application/yaml",
		"application/manifest+json", "image/svg+xml", "application/x-ndjson":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}

func acceptsGzip(header string) bool {
	for header != "" {
		var part string
		part, header, _ = strings.Cut(header, ",")
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
		if !ok {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}
