package documents

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dinh-gov/dinh/blocks/documents/pdf"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations gives the block's tables.
func Migrations() fs.FS { return migrations }

// Messages gives the block's words in both languages.
func Messages() fs.FS { return messages }

// Deps is what documents stands on.
type Deps struct {
	DB     *db.DB
	Clock  clock.Clock
	Keys   *keys.Keys
	Log    *slog.Logger
	Origin string        // address under which papers are verified
	Pages  *web.Renderer // nil: no pages
}

// NewDocument asks for a paper.
type NewDocument struct {
	Key        string // the same key is the same paper
	Reference  string // dossier code
	Type       string // birth-certificate, …
	Title      i18n.Text
	Number     string // printed on it
	Signer     string // member, GOV/MOJ
	SignerName i18n.Text
	Owners     []string // personal numbers; the first one's key seals the file
	Lines      []Line
	Note       i18n.Text
	Photo      []byte // JPEG or PNG
	ValidUntil string // YYYY-MM-DD or ""
}

// Line is one labelled value.
type Line struct{ Label, Value i18n.Text }

// Document is a paper without its content.
type Document struct {
	ID, Code, Type, Number, Signer, Reference, SHA256, ValidUntil string
	Title, SignerName                                             i18n.Text
	IssuedAt, RevokedAt                                           time.Time
	RevokeReason                                                  string
}

// State is issued, expired or revoked on a day (YYYY-MM-DD).
func (d Document) State(today string) string {
	switch {
	case !d.RevokedAt.IsZero():
		return "revoked"
	case d.ValidUntil != "" && d.ValidUntil < today:
		return "expired"
	}
	return "issued"
}

// Documents is the block.
type Documents struct {
	d     Deps
	store store
	press *pdf.Press
	base  string      // names what every file of this press begins with
	kept  atomic.Bool // the database holds the base
}

// New builds the block and the press that papers are printed on.
func New(d Deps) (*Documents, error) {
	regular, err := web.Font("BeVietnamPro-Regular.ttf")
	if err != nil {
		return nil, err
	}
	bold, err := web.Font("BeVietnamPro-SemiBold.ttf")
	if err != nil {
		return nil, err
	}
	press, err := pdf.New(regular, bold)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(press.Base())
	return &Documents{d: d, store: store{db: d.DB}, press: press, base: hex.EncodeToString(sum[:])}, nil
}

// Issue makes, signs and keeps a paper. A key that was used before returns its
// paper. It must not be called in a transaction: signing takes its time.
// Errors: documents.incomplete, documents.photo_unreadable.
func (x *Documents) Issue(ctx context.Context, n NewDocument) (Document, error) {
	if n.Key == "" || n.Title.VI == "" || n.Signer == "" || len(n.Owners) == 0 {
		return Document{}, errs.New(errs.Invalid, "documents.incomplete")
	}
	if have, err := x.store.by(ctx, "document_key", n.Key); err == nil || errs.KindOf(err) != errs.NotFound {
		return have, err
	}
	now := x.d.Clock.Now()
	doc := Document{
		ID: id.New(now), Code: newCode(), Type: n.Type, Number: n.Number, Signer: n.Signer, SignerName: n.SignerName, Title: n.Title,
		Reference: n.Reference, ValidUntil: n.ValidUntil, IssuedAt: now.Truncate(time.Second),
	}
	file, err := x.render(ctx, n, doc)
	if err != nil {
		return Document{}, err
	}
	sum := sha256.Sum256(file)
	doc.SHA256 = hex.EncodeToString(sum[:])
	subjects := make([]string, 0, len(n.Owners))
	for _, o := range n.Owners {
		if s := x.d.Keys.Pseudonym(o); !slices.Contains(subjects, s) {
			subjects = append(subjects, s)
		}
	}
	c, err := x.seal(ctx, subjects[0], doc.ID, contents{file: file, facts: facts{Number: n.Number, Lines: n.Lines}})
	if err != nil {
		return Document{}, err
	}
	err = x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		if err := x.keepBase(ctx); err != nil {
			return err
		}
		made, err := x.store.insert(ctx, n.Key, doc, c)
		if err != nil {
			return err
		}
		if !made {
			doc, err = x.store.by(ctx, "document_key", n.Key)
			return err
		}
		return x.store.own(ctx, doc.ID, subjects)
	})
	return doc, err
}

