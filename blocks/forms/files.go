package forms

import (
	"bytes"
	"context"
	"io"
	"log/slog"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// upload is a file that came in for a field, looked at and made safe.
type upload struct {
	file  services.File
	data  []byte    // what is stored; nil when it is refused
	fault i18n.Text // why it is refused, when the definition has no words for it
}

// notStored stands for the address of a file that is judged before it is kept.
const notStored = "pending"

// pending gives the uploads as Validate wants them. One that cannot be read is
// not among them.
func pending(files map[string]upload) map[string]services.File {
	out := make(map[string]services.File, len(files))
	for field, u := range files {
		if u.fault.IsZero() {
			u.file.Hash = notStored
			out[field] = u.file
		}
	}
	return out
}

// keepFiles stores the uploads that were found good and puts their addresses
// into the answers.
func (x *Forms) keepFiles(ctx context.Context, w *work, files map[string]upload, answers map[string]any) error {
	for field, u := range files {
		m, ok := answers[field].(map[string]any)
		if !ok || m["hash"] != notStored {
			continue // refused; an earlier file is still the answer
		}
		ref, err := x.d.Blobs.Put(ctx, w.subject, bytes.NewReader(u.data))
		if err != nil {
			return err
		}
		m["hash"], m["size"] = ref.Hash, ref.Size
	}
	return nil
}

// holdFile notes, in the transaction of ctx, which file a field uses now. What
// it used before is freed, to be deleted once the transaction stands.
func (x *Forms) holdFile(ctx context.Context, w *work, field string, answer any) error {
	hash, before := hashOf(answer), hashOf(w.content.Answers[field])
	if w.correction != nil {
		before = hashOf(w.content.Mended[field])
	}
	if before != "" && before != hash {
		w.freed = append(w.freed, before)
	}
	if w.correction != nil {
		field += mendedSuffix // what was sent stays until the correction is sent
	}
	if hash == "" {
		return x.store.release(ctx, w.ID, field)
	}
	ok, err := x.store.hold(ctx, stored{w.ID, field, w.subject, hash})
	if err == nil && !ok {
		err = errs.New(errs.Unavailable, "forms.file_again")
	}
	return err
}

// mendedSuffix tells the file of a correction from the one that was sent.
const mendedSuffix = "#mended"

// hashOf is the address in a file answer.
func hashOf(answer any) string {
	m, _ := answer.(map[string]any)
	s, _ := m["hash"].(string)
	return s
}

// drop deletes those files among hashes that no application of the person
// holds any more.
func (x *Forms) drop(ctx context.Context, subject string, hashes []string) {
	ctx = context.WithoutCancel(ctx)
	for _, h := range hashes {
		condemned, err := x.store.condemn(ctx, subject, h)
		if err == nil && condemned {
			if err = x.d.Blobs.Delete(ctx, subject, h); err == nil {
				err = x.store.buried(ctx, subject, h)
			}
		}
		if err != nil { // Tidy tries again
			x.d.Log.LogAttrs(ctx, slog.LevelWarn, "a file was not deleted", slog.String("code", errs.CodeOf(err)))
		}
	}
}

// Tidy finishes deletions that a crash or a lost store left undone. app runs
// it once a day.
func (x *Forms) Tidy(ctx context.Context) error {
	left, err := x.store.garbage(ctx)
	if err != nil {
		return err
	}
	for _, g := range left {
		if err := x.d.Blobs.Delete(ctx, g.subject, g.hash); err != nil {
			return err
		}
		if err := x.store.buried(ctx, g.subject, g.hash); err != nil {
			return err
		}
	}
	return nil
}

// File opens what was uploaded for a field of a sent application. It is for
// officers, documents and the like: the caller has made sure that they may see
// it, forms does not. Errors: forms.not_found, forms.no_file.
func (x *Forms) File(ctx context.Context, application, field string) (io.ReadCloser, FileMeta, error) {
	r, err := x.store.one(ctx, application)
	if err != nil {
		return nil, FileMeta{}, err
	}
	if r.State != Submitted && r.State != Correcting {
		return nil, FileMeta{}, notFound()
	}
	w, err := x.unpack(ctx, r)
	if err != nil {
		return nil, FileMeta{}, err
	}
	return x.fileOf(ctx, w, w.content.Answers[field])
}

// ownFile opens an upload for the applicant of ctx.
func (x *Forms) ownFile(ctx context.Context, application, field string) (io.ReadCloser, FileMeta, error) {
	w, err := x.inHand(ctx, application)
	if err != nil {
		return nil, FileMeta{}, err
	}
	return x.fileOf(ctx, w, w.state().Answers[field])
}

func (x *Forms) fileOf(ctx context.Context, w *work, answer any) (io.ReadCloser, FileMeta, error) {
	m, _ := plain(answer).(map[string]any)
	hash, _ := m["hash"].(string)
	if hash == "" {
		return nil, FileMeta{}, errs.New(errs.NotFound, "forms.no_file")
	}
	meta := FileMeta{}
	meta.Name, _ = m["name"].(string)
	meta.Type, _ = m["type"].(string)
	size, _ := m["size"].(float64)
	meta.Size = int64(size)
	r, err := x.d.Blobs.Get(ctx, w.subject, hash)
	return r, meta, err
}

// FileOf opens a stored file by the person it belongs to and its address, as
// an answer holds it. The caller has made sure that it may.
func (x *Forms) FileOf(ctx context.Context, number, hash string) (io.ReadCloser, error) {
	return x.d.Blobs.Get(ctx, x.d.Keys.Pseudonym(number), hash)
}
