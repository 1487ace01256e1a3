package pdf_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/blocks/documents/pdf"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func press(t testing.TB) *pdf.Press {
	t.Helper()
	regular, err := web.Font("BeVietnamPro-Regular.ttf")
	if err != nil {
		t.Skip("run make assets: ", err)
	}
	bold, err := web.Font("BeVietnamPro-SemiBold.ttf")
	if err != nil {
		t.Skip("run make assets: ", err)
	}
	p, err := pdf.New(regular, bold)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func at() time.Time { return time.Date(2026, 11, 24, 8, 50, 36, 0, time.UTC) }

// signer makes an authority and a signer certified by it until a day.
func signer(t testing.TB, until time.Time) pdf.Signer {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA gốc VN"}, NotBefore: at().AddDate(-1, 0, 0), NotAfter: at().AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	must(err)
	ca, err = x509.ParseCertificate(der)
	must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(0x7fffffff), Subject: pkix.Name{CommonName: "BỘ TƯ PHÁP"}, NotBefore: at().AddDate(0, -1, 0), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment}
	der, err = x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	must(err)
	leaf, err = x509.ParseCertificate(der)
	must(err)
	return pdf.Signer{Certificate: leaf, Authority: ca, Key: key}
}

func good(t testing.TB) pdf.Signer { return signer(t, at().AddDate(2, 0, 0)) }

func same(s string) i18n.Text { return i18n.Text{VI: s, EN: s} }

// paper is about what the sample country issues.
func paper() pdf.Paper {
	line := func(vi, en, value string) pdf.Line {
		return pdf.Line{Label: i18n.Text{VI: vi, EN: en}, Value: same(value)}
	}
	return pdf.Paper{
		Title: i18n.Text{VI: "Giấy khai sinh", EN: "Birth certificate"}, Agency: i18n.Text{VI: "Bộ Tư pháp", EN: "Ministry of Justice"}, Number: "00001-000127/2026",
		Lines: []pdf.Line{
			line("Họ, chữ đệm và tên", "Full name", "NGUYỄN HOÀNG BẢO AN"), line("Số định danh cá nhân", "Personal number", "001326000127"),
			line("Ngày sinh", "Date of birth", "01/11/2026"), {Label: i18n.Text{VI: "Giới tính", EN: "Sex"}, Value: i18n.Text{VI: "Nữ", EN: "Female"}},
			line("Dân tộc", "Ethnicity", "Kinh"), {Label: i18n.Text{VI: "Quốc tịch", EN: "Nationality"}, Value: i18n.Text{VI: "Việt Nam", EN: "Vietnamese"}},
			line("Nơi sinh", "Place of birth", "Bệnh viện Phụ sản Hà Nội, phường Ngọc Khánh, thành phố Hà Nội"), line("Quê quán", "Home town", "Xã Yên Thường, thành phố Hà Nội"),
			line("Họ tên mẹ", "Mother's name", "Trần Thị Phương Thảo"), line("Ngày sinh của mẹ", "Mother's date of birth", "12/03/1996"),
			line("Họ tên cha", "Father's name", "Nguyễn Văn Dũng"), line("Ngày sinh của cha", "Father's date of birth", "30/07/1993"),
			line("Ngày đăng ký", "Registered on", "24/11/2026"), line("Nơi đăng ký", "Registered at", "Phường Hoàn Kiếm, thành phố Hà Nội"),
		},
		Note: i18n.Text{VI: "Giấy khai sinh là giấy tờ hộ tịch gốc. Bản điện tử này có giá trị như bản giấy.", EN: "The birth certificate is the original civil status document."},
		Code: "7K3M-PQ9X-2RTV", CheckURL: "https://dinh.example.vn/verify/7K3M-PQ9X-2RTV", CheckPage: "dinh.example.vn/verify", SignedAt: at(),
	}
}

func portrait(t testing.TB, kind string) []byte {
	t.Helper()
	var img draw.Image = image.NewRGBA(image.Rect(0, 0, 120, 160))
	if kind == "gray" {
		img = image.NewGray(img.Bounds())
	}
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{90, 140, 160, 255}), image.Point{}, draw.Src)
	var b bytes.Buffer
	var err error
	if kind == "png" {
		err = png.Encode(&b, img)
	} else {
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// judge runs a program of poppler on a file.
func judge(t *testing.T, file []byte, program string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed (Debian: poppler-utils)", program)
	}
	path := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "{}", path)
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput() //nolint:gosec // fixed programs
	if err != nil {
		t.Logf("%s: %v", program, err)
	}
	return string(out)
}

