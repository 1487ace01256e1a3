package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	_ "image/png" // photos may be PNG
)

// maxPixels bounds what a photo may unfold to in memory.
const maxPixels = 40 << 20

// errPhoto is at the root of everything that is wrong with a photo.
var errPhoto = errors.New("pdf: the photo cannot be printed")

// IsPhoto says whether Print failed because of the photo.
func IsPhoto(err error) bool { return errors.Is(err, errPhoto) }

// photo is a picture as a PDF carries it.
type photo struct {
	jpeg          []byte
	width, height int
	space         string
}

// newPhoto takes a JPEG as it is and turns a PNG into one, on white.
func newPhoto(data []byte) (*photo, error) {
	cfg, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: it is neither JPEG nor PNG: %w", errPhoto, err)
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > maxPixels/cfg.Height {
		return nil, fmt.Errorf("%w: it has %d × %d pixels, the limit is %d in all", errPhoto, cfg.Width, cfg.Height, maxPixels)
	}
	p := &photo{jpeg: data, width: cfg.Width, height: cfg.Height, space: "/DeviceRGB"}
	switch {
	case kind == "jpeg" && cfg.ColorModel == color.GrayModel:
		p.space = "/DeviceGray"
		return p, nil
	case kind == "jpeg" && cfg.ColorModel == color.YCbCrModel:
		return p, nil
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPhoto, err)
	}
	flat := image.NewRGBA(image.Rect(0, 0, cfg.Width, cfg.Height))
	draw.Draw(flat, flat.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), src, src.Bounds().Min, draw.Over)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, flat, &jpeg.Options{Quality: 88}); err != nil {
		return nil, fmt.Errorf("%w: %w", errPhoto, err)
	}
	p.jpeg = out.Bytes()
	return p, nil
}

// inside fits the photo into a box, from its middle.
func (p *photo) inside(b box) box {
	scale := min(b.w/float64(p.width), b.h/float64(p.height))
	w, h := scale*float64(p.width), scale*float64(p.height)
	return box{b.x + (b.w-w)/2, b.y + (b.h-h)/2, w, h}
}
