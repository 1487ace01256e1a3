package documents

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// contents are what only owners may see of a paper.
type contents struct {
	file  []byte
	facts facts
}

// facts are what the paper says, for showing it without opening the file.
type facts struct {
	Number string `json:"number,omitempty"`
	Lines  []Line `json:"lines"`
}

// seal closes the contents under the first owner's key. Of the file only what is
// its own is kept with it: the fonts at its head, three quarters of it, are the
// same for all and kept once.
func (x *Documents) seal(ctx context.Context, subject, document string, c contents) (stored, error) {
	out := stored{subject: subject}
	own := c.file
	if rest, ok := bytes.CutPrefix(c.file, x.press.Base()); ok {
		own, out.base = rest, x.base
	}
	said, err := json.Marshal(c.facts)
	if err != nil {
		return out, err
	}
	if out.sealed, err = x.d.Keys.Seal(ctx, subject, own, []byte(document)); err != nil {
		return out, err
	}
	out.facts, err = x.d.Keys.Seal(ctx, subject, said, []byte(document+"/facts"))
	return out, err
}

// unseal puts a file together again.
func (x *Documents) unseal(ctx context.Context, document string, c stored) ([]byte, error) {
	own, err := x.d.Keys.Unseal(ctx, c.subject, c.sealed, []byte(document))
	if err != nil {
		return nil, err
	}
	head := x.press.Base()
	switch c.base {
	case "":
		return own, nil // kept whole
	case x.base:
	default: // printed by another version of the press
		if head, err = x.store.base(ctx, c.base); err != nil {
			return nil, err
		}
	}
	return append(head[:len(head):len(head)], own...), nil
}

// keepBase writes the base of this process's press once; it must be in the
// database before the first paper that needs it.
func (x *Documents) keepBase(ctx context.Context) error {
	if x.kept.Load() {
		return nil
	}
	if err := x.store.keepBase(ctx, x.base, x.press.Base()); err != nil {
		return err
	}
	db.AfterCommit(ctx, func() { x.kept.Store(true) })
	return nil
}

// said gives what one of the caller's papers says; nothing for papers of which
// it was not kept.
func (x *Documents) said(ctx context.Context, document string) (facts, error) {
	c, err := x.store.content(ctx, document)
	if err != nil || len(c.facts) == 0 {
		return facts{}, err
	}
	plain, err := x.d.Keys.Unseal(ctx, c.subject, c.facts, []byte(document+"/facts"))
	if errs.KindOf(err) == errs.Gone {
		return facts{}, nil // the owner's data was erased; that it was issued stays
	}
	if err != nil {
		return facts{}, err
	}
	var f facts
	return f, json.Unmarshal(plain, &f)
}
