package documents_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/blocks/documents"
	"github.com/dinh-gov/dinh/blocks/documents/pdf"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

type house struct {
	*documents.Documents
	clock *clock.Fake
	keys  *keys.Keys
}

func open(t testing.TB) *house {
	t.Helper()
	d := dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "documents", FS: documents.Migrations()})
	c := clock.New(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))
	k, err := keys.Open(t.Context(), keys.Deps{DB: d, Clock: c, Master: [32]byte{1}, Instance: "VN"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Ensure(t.Context(), "GOV/MOJ", keys.Document, keys.Name{CommonName: "Bộ Tư pháp – Hộ tịch", Organization: "Bộ Tư pháp"}); err != nil {
		t.Fatal(err)
	}
	x, err := documents.New(documents.Deps{DB: d, Clock: c, Keys: k, Log: slog.New(slog.DiscardHandler), Origin: "https://dichvucong.example.vn"})
	if err != nil {
		t.Skip("fonts are not built: run make assets: ", err)
	}
	return &house{x, c, k}
}

func text(vi, en string) i18n.Text { return i18n.Text{VI: vi, EN: en} }

func birth(key string) documents.NewDocument {
	return documents.NewDocument{
		Key: key, Reference: "G15.01-261124-0001", Type: "birth-certificate", Title: text("Giấy khai sinh", "Birth certificate"), Number: "01/2026",
		Signer: "GOV/MOJ", SignerName: text("Ủy ban nhân dân phường Hoàn Kiếm", "Hoan Kiem ward"), Owners: []string{"001185000123", "001226000001"},
		Lines: []documents.Line{
			{text("Họ, chữ đệm và tên", "Full name"), text("Trần Nguyễn Minh Ánh Dương", "")},
			{text("Ngày, tháng, năm sinh", "Date of birth"), text("19/11/2026", "")},
			{text("Giới tính", "Sex"), text("Nữ", "Female")},
			{text("Dân tộc", "Ethnicity"), text("Kinh", "")},
			{text("Nơi sinh", "Place of birth"), text("Bệnh viện Phụ sản Trung ương, 43 Tràng Thi, phường Cửa Nam, thành phố Hà Nội", "")},
			{text("Số định danh cá nhân", "Personal number"), text("001326000123", "")},
			{text("Họ tên mẹ", "Mother"), text("Nguyễn Thị Mai", "")},
			{text("Họ tên cha", "Father"), text("Trần Văn Ưng Hoàng Ỷ", "")},
		},
		Note: text("Giấy khai sinh là giấy tờ hộ tịch gốc của cá nhân (Nghị định 123/2015/NĐ-CP, Điều 6).", ""),
	}
}

func as(number string) context.Context {
	return auth.With(context.Background(), auth.Principal{Account: "a", Number: number, Level: auth.Low})
}

func TestIssueOnceForOwnersOnly(t *testing.T) {
	t.Parallel()
	x := open(t)
	first, err := x.Issue(t.Context(), birth("k"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := x.Issue(t.Context(), birth("k")); err != nil || again.ID != first.ID || again.Code != first.Code {
		t.Errorf("the same key gave another paper: %v %v", again, err)
	}
	for _, owner := range []string{"001185000123", "001226000001"} {
		if docs, err := x.List(as(owner)); err != nil || len(docs) != 1 {
			t.Errorf("%s has %d papers: %v", owner, len(docs), err)
		}
		if _, file, err := x.PDF(as(owner), first.ID); err != nil || !bytes.HasPrefix(file, []byte("%PDF-1.7")) {
			t.Errorf("%s cannot download: %v", owner, err)
		}
	}
	for name, ctx := range map[string]context.Context{"nobody": context.Background(), "a stranger": as("999"),
		"an officer": auth.With(context.Background(), auth.Principal{Officer: "o", Number: "001185000123"})} {
		if _, _, err := x.PDF(ctx, first.ID); errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s got the file: %v", name, err)
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	x := open(t)
	n := birth("k")
	n.ValidUntil = "2026-12-31"
	doc, err := x.Issue(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	_, file, err := x.PDF(as("001185000123"), doc.ID)
	if err != nil {
		t.Fatal(err)
	}
	verdict := func(data []byte, want string) {
		t.Helper()
		if r, err := x.VerifyFile(t.Context(), data); err != nil || r.Verdict != want {
			t.Errorf("verdict %q, want %q (%v)", r.Verdict, want, err)
		}
	}
	verdict(file, "genuine")
	verdict(append(bytes.Clone(file), '\n'), "altered")
	verdict([]byte("%PDF-1.4 nothing"), "unsigned")
	verdict(nil, "unsigned")
	if got, err := x.ByCode(t.Context(), strings.ToLower(strings.ReplaceAll(doc.Code, "-", " "))); err != nil || got.ID != doc.ID {
		t.Errorf("by code: %v", err)
	}
	wrong := []byte(doc.Code)
	wrong[0], wrong[1] = wrong[1], wrong[0]
	if wrong[0] != wrong[1] {
		if _, err := x.ByCode(t.Context(), string(wrong)); errs.CodeOf(err) != "documents.code_mistyped" {
			t.Errorf("swapped letters: %v", err)
		}
	}
	x.clock.Set(time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC))
	verdict(file, "expired")
	if err := x.Revoke(t.Context(), doc.ID, "issued in error"); err != nil {
		t.Fatal(err)
	}
	verdict(file, "revoked")
}

// TestAnyChangedByteIsSeen flips one byte anywhere.
func TestAnyChangedByteIsSeen(t *testing.T) {
	t.Parallel()
	x := open(t)
	doc, err := x.Issue(t.Context(), birth("k"))
	if err != nil {
		t.Fatal(err)
	}
	_, file, err := x.PDF(as("001185000123"), doc.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pdf.Verify(file, x.Authority()); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		at := rapid.IntRange(0, len(file)-1).Draw(rt, "at")
		changed := bytes.Clone(file)
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		r, err := x.VerifyFile(context.Background(), changed)
		if _, valid := pdf.Verify(changed, x.Authority()); err != nil || valid == nil || r.Verdict == "genuine" || r.Verdict == "unknown" {
			rt.Fatalf("byte %d changed: %q %v", at, r.Verdict, err)
		}
	})
}

func photo(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 300, 400))
	for i := range img.Pix {
		img.Pix[i] = byte(i / 997)
	}
	img.Set(3, 3, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPopplerAgrees lets an independent program judge signature and structure.
func TestPopplerAgrees(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pdfsig"); err != nil {
		t.Skip("pdfsig is not installed (Debian: poppler-utils)")
	}
	x := open(t)
	n := birth("k")
	n.Photo = photo(t)
	doc, err := x.Issue(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	_, file, err := x.PDF(as("001185000123"), doc.ID)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if keep := os.Getenv("DINH_KEEP_PDF"); keep != "" {
		dir = keep
	}
	path := filepath.Join(dir, "x.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		out, _ := exec.Command(name, args...).CombinedOutput() //nolint:gosec // fixed programs
		return string(out)
	}
	sig := run("pdfsig", "-nocert", path)
	for _, want := range []string{"Signature is Valid", "Total document signed", "ETSI.CAdES.detached"} {
		if !strings.Contains(sig, want) {
			t.Errorf("pdfsig does not say %q:\n%s", want, sig)
		}
	}
	if info := run("pdfinfo", path); !strings.Contains(info, "Tagged:          yes") {
		t.Errorf("pdfinfo: %s", info)
	}
	got := run("pdftotext", "-layout", path, "-")
	for _, want := range []string{"GIẤY KHAI SINH", "Trần Nguyễn Minh Ánh Dương", "Độc lập - Tự do - Hạnh phúc", doc.Code} {
		if !strings.Contains(got, want) {
			t.Errorf("pdftotext does not read %q:\n%s", want, got)
		}
	}
	changed := bytes.Replace(file, []byte("Giấy khai sinh"), []byte("Giấy khai tử!"), 1)
	if bytes.Equal(changed, file) {
		t.Fatal("nothing was changed")
	}
	if err := os.WriteFile(path+".changed", changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if sig := run("pdfsig", "-nocert", path+".changed"); strings.Contains(sig, "Signature is Valid") {
		t.Errorf("a changed file is valid to pdfsig:\n%s", sig)
	}
}

func FuzzVerify(f *testing.F) {
	x := open(f)
	doc, err := x.Issue(f.Context(), birth("k"))
	if err != nil {
		f.Fatal(err)
	}
	_, file, err := x.PDF(as("001185000123"), doc.ID)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte("/Type/Sig/ByteRange[0 0000000001 0000000003 0000000000]/Contents<00>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := pdf.Verify(data, x.Authority()); err == nil && !bytes.Equal(data, file) {
			t.Fatal("a file that nobody signed verifies")
		}
	})
}

func BenchmarkIssue(b *testing.B) {
	x := open(b)
	n := birth("")
	for i := 0; b.Loop(); i++ {
		n.Key = time.Duration(i).String()
		if _, err := x.Issue(b.Context(), n); err != nil {
			b.Fatal(err)
		}
	}
}
