package pair

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

// Bare is one hop of a reverse proxy that does nothing else: what two gateways
// would be without grants, signatures and traces.
type Bare struct {
	Listen, To       string // host:port; To is spoken to in TLS when To is the other hop
	Cert, Key, Roots string // PEM files
	TLSIn, TLSOut    bool
}

// Serve answers until ctx ends.
func (b Bare) Serve(ctx context.Context) error {
	cert, err := tls.LoadX509KeyPair(b.Cert, b.Key)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(b.Roots)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	target := &url.URL{Scheme: "http", Host: b.To}
	transport := &http.Transport{MaxIdleConns: 4096, MaxIdleConnsPerHost: 4096, IdleConnTimeout: time.Minute, DisableCompression: true}
	if b.TLSOut {
		target.Scheme = "https"
		transport.TLSClientConfig = &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool, ServerName: "localhost"}
	}
	l, err := net.Listen("tcp", b.Listen)
	if err != nil {
		return err
	}
	if b.TLSIn {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	}
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: &httputil.ReverseProxy{
		Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
	}}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}
