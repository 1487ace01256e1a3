package forms

import (
	"bytes"
	"context"
	"path"
	"strings"
	"unicode"

	"github.com/gabriel-vasile/mimetype"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
)

// largestUpload bounds every file, whatever a definition says.
const largestUpload = 20 << 20

// limitOf is how large the file of a field may be.
func limitOf(f services.Field) int64 {
	if f.MaxBytes <= 0 || f.MaxBytes > largestUpload {
		return largestUpload
	}
	return f.MaxBytes
}

// received is a file as it came in.
type received struct {
	name    string
	data    []byte
	tooLong bool // more came than may; data is its beginning
}

// inspect looks at what was sent for f and makes it safe to keep: its type is
// what it is and not what it claims, a picture is drawn anew, a paper that
// hides something is refused.
func (x *Forms) inspect(ctx context.Context, f services.Field, in received) (upload, error) {
	data := in.data
	u := upload{file: services.File{Name: tidyName(in.name), Type: sniff(data), Size: int64(len(data))}, data: data}
	if in.tooLong {
		u.file.Size = limitOf(f) + 1
		if f.MaxBytes <= 0 || f.MaxBytes > largestUpload {
			u.fault = x.say("forms.file.too_large", "max", largestUpload>>20)
		}
		return u, nil
	}
	if len(data) == 0 && len(f.Accept) > 0 {
		u.file.Type = f.Accept[0] // emptiness is what is wrong with it
	}
	if len(data) == 0 || len(f.Accept) > 0 && !accepts(f, u.file.Type) {
		return u, nil // Validate says so
	}
	switch u.file.Type {
	case "image/jpeg", "image/png", "image/webp":
		return x.picture(ctx, f, u)
	case "application/pdf":
		if fault := checkPDF(data); fault != "" {
			u.fault = x.say(fault, "max", maxPDFPages)
		}
		return u, nil
	}
	if len(f.Accept) == 0 {
		u.fault = x.say("forms.file.kind")
	}
	return u, nil
}

func accepts(f services.Field, kind string) bool {
	for _, a := range f.Accept {
		if a == kind {
			return true
		}
	}
	return false
}

// sniff names the type by the content alone.
func sniff(data []byte) string {
	kind, _, _ := strings.Cut(mimetype.Detect(data).String(), ";")
	return kind
}

// longestName bounds file names, in characters.
const longestName = 100

// tidyName keeps of a file's name what is safe to show and to save under.
func tidyName(name string) string {
	name = path.Base(strings.ReplaceAll(text.NFC(strings.ToValidUTF8(name, "")), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`"<>|:*?`, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ". ")
	if name == "" || name == "/" {
		name = "tep"
	}
	ext := path.Ext(name)
	if len(ext) > 8 {
		ext = ""
	}
	stem := []rune(strings.TrimSuffix(name, ext))
	if len(stem) > longestName {
		stem = stem[:longestName]
	}
	return string(stem) + ext
}

// picture draws an uploaded picture anew: upright, not wider than the field
// wants, without a trace of where and with what it was taken.
func (x *Forms) picture(ctx context.Context, f services.Field, u upload) (upload, error) {
	select { // decoding takes memory: a few at a time
	case x.decodes <- struct{}{}:
		defer func() { <-x.decodes }()
	case <-ctx.Done():
		return u, ctx.Err()
	}
	widest := widestKept
	if f.Image != nil && f.Image.MaxWidth > 0 {
		widest = f.Image.MaxWidth
	}
	asPNG := u.file.Type == "image/png" && len(f.Accept) > 0 && !accepts(f, "image/jpeg")
	img, fault := redraw(u.data, widest)
	if fault != "" {
		u.fault = x.say(fault, "max", maxPixels/1_000_000)
		return u, nil
	}
	var out bytes.Buffer
	kind, ext := "image/jpeg", ".jpg"
	if asPNG {
		kind, ext = "image/png", ".png"
	} else if len(f.Accept) > 0 && !accepts(f, "image/jpeg") {
		kind = u.file.Type // a field that takes WebP alone keeps its word for what came in
	}
	if err := encode(&out, img, asPNG); err != nil {
		return u, err
	}
	if kind != "image/webp" {
		u.file.Name = strings.TrimSuffix(u.file.Name, path.Ext(u.file.Name)) + ext
	}
	u.data = out.Bytes()
	u.file.Type, u.file.Size = kind, int64(out.Len())
	u.file.Width, u.file.Height = img.Bounds().Dx(), img.Bounds().Dy()
	return u, nil
}

// say gives words of this block in both languages.
func (x *Forms) say(key string, kv ...any) i18n.Text {
	if x.d.Pages == nil {
		return i18n.Text{VI: key, EN: key}
	}
	return i18n.Text{VI: x.d.Pages.T(i18n.VI, key, kv...), EN: x.d.Pages.T(i18n.EN, key, kv...)}
}