// TestPapers prints every layout, usual and not, and lets poppler judge them.
func TestPapers(t *testing.T) {
	t.Parallel()
	p, by := press(t), good(t)
	long := strings.Repeat("Một đoạn văn rất dài mà người ta có thể viết vào hồ sơ. ", 90)
	for name, c := range map[string]struct {
		change func(*pdf.Paper)
		pages  string
		says   []string
	}{
		"sheet": {func(*pdf.Paper) {}, "1", []string{"GIẤY KHAI SINH", "Trần Thị Phương Thảo", "Độc lập - Tự do - Hạnh phúc", "7K3M-PQ9X-2RTV", "BỘ TƯ PHÁP", "15:50:36 +07:00", "ngày 24 tháng 11 năm 2026"}},
		"card":  {func(x *pdf.Paper) { x.Layout, x.Photo = pdf.Card, portrait(t, "jpeg") }, "1", []string{"NGUYỄN HOÀNG BẢO AN", "Nữ", "Female"}},
		"png":   {func(x *pdf.Paper) { x.Photo = portrait(t, "png") }, "1", nil},
		"grey":  {func(x *pdf.Paper) { x.Photo = portrait(t, "gray") }, "1", nil},
		"bare": {func(x *pdf.Paper) {
			*x = pdf.Paper{Title: same("Giấy"), Code: "A", CheckURL: "https://a", SignedAt: at()}
		}, "1", []string{"GIẤY"}},
		"until":       {func(x *pdf.Paper) { x.ValidUntil = "2027-01-31" }, "1", []string{"Có giá trị đến", "31/01/2027"}},
		"long value":  {func(x *pdf.Paper) { x.Lines[3].Value.VI = long; x.Photo = portrait(t, "jpeg") }, "[3-8]", []string{"tiếp theo", "Trang 2/"}},
		"long card":   {func(x *pdf.Paper) { x.Layout = pdf.Card; x.Lines[3].Value.VI = long }, "[2-6]", []string{"tiếp theo"}},
		"long word":   {func(x *pdf.Paper) { x.Lines[3].Value.VI = strings.Repeat("w", 500) }, "[12]", nil},
		"long title":  {func(x *pdf.Paper) { x.Title.VI = "Giấy xác nhận " + strings.Repeat("tình trạng ", 20) }, "[12]", nil},
		"other words": {func(x *pdf.Paper) { x.Lines[0].Value = same("Nguye\u0302\u0303n Łukasz (\\) <Иван>") }, "1", []string{"Nguyễn Łukasz (\\) <????>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := paper()
			c.change(&x)
			file, err := p.Print(x, by)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pdf.Verify(file, by.Authority); err != nil {
				t.Error(err)
			}
			if !bytes.HasPrefix(file, p.Base()) {
				t.Error("the file does not begin with the base")
			}
			sig := judge(t, file, "pdfsig", "-nocert", "{}")
			for _, want := range []string{"Signature is Valid", "Total document signed", "ETSI.CAdES.detached"} {
				if !strings.Contains(sig, want) {
					t.Errorf("pdfsig does not say %q:\n%s", want, sig)
				}
			}
			if info := judge(t, file, "pdfinfo", "{}"); !strings.Contains(info, "Tagged:          yes") || !regexp.MustCompile(`Pages: +`+c.pages+"\n").MatchString(info) || strings.Contains(info, "rror") {
				t.Errorf("pdfinfo, wanted %s pages: %s", c.pages, info)
			}
			words := judge(t, file, "pdftotext", "{}", "-")
			for _, want := range c.says {
				if !strings.Contains(words, want) {
					t.Errorf("pdftotext does not read %q:\n%s", want, words)
				}
			}
			if out := judge(t, file, "pdftoppm", "-r", "20", "-png", "{}", filepath.Join(t.TempDir(), "p")); strings.TrimSpace(out) != "" {
				t.Errorf("pdftoppm complains: %s", out)
			}
		})
	}
}

// TestReadAloud asks poppler for the structure that a screen reader follows.
func TestReadAloud(t *testing.T) {
	t.Parallel()
	x := paper()
	x.Photo = portrait(t, "jpeg")
	file, err := press(t).Print(x, good(t))
	if err != nil {
		t.Fatal(err)
	}
	tree := judge(t, file, "pdfinfo", "-struct-text", "{}")
	last := -1
	for _, want := range []string{"Document", "BỘ TƯ PHÁP", "H1", "GIẤY KHAI SINH", "Table", "TR", "TH", "Họ, chữ đệm và tên", "TD", "NGUYỄN HOÀNG BẢO AN", "hộ tịch gốc", "ĐÃ KÝ SỐ", "Figure", "7K3M-PQ9X-2RTV", "Link"} {
		i := strings.Index(tree[last+1:], want)
		if i < 0 {
			t.Fatalf("%q does not follow in the structure:\n%s", want, tree)
		}
		last += 1 + i
	}
}

// TestAnotherReaderAgrees gives the CMS to a library that did not write it.
func TestAnotherReaderAgrees(t *testing.T) {
	t.Parallel()
	by := good(t)
	file, err := press(t).Print(paper(), by)
	if err != nil {
		t.Fatal(err)
	}
	from := bytes.Index(file, []byte("/Contents<")) + len("/Contents<")
	to := from + bytes.IndexByte(file[from:], '>')
	var cms []byte
	for i := from; i < to; i += 2 {
		var b byte
		for _, c := range file[i : i+2] {
			b = b<<4 | byte(strings.IndexByte("0123456789abcdef", c))
		}
		cms = append(cms, b)
	}
	cms = cms[:4+int(cms[2])<<8+int(cms[3])]
	p7, err := pkcs7.Parse(cms)
	if err != nil {
		t.Fatal(err)
	}
	p7.Content = append(bytes.Clone(file[:from-1]), file[to+1:]...)
	roots := x509.NewCertPool()
	roots.AddCert(by.Authority)
	if err := p7.VerifyWithChainAtTime(roots, at()); err != nil {
		t.Error(err)
	}
}

