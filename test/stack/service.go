package stack

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// service is one address before several webhook servers, among which it balances by round robin, as a Kubernetes Service
// does. It does not check their readiness: a server that is down is a 502.
type service struct {
	url    string
	server *http.Server

	serving sync.WaitGroup

	mu       sync.Mutex
	replicas []*url.URL
	turn     int
}

func newService(ctx context.Context) (*service, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as a service: %w", err)
	}
	silent := log.New(io.Discard, "", 0) // tests stop replicas on purpose
	s := &service{url: "http://" + listener.Addr().String()}
	s.server = &http.Server{
		Handler: &httputil.ReverseProxy{
			Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(s.next()) },
			ErrorLog: silent,
		},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          silent,
	}
	s.serving.Go(func() { _ = s.server.Serve(listener) })
	return s, nil
}

// add puts one more replica behind the service.
func (s *service) add(replica string) error {
	at, err := url.Parse(replica)
	if err != nil {
		return fmt.Errorf("add a replica: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replicas = append(s.replicas, at)
	return nil
}

func (s *service) next() *url.URL {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn = (s.turn + 1) % len(s.replicas)
	return s.replicas[s.turn]
}

func (s *service) close() error {
	err := s.server.Close()
	s.serving.Wait()
	return err
}
