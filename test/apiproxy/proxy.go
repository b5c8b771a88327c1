// Package apiproxy is a proxy between a server and the Kubernetes API. It makes the faults of a busy cluster: conflicts on
// every write, and a cache that lags. The proxy uses the server's own credentials, so that the server keeps its rights.
package apiproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy is the proxy of one server.
type Proxy struct {
	faults *Faults
	server *http.Server
	url    string
	target http.Handler

	serving sync.WaitGroup
}

// Start listens on loopback without TLS, and forwards requests to the cluster of config as the user of config. Several
// proxies can share their faults.
func Start(ctx context.Context, config *rest.Config, faults *Faults) (*Proxy, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("proxy to the API server: %w", err)
	}
	upstream, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("proxy to the API server: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy to the API server: %w", err)
	}
	silent := log.New(io.Discard, "", 0) // tests stop the API server on purpose
	p := &Proxy{
		faults: faults,
		url:    "http://" + listener.Addr().String(),
		target: &httputil.ReverseProxy{
			Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
			Transport:      transport,
			FlushInterval:  -1, // or watches would wait for a full buffer
			ModifyResponse: faults.delay,
			ErrorLog:       silent,
		},
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, ErrorLog: silent}
	p.serving.Go(func() { _ = p.server.Serve(listener) })
	return p, nil
}

// ServeHTTP forwards a request, unless a fault answers it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.faults.conflictWith(w, r) {
		return
	}
	p.target.ServeHTTP(w, r)
}

// URL is the address of the proxy.
func (p *Proxy) URL() string { return p.url }

// WriteKubeconfig writes a kubeconfig of the proxy. It holds no secret: the proxy has the credentials.
func (p *Proxy) WriteKubeconfig(path string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters["proxy"] = &clientcmdapi.Cluster{Server: p.url}
	config.Contexts["proxy"] = &clientcmdapi.Context{Cluster: "proxy"}
	config.CurrentContext = "proxy"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}

// Close stops the proxy and the requests in flight.
func (p *Proxy) Close() error {
	err := p.server.Close()
	p.serving.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
