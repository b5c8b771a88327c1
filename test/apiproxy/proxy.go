// Package apiproxy puts a proxy between a server and the Kubernetes API, to do to the server what a busy cluster does:
// conflicts on every write, and a cache that lags behind. The proxy asks in the server's own name, so that the server
// has no other rights than it has without.
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

// Proxy is one server's way to the API.
type Proxy struct {
	dials  *Dials
	server *http.Server
	url    string
	onward http.Handler

	serving sync.WaitGroup
}

// Start listens on loopback, without TLS, and passes on to the cluster of config what it is asked, as the user of config.
// Several proxies may share their dials.
func Start(ctx context.Context, config *rest.Config, dials *Dials) (*Proxy, error) {
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
	silent := log.New(io.Discard, "", 0) // an API server that is away is what tests do on purpose
	p := &Proxy{
		dials: dials,
		url:   "http://" + listener.Addr().String(),
		onward: &httputil.ReverseProxy{
			Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
			Transport:      transport,
			FlushInterval:  -1, // a watch is told of each change when it happens
			ModifyResponse: dials.delay,
			ErrorLog:       silent,
		},
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, ErrorLog: silent}
	p.serving.Go(func() { _ = p.server.Serve(listener) })
	return p, nil
}

// ServeHTTP passes a request on, unless the dials have another answer to it.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.dials.obstruct(w, r) {
		return
	}
	p.onward.ServeHTTP(w, r)
}

// URL is where the proxy listens.
func (p *Proxy) URL() string { return p.url }

// WriteKubeconfig writes a kubeconfig that leads to the proxy. It holds no secret: the proxy has those.
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

// Close ends the proxy and every request that is still on its way through it.
func (p *Proxy) Close() error {
	err := p.server.Close()
	p.serving.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
