package forms

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// maxPixels is how large a picture may be before it is decoded: what current
// phones take, and no bomb.
const maxPixels = 50_000_000

// widestKept is how wide a picture is kept where the field does not say:
// enough to read a photographed page.
const widestKept = 3000

// jpegQuality is what photographs are kept in.
const jpegQuality = 90

// redraw decodes a picture, turns it upright and scales it down to widest (0:
// as it is). fault is the message key of why it is refused.
func redraw(data []byte, widest int) (out *image.RGBA, fault string) {
	decode, config := decoders(data)
	if decode == nil {
		return nil, "forms.file.damaged"
	}
	c, err := config(bytes.NewReader(data))
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return nil, "forms.file.damaged"
	}
	if c.Width > maxPixels/c.Height {
		return nil, "forms.file.pixels"
	}
	src, err := decode(bytes.NewReader(data))
	if err != nil {
		return nil, "forms.file.damaged"
	}
	turn := orientation(data)
	b := src.Bounds()
	width, height := b.Dx(), b.Dy()
	if turn >= 5 {
		width, height = height, width
	}
	if widest > 0 && width > widest {
		height = max(1, height*widest/width)
		width = widest
	}
	lying := image.Rect(0, 0, width, height)
	if turn >= 5 {
		lying = image.Rect(0, 0, height, width)
	}
	scaled := image.NewRGBA(lying)
	draw.Draw(scaled, lying, image.NewUniform(color.White), image.Point{}, draw.Src) // what shines through is paper
	if lying.Dx() == b.Dx() && lying.Dy() == b.Dy() {
		draw.Draw(scaled, lying, src, b.Min, draw.Over)
	} else {
		draw.CatmullRom.Scale(scaled, lying, src, b, draw.Over, nil)
	}
	return upright(scaled, turn), ""
}

func decoders(data []byte) (func(io.Reader) (image.Image, error), func(io.Reader) (image.Config, error)) {
	switch sniff(data) {
	case "image/jpeg":
		return jpeg.Decode, jpeg.DecodeConfig
	case "image/png":
		return png.Decode, png.DecodeConfig
	case "image/webp":
		return webp.Decode, webp.DecodeConfig
	}
	return nil, nil
}

func encode(w io.Writer, img image.Image, asPNG bool) error {
	if asPNG {
		return png.Encode(w, img)
	}
	return jpeg.Encode(w, img, &jpeg.Options{Quality: jpegQuality})
}

// upright undoes the way in which the camera was held, 1 to 8 as EXIF counts.
func upright(src *image.RGBA, turn int) *image.RGBA {
	if turn < 2 || turn > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := turned(turn, x, y, image.Pt(w, h))
			copy(out.Pix[out.PixOffset(tx, ty):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return out
}

// turned says where a pixel of a picture of size goes.
func turned(turn, x, y int, size image.Point) (int, int) {
	w, h := size.X, size.Y
	switch turn {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	}
	return y, w - 1 - x // 8
}

// orientation reads how the camera was held from a JPEG's EXIF; 1 when it does
// not say.
func orientation(data []byte) int {
	if len(data) < 4 || data[0] != 0xff || data[1] != 0xd8 {
		return 1
	}
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker, size := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xda || size < 2 || at+2+size > len(data) {
			return 1
		}
		if body := data[at+4 : at+2+size]; marker == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return exifOrientation(body[6:])
		}
		at += 2 + size
	}
	return 1
}

// exifOrientation finds tag 0x0112 in the first directory of a TIFF block.
func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at < 0 || at+2 > int64(len(tiff)) {
		return 1
	}
	n := int64(order.Uint16(tiff[at:]))
	for i := range n {
		e := at + 2 + i*12
		if e+12 > int64(len(tiff)) {
			return 1
		}
		if order.Uint16(tiff[e:]) == 0x0112 {
			if v := int(order.Uint16(tiff[e+8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
	}
	return 1
}
