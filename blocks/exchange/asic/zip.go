package asic

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"hash/crc32"
	"io"
	"strings"
	"time"
)

// file is one entry of a container.
type file struct {
	name, mime string
	data       []byte
}

const (
	mimeContainer = "application/vnd.etsi.asic-e+zip"
	mimeText      = "text/plain"
	mimeJSON      = "application/json"

	nameMime     = "mimetype"
	nameManifest = "META-INF/manifest.xml"
	nameSeal     = "META-INF/signatures.xml"

	maxFiles     = 1100 // an answer is about a thousand people at most
	maxContainer = 8 << 20
)

// manifest lists the files that are sealed, as ODF does and ASiC took over.
func manifest(files []file) file {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">` + "\n")
	entry := func(path, mime string) {
		b.WriteString(`<manifest:file-entry manifest:full-path="` + path + `" manifest:media-type="` + mime + `"/>` + "\n")
	}
	entry("/", mimeContainer)
	for _, f := range files {
		entry(f.name, f.mime)
	}
	b.WriteString("</manifest:manifest>\n")
	return file{nameManifest, "text/xml", b.Bytes()}
}

// pack writes the container: mimetype first, nothing compressed, so that the same
// files at the same time are the same bytes with every version of every library.
func pack(at time.Time, files []file) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{
			Name: f.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(f.data),
			CompressedSize64: uint64(len(f.data)), UncompressedSize64: uint64(len(f.data)),
		}
		h.ModifiedDate, h.ModifiedTime = dosTime(at)
		to, err := w.CreateRaw(h)
		if err != nil {
			return nil, err
		}
		if _, err := to.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func dosTime(t time.Time) (date, clock uint16) {
	t = t.UTC()
	year := min(max(t.Year(), 1980), 2107)
	return uint16(t.Day() + int(t.Month())<<5 + (year-1980)<<9), uint16(t.Second()/2 + t.Minute()<<5 + t.Hour()<<11)
}

// unpack reads the entries by name; false when it is no container of ours.
func unpack(container []byte) (map[string][]byte, bool) {
	if len(container) > maxContainer {
		return nil, false
	}
	r, err := zip.NewReader(bytes.NewReader(container), int64(len(container)))
	if err != nil || len(r.File) == 0 || len(r.File) > maxFiles || r.File[0].Name != nameMime {
		return nil, false
	}
	out := make(map[string][]byte, len(r.File))
	room := int64(maxContainer) // entries may overlap: their sum is bounded, too
	for _, f := range r.File {
		if f.Method != zip.Store || out[f.Name] != nil || strings.HasSuffix(f.Name, "/") {
			return nil, false
		}
		in, err := f.Open()
		if err != nil {
			return nil, false
		}
		data, err := io.ReadAll(io.LimitReader(in, room+1))
		if room -= int64(len(data)); err != nil || room < 0 || in.Close() != nil {
			return nil, false
		}
		out[f.Name] = data
	}
	return out, string(out[nameMime]) == mimeContainer
}
