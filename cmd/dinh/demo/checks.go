package demo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/country/people"
)

func (s *show) world() *people.World {
	return people.Generate(s.stage.App.Config.Seed, max(s.stage.App.Config.People, 0), time.Now())
}

func (s *show) number(sample string) string {
	p, _ := s.world().Sample(sample)
	return p.Number
}

// officer is the id of the n-th officer with a role.
func (s *show) officer(role string, n int) string {
	for _, o := range s.world().Officers() {
		for _, r := range o.Roles {
			if r == role {
				if n == 0 {
					return o.ID
				}
				n--
			}
		}
	}
	return ""
}

func (s *show) checks(ctx context.Context) error {
	s.t.act("Checks")
	s.registers(ctx)
	s.documents(ctx)
	s.receipts(ctx)
	off, err := s.stage.App.Payments.Balanced(ctx)
	if len(off) > 0 {
		err = fmt.Errorf("%v", off)
	}
	s.t.check(err, "the journal balances")
	s.messages(ctx)
	dead, err := s.stage.App.Jobs.Dead(ctx, 10)
	if len(dead) > 0 {
		err = fmt.Errorf("%d, the first: %s %s", len(dead), dead[0].Kind, dead[0].Error)
	}
	s.t.check(err, "no work was given up")
	return nil
}

func (s *show) registers(ctx context.Context) {
	mother := s.number("mai")
	births, err := s.stage.App.Registers.Find(ctx, "births", map[string]string{"mother": mother}, 10)
	child := ""
	for _, r := range births {
		if r.Data["child_name"] == childName {
			child = fmt.Sprint(r.Data["child"])
		}
	}
	if err == nil && child == "" {
		err = errors.New("no birth record of the child")
	}
	s.t.check(err, "the births register holds the child")
	for register, field := range map[string]string{"population": "number", "residence": "number", "health-cards": "holder"} {
		found, err := s.stage.App.Registers.Find(ctx, register, map[string]string{field: child}, 10)
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%d records", len(found))
		}
		s.t.check(err, "the register %s holds the child once", register)
	}
}

// documents downloads each paper as its owner and lets the public page and
// pdfsig judge it.
func (s *show) documents(ctx context.Context) {
	stranger := play.NewBrowser(s.stage.Base)
	for _, path := range s.documentPaths {
		file, err := s.mother.Get(ctx, path+"/file.pdf")
		if err != nil {
			s.t.check(err, "%s can be downloaded", path)
			continue
		}
		verify, err := stranger.Get(ctx, "/verify")
		if err == nil {
			err = verifyUpload(ctx, stranger, verify, file.Body)
		}
		s.t.check(err, "the public page verifies %s (%d kB)", path, len(file.Body)/1000)
		if _, lookErr := exec.LookPath("pdfsig"); lookErr == nil {
			s.t.check(pdfsig(ctx, file.Body), "pdfsig: signature is valid, total document signed")
		}
	}
	if len(s.documentPaths) > 0 {
		if _, err := stranger.Get(ctx, s.documentPaths[0]+"/file.pdf"); err == nil && strings.HasPrefix(mustGet(ctx, stranger, s.documentPaths[0]), "%PDF") {
			s.t.check(errors.New("a stranger downloaded it"), "papers are their owners' alone")
		}
	}
}

func mustGet(ctx context.Context, b *play.Browser, path string) string {
	p, err := b.Get(ctx, path+"/file.pdf")
	if err != nil {
		return ""
	}
	return string(p.Body)
}

func verifyUpload(ctx context.Context, b *play.Browser, page *play.Page, pdf []byte) error {
	for _, f := range page.Forms() {
		if !f.Multipart {
			continue
		}
		result, err := b.Submit(ctx, f, nil, map[string]play.Upload{fileInput(f): {Name: "x.pdf", Type: "application/pdf", Data: pdf}})
		if err != nil {
			return err
		}
		if !bytes.Contains(result.Body, []byte("data-verified=\"yes\"")) {
			return fmt.Errorf("the page says: %s", result.Heading())
		}
		return nil
	}
	return errors.New("the page takes no file")
}

