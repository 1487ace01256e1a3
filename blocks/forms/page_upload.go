package forms

import (
	"errors"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Bounds of a posted page beside its files.
const (
	maxParts    = 500
	maxTextPart = 256 << 10
)

// read takes a posted page apart. Files are looked at as they come and never
// touch a disk in the clear.
func (x *Forms) read(w http.ResponseWriter, req *http.Request, p services.Page) (posted, error) {
	in := posted{page: p.ID, values: url.Values{}, files: map[string]upload{}}
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	var err error
	if kind == "multipart/form-data" {
		err = x.readParts(req, p, &in)
	} else if kind != "application/x-www-form-urlencoded" {
		err = errs.New(errs.Invalid, "forms.bad_form") // read as a form it would be an empty one
	} else {
		req.Body = http.MaxBytesReader(w, req.Body, maxTextPart*4)
		if err = req.ParseForm(); err == nil {
			in.values = req.PostForm
		}
	}
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok || errs.KindOf(err) != errs.Internal {
			return in, err
		}
		return in, errs.New(errs.Invalid, "forms.bad_form").Wrap(err)
	}
	for name, list := range in.values {
		for i, v := range list {
			if !utf8.ValidString(v) {
				list[i] = strings.ToValidUTF8(v, "\uFFFD")
			}
		}
		in.values[name] = list
	}
	if shown := in.values.Get(versionInput); shown != "" {
		in.version = math.MaxInt // a version that no page showed agrees with none
		if n, err := strconv.Atoi(shown); err == nil && n > 0 {
			in.version = n
		}
	}
	return in, nil
}

func (x *Forms) readParts(req *http.Request, p services.Page, in *posted) error {
	parts, err := req.MultipartReader()
	if err != nil {
		return err
	}
	for range maxParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := x.readPart(req, p, part, in); err != nil {
			return err
		}
	}
	return errs.New(errs.Invalid, "forms.bad_form")
}

func (x *Forms) readPart(req *http.Request, p services.Page, part *multipart.Part, in *posted) error {
	name := part.FormName()
	_, isFile := part.Header["Content-Type"]
	if part.FileName() == "" && !isFile {
		text, err := io.ReadAll(io.LimitReader(part, maxTextPart))
		if err == nil {
			in.values.Add(name, string(text))
		}
		return err
	}
	for _, f := range p.Fields {
		if f.ID != name || f.Type != services.TypeFile {
			continue
		}
		limit := limitOf(f)
		data, err := io.ReadAll(io.LimitReader(part, limit+1))
		if err != nil {
			return err
		}
		if len(data) == 0 && part.FileName() == "" {
			return nil // no file was chosen
		}
		tooLong := int64(len(data)) > limit
		if tooLong {
			if _, err := io.Copy(io.Discard, part); err != nil {
				return err
			}
		}
		u, err := x.inspect(req.Context(), f, received{part.FileName(), data, tooLong})
		if err == nil {
			in.files[name] = u
		}
		return err
	}
	_, err := io.Copy(io.Discard, part)
	return err
}

// showFile gives an applicant back what they uploaded, to save and never to
// show: a browser must not run it.
func (x *Forms) showFile(w http.ResponseWriter, req *http.Request) error {
	file, meta, err := x.ownFile(req.Context(), req.PathValue("app"), req.PathValue("field"))
	if err != nil {
		return err
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", meta.Type)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": meta.Name}))
	h.Set("Content-Length", strconv.FormatInt(meta.Size, 10))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "no-store")
	if req.Method == http.MethodHead {
		return nil
	}
	_, err = io.Copy(w, file)
	return err
}