// signer is the signing member's key with its certificate.
func (x *Documents) signer(ctx context.Context, member string) (pdf.Signer, error) {
	key, err := x.d.Keys.Current(ctx, member, keys.Document)
	if err != nil {
		return pdf.Signer{}, err
	}
	var signer crypto.Signer
	if signer, err = x.d.Keys.CryptoSigner(ctx, key.ID); err != nil {
		return pdf.Signer{}, err
	}
	return pdf.Signer{Key: signer, Certificate: key.Certificate, Authority: x.d.Keys.CA()}, nil
}

// List gives the caller's papers, newest first, at most 200.
func (x *Documents) List(ctx context.Context) ([]Document, error) {
	p := auth.From(ctx)
	if !p.IsPerson() {
		return nil, errs.New(errs.Forbidden, "documents.not_yours")
	}
	return x.store.owned(ctx, x.d.Keys.Pseudonym(p.Number))
}

// ForReference lists the papers of a dossier, for blocks that check themselves
// who may see them.
func (x *Documents) ForReference(ctx context.Context, reference string) ([]Document, error) {
	return x.store.referenced(ctx, reference)
}

// Mine gives the caller one of their papers; anybody else's is not found.
func (x *Documents) Mine(ctx context.Context, documentID string) (Document, error) {
	p := auth.From(ctx)
	doc, err := x.store.by(ctx, "id", documentID)
	if err != nil {
		return Document{}, err
	}
	owns, err := x.store.owns(ctx, x.d.Keys.Pseudonym(p.Number), doc.ID)
	if err != nil {
		return Document{}, err
	}
	if !p.IsPerson() || !owns {
		return Document{}, errs.New(errs.NotFound, "documents.not_found")
	}
	return doc, nil
}

// PDF gives the file of one of the caller's papers.
func (x *Documents) PDF(ctx context.Context, documentID string) (Document, []byte, error) {
	doc, err := x.Mine(ctx, documentID)
	if err != nil {
		return doc, nil, err
	}
	c, err := x.store.content(ctx, doc.ID)
	if err != nil {
		return doc, nil, err
	}
	file, err := x.unseal(ctx, doc.ID, c)
	return doc, file, err
}

// Revoke makes a paper invalid, for good.
func (x *Documents) Revoke(ctx context.Context, documentID, reason string) error {
	if reason == "" {
		return errs.New(errs.Invalid, "documents.reason_missing")
	}
	return x.store.revoke(ctx, documentID, reason, x.d.Clock.Now())
}

// ByCode finds a paper by the code printed on it, as anybody may.
// Errors: documents.code_mistyped (a letter is wrong), documents.code_unknown.
func (x *Documents) ByCode(ctx context.Context, code string) (Document, error) {
	tidy, ok := tidyCode(code)
	if !ok {
		return Document{}, errs.New(errs.Invalid, "documents.code_mistyped").With(errs.Field{Name: "code", Code: "documents.code_mistyped"})
	}
	doc, err := x.store.by(ctx, "code", tidy)
	if errs.KindOf(err) == errs.NotFound {
		return doc, errs.New(errs.NotFound, "documents.code_unknown")
	}
	return doc, err
}

// Result is what the public check of a file says.
type Result struct {
	Verdict  string // genuine, expired, revoked, altered, unsigned, foreign, unknown
	Document Document
}

// VerifyFile checks an uploaded file: whether this house issued exactly these
// bytes, and if not, what is wrong with them.
func (x *Documents) VerifyFile(ctx context.Context, file []byte) (Result, error) {
	sum := sha256.Sum256(file)
	doc, err := x.store.by(ctx, "sha256", hex.EncodeToString(sum[:]))
	if err == nil {
		if _, err := pdf.Verify(file, x.d.Keys.CA()); err != nil {
			return Result{Verdict: "altered"}, nil
		}
		verdict := map[string]string{"issued": "genuine", "expired": "expired", "revoked": "revoked"}[doc.State(x.today())]
		return Result{Verdict: verdict, Document: doc}, nil
	}
	if errs.KindOf(err) != errs.NotFound {
		return Result{}, err
	}
	_, err = pdf.Verify(file, x.d.Keys.CA())
	return Result{Verdict: verdictOf(file, err)}, nil
}

func verdictOf(file []byte, err error) string {
	switch {
	case err == nil:
		return "unknown" // a good signature on a file that is not in our books
	case errors.Is(err, pdf.ErrChanged):
		return "altered"
	case errors.Is(err, pdf.ErrSigner) || bytes.Contains(file, []byte("/ByteRange")):
		return "foreign"
	}
	return "unsigned"
}

func (x *Documents) today() string { return x.d.Clock.Now().In(i18n.Zone()).Format(time.DateOnly) }

// Authority is the certificate that vouches for all signers.
func (x *Documents) Authority() *x509.Certificate { return x.d.Keys.CA() }