func fileInput(f *play.Form) string {
	for _, i := range f.Inputs {
		if i.Type == "file" {
			return i.Name
		}
	}
	return "file"
}

func pdfsig(ctx context.Context, pdf []byte) error {
	f, err := os.CreateTemp("", "dinh-*.pdf")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(pdf); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "pdfsig", "-nocert", f.Name()).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Signature is Valid")) || !bytes.Contains(out, []byte("Total document signed")) {
		return fmt.Errorf("%s (%w)", strings.TrimSpace(string(out)), err)
	}
	return nil
}

func (s *show) messages(ctx context.Context) {
	want := 3
	deadline := time.Now().Add(20 * time.Second)
	for s.stage.App.Mailbox.Total() < want && time.Now().Before(deadline) {
		if _, err := s.mother.Get(ctx, "/messages"); err != nil {
			break
		}
	}
	var err error
	if n := s.stage.App.Mailbox.Total(); n < want {
		err = fmt.Errorf("only %d", n)
	}
	s.t.check(err, "a real SMTP server received %d e-mails", s.stage.App.Mailbox.Total())
}

// receipts takes every receipt of the mother as a file and proves it with
// transparency-dev's verifier: other code than that which made it.
func (s *show) receipts(ctx context.Context) {
	events, err := s.stage.App.Exchange.Events(ctx, s.stage.App.Keys.Pseudonym(s.number("mai")), "", 500)
	if err == nil && len(events) == 0 {
		err = errors.New("no events")
	}
	good := 0
	for _, e := range events {
		_, err = s.mother.Wait(ctx, "/my-data/"+e.ID, func(p *play.Page) bool { return len(p.Links("/my-data/"+e.ID+"/receipt")) > 0 })
		if err != nil {
			break
		}
		var page *play.Page
		if page, err = s.mother.Get(ctx, "/my-data/"+e.ID+"/receipt"); err != nil {
			break
		}
		if err = independent(page.Body, s.stage.App.VKey); err != nil {
			break
		}
		good++
	}
	s.t.check(err, "%d of %d accesses have a receipt that an independent log client verifies", good, len(events))
}

// independent checks a receipt without any of our own ledger code: the leaf is
// HMAC-SHA-256 of the event, the proof is c2sp.org/tlog-proof@v1.
func independent(receipt []byte, vkey string) error {
	var r struct {
		Event json.RawMessage `json:"event"`
		Key   string          `json:"key"`
		Proof string          `json:"proof"`
	}
	if err := json.Unmarshal(receipt, &r); err != nil {
		return err
	}
	key, err := decode(r.Key)
	if err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, r.Event); err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(compact.Bytes())
	index, hashes, checkpoint, err := parseProof(r.Proof)
	if err != nil {
		return err
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	n, err := note.Open([]byte(checkpoint), note.VerifierList(v))
	if err != nil {
		return err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 3 {
		return errors.New("short checkpoint")
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return err
	}
	return proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, rfc6962.DefaultHasher.HashLeaf(mac.Sum(nil)), hashes, root)
}

func decode(s string) ([]byte, error) {
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return b, nil
	}
	return base64.RawURLEncoding.DecodeString(s)
}

func parseProof(text string) (index uint64, hashes [][]byte, checkpoint string, err error) {
	head, checkpoint, ok := strings.Cut(text, "\n\n")
	if !ok {
		return 0, nil, "", errors.New("proof without checkpoint")
	}
	sc := bufio.NewScanner(strings.NewReader(head))
	for sc.Scan() {
		line := sc.Text()
		switch {
		case strings.HasPrefix(line, "c2sp.org/"), strings.HasPrefix(line, "extra "):
		case strings.HasPrefix(line, "index "):
			if index, err = strconv.ParseUint(strings.TrimPrefix(line, "index "), 10, 64); err != nil {
				return 0, nil, "", err
			}
		default:
			h, err := base64.StdEncoding.DecodeString(line)
			if err != nil {
				return 0, nil, "", err
			}
			hashes = append(hashes, h)
		}
	}
	return index, hashes, checkpoint, sc.Err()
}
