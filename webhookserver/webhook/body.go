package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// bodyReader reads request bodies. It bounds the memory of bodies that are not verified yet.
type bodyReader struct {
	// all and large are semaphores: for every body, and for those over smallBody.
	all, large chan struct{}
}

func newBodyReader(limit, largeLimit int) *bodyReader {
	return &bodyReader{all: make(chan struct{}, limit), large: make(chan struct{}, largeLimit)}
}

// read returns the unchanged bytes of the body, which the signature covers. It returns errOverloaded if too many bodies
// are being read, errUnreadable or errTooLarge.
func (b *bodyReader) read(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	select {
	case b.all <- struct{}{}:
		defer func() { <-b.all }()
	default:
		return nil, errOverloaded
	}
	// The announced length saves reallocation. A false one costs no more than smallBody.
	first := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), smallBody)+bytes.MinRead))
	if _, err := first.ReadFrom(io.LimitReader(r.Body, smallBody)); err != nil {
		return nil, errUnreadable
	}
	body := first.Bytes()
	if len(body) < smallBody {
		return body, nil
	}
	select {
	case b.large <- struct{}{}:
		defer func() { <-b.large }()
	default:
		return nil, errOverloaded
	}
	rest, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody-smallBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errTooLarge
	case err != nil:
		return nil, errUnreadable
	}
	return append(body, rest...), nil
}
