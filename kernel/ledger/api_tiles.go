package ledger

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Routes serves the log to everybody as C2SP tlog-tiles, under the path of its origin: the log
// "dinh.gov.vn/ledger" answers at /ledger/checkpoint and /ledger/tile/….
func (l *Ledger) Routes() []httpx.Route {
	prefix := l.Prefix()
	return []httpx.Route{
		{Method: http.MethodGet, Path: prefix + "/checkpoint", Access: auth.Public(), Anonymous: true, Handle: l.getCheckpoint},
		{Method: http.MethodGet, Path: prefix + "/checkpoint/cosigned", Access: auth.Public(), Anonymous: true, Handle: l.getCheckpoint},
		{Method: http.MethodGet, Path: prefix + "/tile/{path...}", Access: auth.Public(), Anonymous: true, Handle: l.getTile},
		{Method: http.MethodGet, Path: prefix + "/timestamp", Access: auth.Public(), Anonymous: true, Handle: l.getTimestamp},
		{Method: http.MethodGet, Path: prefix + "/timestamp/checkpoint", Access: auth.Public(), Anonymous: true, Handle: l.getTimestamp},
	}
}

// Prefix is the path of the origin, without a slash at the end: "/ledger", or "" for a log that has
// a host name to itself.
func (l *Ledger) Prefix() string { return pathOf(l.origin) }

func (l *Ledger) getCheckpoint(w http.ResponseWriter, r *http.Request) error {
	read := l.Checkpoint
	if strings.HasSuffix(r.URL.Path, "/cosigned") {
		read = l.Cosigned
	}
	signed, err := read(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache") // it changes with every seal
	return send(w, signed)
}

// getTimestamp serves the newest dated checkpoint and the answer that dates it;
// ?size=N asks for an older one. The two belong together, so whoever fetches
// both names the size.
func (l *Ledger) getTimestamp(w http.ResponseWriter, r *http.Request) error {
	size := int64(0)
	if text := r.URL.Query().Get("size"); text != "" {
		n, ok := decimal(text)
		if !ok || n == 0 {
			return errs.New(errs.NotFound, "ledger.not_dated", "size", text)
		}
		size = n
	}
	d, err := l.Timestamp(r.Context(), size)
	if err != nil {
		return err
	}
	w.Header().Set("Dinh-Ledger-Size", strconv.FormatInt(d.Size, 10))
	w.Header().Set("Cache-Control", "no-cache")
	if strings.HasSuffix(r.URL.Path, "/checkpoint") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		return send(w, d.Checkpoint)
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	return send(w, d.Reply)
}

func (l *Ledger) getTile(w http.ResponseWriter, r *http.Request) error {
	data, err := l.Tile(r.Context(), "tile/"+r.PathValue("path"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return send(w, data)
}

func send(w http.ResponseWriter, data []byte) error { return sendStatus(w, http.StatusOK, data) }

// sendStatus reports no error: a reader who went away is not ours to answer.
func sendStatus(w http.ResponseWriter, status int, data []byte) error {
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
	return nil
}
