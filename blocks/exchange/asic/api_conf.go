package asic

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// confFor is how long X-Road's readers may keep the configuration.
const confFor = 10 * time.Minute

// getVerificationConf is what X-Road's verifier of containers is given.
func (m *Containers) getVerificationConf(w http.ResponseWriter, r *http.Request) error {
	params, err := m.sharedParams(r.Context())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range []struct{ name, text string }{
		{m.d.Instance + "/shared-params.xml", string(params)},
		{m.d.Instance + "/shared-params.xml.metadata", `{"configurationVersion":"5"}`},
		{"instance-identifier", m.d.Instance},
	} {
		to, err := z.CreateHeader(&zip.FileHeader{Name: "verificationconf/" + f.name, Method: zip.Deflate, Modified: m.d.Clock.Now().UTC()})
		if err != nil {
			return err
		}
		if _, err := to.Write([]byte(f.text)); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `filename="verificationconf.zip"`)
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, err = w.Write(b.Bytes())
	return err
}

// getInternalConf is X-Road's signed directory of the configuration, which names
// the file with its digest.
func (m *Containers) getInternalConf(w http.ResponseWriter, r *http.Request) error {
	params, err := m.sharedParams(r.Context())
	if err != nil {
		return err
	}
	sum := sha512.Sum512(params)
	const inner, outer = "dinh-parts", "dinh-directory"
	signed := fmt.Sprintf("Content-type: multipart/mixed; charset=UTF-8; boundary=%s\r\n\r\n--%[1]s\r\nExpire-date: %s\r\nVersion: 5\r\n\r\n", inner, m.d.Clock.Now().UTC().Add(confFor).Format(time.RFC3339)) +
		fmt.Sprintf("--%s\r\nContent-type: application/octet-stream\r\nContent-transfer-encoding: base64\r\nContent-identifier: SHARED-PARAMETERS; instance='%s'\r\nContent-location: /internalconf/%[2]s/shared-params.xml\r\nHash-algorithm-id: http://www.w3.org/2001/04/xmlenc#sha512\r\n\r\n%s\r\n--%[1]s--", inner, m.d.Instance, b64(sum[:]))
	tail, err := m.confSignature(r.Context(), []byte(signed))
	if err != nil {
		return err
	}
	body := fmt.Sprintf("--%[1]s\r\n%[2]s\r\n--%[1]s\r\n%[3]s\r\n--%[1]s--\r\n", outer, signed, tail)
	w.Header().Set("Content-Type", "multipart/related; charset=UTF-8; boundary="+outer)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write([]byte(body))
	return err
}

// confSignature is the second part: the node's seal over the first.
func (m *Containers) confSignature(ctx context.Context, signed []byte) (string, error) {
	key, signer, err := m.sealingKey(ctx)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(signed)
	der, err := signer.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	certificate := sha512.Sum512(key.Certificate.Raw)
	return "Content-type: application/octet-stream\r\nContent-transfer-encoding: base64\r\nSignature-algorithm-id: http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\r\n" +
		"Verification-certificate-hash: " + b64(certificate[:]) + "; hash-algorithm-id=\"http://www.w3.org/2001/04/xmlenc#sha512\"\r\n\r\n" + b64(der), nil
}

// getSharedParams is the file that both name.
func (m *Containers) getSharedParams(w http.ResponseWriter, r *http.Request) error {
	if r.PathValue("instance") != m.d.Instance {
		return errs.New(errs.NotFound, "asic.other_instance", "instance", m.d.Instance)
	}
	params, err := m.sharedParams(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(params)))
	_, err = w.Write(params)
	return err
}
