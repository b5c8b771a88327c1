package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// fetch returns what a server answers to GET, uncompressed.
func fetch(ctx context.Context, from *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity")
	return answered(from, request)
}

// answered sends a request, and returns the answer's body where that is 200.
func answered(by *http.Client, request *http.Request) ([]byte, error) {
	answer, err := by.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: %s", request.URL, answer.Status, content)
	}
	return content, nil
}

// apiServer is its address, for paths to follow.
func (w *environment) apiServer() string { return strings.TrimSuffix(w.cluster.Config().Host, "/") }