// TestAnyFlippedByte tries every byte near the signature and the rest by chance.
func TestAnyFlippedByte(t *testing.T) {
	t.Parallel()
	p, by := press(t), good(t)
	file, err := p.Print(paper(), by)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(i int, by2 byte) bool {
		changed := bytes.Clone(file)
		changed[i] ^= by2
		_, err := pdf.Verify(changed, by.Authority)
		return err != nil
	}
	start := bytes.LastIndex(file, []byte("/Type/Sig/"))
	for i := start; i < start+3200; i++ {
		for _, bit := range []byte{0x20, 1} { // upper case, and a neighbour
			if !flip(i, bit) {
				t.Fatalf("byte %d of %d, %q, may change", i, len(file), file[i])
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		if i := rapid.IntRange(0, len(file)-1).Draw(rt, "at"); !flip(i, byte(rapid.IntRange(1, 255).Draw(rt, "by"))) {
			rt.Fatalf("byte %d may change", i)
		}
	})
}

func TestWhoSigned(t *testing.T) {
	t.Parallel()
	p, by := press(t), good(t)
	file, err := p.Print(paper(), by)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pdf.Verify(file, by.Authority)
	if err != nil || got.CheckURL != paper().CheckURL || !got.At.Equal(at()) || got.Certificate.Subject.CommonName != "BỘ TƯ PHÁP" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := pdf.Verify(file, good(t).Authority); !errors.Is(err, pdf.ErrSigner) {
		t.Errorf("another authority: %v", err)
	}
	old := signer(t, at().AddDate(0, 0, -1))
	if file, err = p.Print(paper(), old); err != nil {
		t.Fatal(err)
	}
	if _, err := pdf.Verify(file, old.Authority); !errors.Is(err, pdf.ErrSigner) {
		t.Errorf("an expired certificate: %v", err)
	}
	for _, data := range [][]byte{nil, []byte("%PDF-1.7"), p.Base()} {
		if _, err := pdf.Verify(data, by.Authority); !errors.Is(err, pdf.ErrForeign) {
			t.Errorf("%.20q: %v", data, err)
		}
	}
}

func TestBadPhotos(t *testing.T) {
	t.Parallel()
	p, by := press(t), good(t)
	for name, photo := range map[string][]byte{"no picture": []byte("xin chào"), "cut off": portrait(t, "png")[:60]} {
		x := paper()
		x.Photo = photo
		if _, err := p.Print(x, by); !pdf.IsPhoto(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	p, by := press(f), good(f)
	file, err := p.Print(paper(), by)
	if err != nil {
		f.Fatal(err)
	}
	own := file[len(p.Base()):]
	f.Add(own)
	f.Add([]byte("/Type/Sig/ByteRange[0 0000000010 0000000020 0000000000]/Contents<30820000>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		whole := append(bytes.Clone(p.Base()), data...)
		if _, err := pdf.Verify(whole, by.Authority); err == nil && !bytes.Equal(data, own) {
			t.Fatal("a file that nobody signed verifies")
		}
	})
}

func FuzzFont(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 0})
	regular, err := web.Font("BeVietnamPro-Regular.ttf")
	if err == nil {
		f.Add(regular[:2000])
	}
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = pdf.New(data, data) })
}

// FuzzPrint prints what people may have typed.
func FuzzPrint(f *testing.F) {
	p, by := press(f), good(f)
	f.Add("Nguyễn Văn A", "Số 1", true)
	f.Add("\x00\xff\u202e", strings.Repeat("ư", 4000), false)
	f.Fuzz(func(t *testing.T, a, b string, card bool) {
		x := paper()
		if card {
			x.Layout = pdf.Card
		}
		x.Title.VI, x.Number, x.Lines[2].Value.VI, x.Lines[1].Label.EN, x.Note.EN = a, b, b, a, b
		file, err := p.Print(x, by)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pdf.Verify(file, by.Authority); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkPrint(b *testing.B) {
	p, by, x := press(b), good(b), paper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Print(x, by); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPhonesReadTheCode has another program read the code off the printed page.
func TestPhonesReadTheCode(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"pdftoppm", "zbarimg"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (Debian: poppler-utils zbar-tools)", program)
		}
	}
	x := paper()
	file, err := press(t).Print(x, good(t))
	if err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(t.TempDir(), "page")
	judge(t, file, "pdftoppm", "-r", "150", "-png", "-singlefile", "{}", picture)
	out, err := exec.CommandContext(t.Context(), "zbarimg", "-q", "--raw", picture+".png").Output() //nolint:gosec // a file of ours
	if err != nil || strings.TrimSpace(string(out)) != x.CheckURL {
		t.Errorf("the code reads %q, %v", out, err)
	}
}
