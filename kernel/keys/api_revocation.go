package keys

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// Routes tells everybody which certificates are revoked: OCSP as RFC 6960 appendix A has it, and the
// list.
func (k *Keys) Routes() []httpx.Route {
	return []httpx.Route{
		{Method: http.MethodPost, Path: "/ocsp", Access: auth.Public(), Anonymous: true, CrossOrigin: true, Body: maxOCSP, Handle: k.postOCSP},
		{Method: http.MethodGet, Path: "/ocsp/{request...}", Access: auth.Public(), Anonymous: true, Handle: k.getOCSP},
		{Method: http.MethodGet, Path: "/ca.crl", Access: auth.Public(), Anonymous: true, Handle: k.getCRL},
	}
}

func (k *Keys) postOCSP(w http.ResponseWriter, r *http.Request) error {
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return k.answerOCSP(w, r, request)
}

func (k *Keys) getOCSP(w http.ResponseWriter, r *http.Request) error {
	request, err := base64.StdEncoding.DecodeString(r.PathValue("request"))
	if err != nil {
		request = nil // which is malformed too, and is answered as such
	}
	return k.answerOCSP(w, r, request)
}

func (k *Keys) answerOCSP(w http.ResponseWriter, r *http.Request, request []byte) error {
	reply, err := k.OCSP(r.Context(), request)
	if err != nil {
		return err
	}
	return sendDER(w, "application/ocsp-response", reply)
}

func (k *Keys) getCRL(w http.ResponseWriter, r *http.Request) error {
	der, err := k.CRL(r.Context())
	if err != nil {
		return err
	}
	return sendDER(w, "application/pkix-crl", der)
}

// sendDER reports no error: a reader who went away is not ours to answer.
func sendDER(w http.ResponseWriter, kind string, der []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(der)))
	w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(cacheFor.Seconds())))
	_, _ = w.Write(der)
	return nil
}
