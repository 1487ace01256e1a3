package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed components layout pages messages
var files embed.FS

//go:embed all:static
var staticFiles embed.FS

// Messages are the package's own texts for [i18n.New].
func Messages() fs.FS { return files }

// ErrNoAssets says that the styles and scripts were not built.
var ErrNoAssets = errors.New("web: static/dist/app.css is missing: run `make assets` (npm ci && npm run build) and build again")

// Font is a typeface for printed papers: "BeVietnamPro-Regular.ttf",
// "BeVietnamPro-SemiBold.ttf" or "BeVietnamPro-Bold.ttf".
func Font(name string) ([]byte, error) {
	b, err := fs.ReadFile(staticFiles, path.Join("static/dist/fonts", name))
	if errors.Is(err, fs.ErrNotExist) {
		if _, miss := fs.Stat(staticFiles, "static/dist/app.css"); miss != nil {
			return nil, ErrNoAssets
		}
	}
	return b, err
}

// asset is one static file, ready to be sent.
type asset struct {
	data, gzip []byte
	kind       string
}

// assets holds every static file in memory, and a version over all of them:
// /static/<version>/app.css may be kept for ever, and app.css finds its fonts
// beside itself under the same version.
type assets struct {
	files   map[string]asset
	version string
}

func loadAssets(fsys fs.FS) (*assets, error) {
	a := &assets{files: map[string]asset{}}
	sum := sha256.New()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || path.Ext(name) == ".ttf" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "dist/")
		a.files[name] = asset{data: data, gzip: squeeze(name, data), kind: kindOf(name)}
		fmt.Fprintf(sum, "%s %d\n", name, len(data))
		sum.Write(data)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, ok := a.files["app.css"]; !ok {
		return nil, ErrNoAssets
	}
	a.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return a, nil
}

func kindOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".woff2":
		return "font/woff2"
	case ".js":
		return "text/javascript; charset=utf-8"
	default:
		return first(mime.TypeByExtension(ext), "application/octet-stream")
	}
}

// squeeze compresses text once, at start.
func squeeze(name string, data []byte) []byte {
	if !slices.Contains([]string{".css", ".js", ".svg"}, path.Ext(name)) {
		return nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := w.Write(data); err != nil || w.Close() != nil || b.Len() >= len(data) {
		return nil
	}
	return b.Bytes()
}

// url is the path of a static file, changing whenever any of them changes.
func (a *assets) url(name string) string {
	if _, ok := a.files[name]; !ok {
		panic(renderError{fmt.Errorf("web: no static file %q", name)})
	}
	return "/static/" + a.version + "/" + name
}

// serve answers GET /static/{version}/{name…}. A page of another release asks
// with its own version: it gets today's file, which is not to be kept.
func (a *assets) serve(w http.ResponseWriter, r *http.Request) bool {
	version, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
	f, ok := a.files[name]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if version == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	tag := `"` + a.version + `"`
	h.Set("ETag", tag)
	body := f.data
	if f.gzip != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = f.gzip
		}
	}
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who left needs no answer
	}
	return true
}
