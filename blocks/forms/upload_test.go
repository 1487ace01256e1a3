package forms_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/db"
)

// photo has a red upper left corner, so that one sees how it is turned.
func photo(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{40, 90, 200, 255}
			if x < w/2 && y < h/2 {
				c = color.RGBA{220, 20, 20, 255}
			}
			img.Set(x, y, c)
		}
	}
	return img
}

func jpegPhoto(w, h int) []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, photo(w, h), nil)
	return b.Bytes()
}

func pngPhoto(w, h int) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, photo(w, h))
	return b.Bytes()
}

// withExif puts where it was taken, and how the camera was held, into a JPEG.
func withExif(data []byte, turn uint16) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	tiff = binary.BigEndian.AppendUint16(tiff, turn)
	tiff = append(tiff, "\x00\x00\x00\x00\x00\x00GPS 21.0285N 105.8542E"...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
	return append(append(out, body...), data[2:]...)
}

func paper(pages int, extra string) []byte {
	kids := strings.Repeat("3 0 R ", pages)
	return fmt.Appendf(nil, "%%PDF-1.4\n1 0 obj <</Type /Catalog /Pages 2 0 R %s>> endobj\n2 0 obj <</Type /Pages /Kids [%s] /Count %d>> endobj\n"+
		"3 0 obj <</Type /Page /Parent 2 0 R>> endobj\ntrailer <</Root 1 0 R>>\nstartxref\n0\n%%%%EOF\n", extra, kids, pages)
}

func hiddenIn(objects string) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write([]byte(objects))
	_ = w.Close()
	p := paper(1, "")
	stream := fmt.Appendf(nil, "4 0 obj <</Type /ObjStm /Filter /FlateDecode /Length %d>> stream\n%s\nendstream endobj\ntrailer", z.Len(), z.String())
	return bytes.Replace(p, []byte("trailer"), stream, 1)
}

func TestUploads(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	at := app + "/p/photo"
	bomb := func() []byte { // a picture that says it is huge
		p := pngPhoto(10, 10)
		binary.BigEndian.PutUint32(p[16:], 60000)
		binary.BigEndian.PutUint32(p[20:], 60000)
		binary.BigEndian.PutUint32(p[29:], crc32.ChecksumIEEE(p[12:29]))
		return p
	}()
	for name, c := range map[string]struct {
		file
		want string
	}{
		"a page called a picture":   {file{"photo", "x.jpg", []byte("<html><script>alert(1)</script></html>")}, "JPG, PNG"},
		"empty":                     {file{"photo", "x.jpg", nil}, "không có nội dung"},
		"too large":                 {file{"photo", "x.jpg", append(jpegPhoto(200, 200), make([]byte, 300000)...)}, "phải nhỏ hơn"},
		"too small":                 {file{"photo", "x.jpg", jpegPhoto(50, 50)}, "100 × 100"},
		"cut off":                   {file{"photo", "x.jpg", jpegPhoto(400, 400)[:300]}, "Không đọc được"},
		"a bomb":                    {file{"photo", "x.png", bomb}, "triệu điểm ảnh"},
		"a paper for a picture":     {file{"photo", "x.pdf", paper(1, "")}, "JPG, PNG"},
		"a picture for a paper":     {file{"paper", "x.jpg", jpegPhoto(200, 200)}, "PDF"},
		"locked":                    {file{"paper", "x.pdf", bytes.Replace(paper(1, ""), []byte("<</Root"), []byte("<</Encrypt 9 0 R /Root"), 1)}, "mật khẩu"},
		"too long":                  {file{"paper", "x.pdf", paper(51, "")}, "50 trang"},
		"a script":                  {file{"paper", "x.pdf", paper(1, "/OpenAction <</S /J#61vaScript /JS (app.alert(1))>>")}, "mã chạy"},
		"a script under a stone":    {file{"paper", "x.pdf", hiddenIn("5 0 <</S /JavaScript /JS (x)>>")}, "mã chạy"},
		"a paper with a tail":       {file{"paper", "x.pdf", append(paper(1, ""), "PK\x03\x04 and an archive"...)}, "Không đọc được"},
		"a page with a paper in it": {file{"paper", "x.pdf", append([]byte("<script>alert(1)</script>\n"), paper(1, "")...)}, "Không đọc được"},
	} {
		r := v.send(at, url.Values{"rules": {"yes"}}, c.file)
		if r.status != 422 || !strings.Contains(r.body, c.want) || !strings.Contains(r.body, `href="#`+c.field+`"`) {
			t.Errorf("%s: %d, %q is missing:\n%s", name, r.status, c.want, inner(r.body))
		}
		if !strings.Contains(r.body, "Tôi.jpg") {
			t.Errorf("%s: the picture that was there is gone", name)
		}
	}
	if n := h.blobs(); n != 1 {
		t.Errorf("%d files were kept", n)
	}
	h.leads(v.send(at, url.Values{"rules": {"yes"}}, file{"paper", "giấy.pdf", hiddenIn("5 0 <</A 1>>")}), app+"/check")
	h.leads(v.send(at, url.Values{"rules": {"yes"}, "paper-remove": {"yes"}}), app+"/check")
	if n := h.blobs(); n != 1 {
		t.Errorf("%d files are left after one was taken back", n)
	}
}

func TestGoodUploadSurvivesAWrongAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.start()
	v.post(app+"/p/you", nil)
	v.post(app+"/p/contact", url.Values{"contact.email": {"an@example.com"}})
	v.post(app+"/p/wishes", wishes())
	h.want(v.send(app+"/p/photo", nil, file{"photo", "toi.png", pngPhoto(200, 200)}), 422, "toi.jpg", `href="#rules"`)
	h.leads(v.send(app+"/p/photo", url.Values{"rules": {"yes"}}), app+"/check")
}

func TestPicturesAreDrawnAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	for _, turn := range []uint16{1, 2, 3, 4, 5, 6, 7, 8} {
		evil := append(withExif(jpegPhoto(600, 400), turn), "<script>alert(1)</script>PK\x03\x04"...)
		h.leads(v.send(app+"/p/photo", url.Values{"rules": {"yes"}}, file{"photo", "a\u202egpj.exe", evil}), app+"/check")
		r := h.want(v.get(app+"/files/photo"), 200)
		if got := r.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment") || r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("served as %q %v", got, r.header)
		}
		for _, trace := range []string{"GPS", "Exif", "script", "PK\x03\x04"} {
			if strings.Contains(r.body, trace) {
				t.Errorf("turn %d: %q survived", turn, trace)
			}
		}
		img, err := jpeg.Decode(strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		b := img.Bounds()
		if b.Dx() != 200 || turn < 5 && b.Dy() != 133 || turn >= 5 && b.Dy() != 300 {
			t.Errorf("turn %d: %v", turn, b)
		}
		if got, want := redCorner(img), [...]string{"", "tl", "tr", "br", "bl", "tl", "tr", "br", "bl"}[turn]; got != want {
			t.Errorf("turn %d: the red corner is %s, want %s", turn, got, want)
		}
	}
}

func redCorner(img image.Image) string {
	b := img.Bounds()
	for name, p := range map[string]image.Point{"tl": {5, 5}, "tr": {b.Dx() - 5, 5}, "br": {b.Dx() - 5, b.Dy() - 5}, "bl": {5, b.Dy() - 5}} {
		if r, _, blue, _ := img.At(p.X, p.Y).RGBA(); r > 2*blue {
			return name
		}
	}
	return "none"
}

// blobs counts the stored files.
func (h *house) blobs() int {
	n := 0
	_ = filepath.WalkDir(h.dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return nil
	})
	return n
}

// dump gives the rows of a table as text.
func (h *house) dump(table string) (out []string) {
	h.t.Helper()
	err := h.db.Read(h.t.Context(), func(ctx context.Context, q db.Querier) error {
		rows, err := q.QueryContext(ctx, "SELECT * FROM "+table)
		if err != nil {
			return err
		}
		defer rows.Close()
		cols, _ := rows.Columns()
		for rows.Next() {
			cells := make([]any, len(cols))
			for i := range cells {
				cells[i] = new(any)
			}
			if err := rows.Scan(cells...); err != nil {
				return err
			}
			line := ""
			for _, c := range cells {
				line += fmt.Sprint(*c.(*any)) + " "
			}
			out = append(out, line)
		}
		return rows.Err()
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}
