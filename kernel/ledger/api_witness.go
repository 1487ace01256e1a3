package ledger

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Routes lets everybody ask for cosignatures: the signature of a log that the witness knows is what
// opens the door. They stand under the path of the witness's name.
func (w *Witness) Routes() []httpx.Route {
	prefix := pathOf(w.key.name)
	return []httpx.Route{
		{Method: http.MethodPost, Path: prefix + "/add-checkpoint", Access: auth.Public(), Anonymous: true, CrossOrigin: true, Body: maxNote, Handle: w.addCheckpoint},
		{Method: http.MethodGet, Path: prefix + "/verifier-key", Access: auth.Public(), Anonymous: true, Handle: w.getVKey},
	}
}

// pathOf is the path of a URL without scheme, without a slash at the end.
func pathOf(name string) string {
	_, path, ok := strings.Cut(strings.TrimRight(name, "/"), "/")
	if !ok {
		return ""
	}
	return "/" + path
}

func (w *Witness) addCheckpoint(rw http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	line, err := w.Cosign(r.Context(), body)
	if e, ok := errs.As(err); ok && e.Code == "ledger.witness_stale" {
		size, _ := e.Args["size"].(int64)
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		return sendStatus(rw, http.StatusConflict, append(strconv.AppendInt(nil, size, 10), '\n'))
	}
	if err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	return send(rw, line)
}

func (w *Witness) getVKey(rw http.ResponseWriter, _ *http.Request) error {
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	return send(rw, []byte(w.vkey+"\n"))
}
