package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// bodies bounds what is held of bodies that nobody has verified yet.
type bodies struct {
	any, large chan struct{}
}

func newBodies(atOnce, largeAtOnce int) *bodies {
	return &bodies{any: make(chan struct{}, atOnce), large: make(chan struct{}, largeAtOnce)}
}

// read returns the body as it is: the signature is over its very bytes. It returns errOverloaded where too many are
// being read, errUnreadable, or an *http.MaxBytesError.
func (b *bodies) read(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, &http.MaxBytesError{Limit: maxBody}
	}
	select {
	case b.any <- struct{}{}:
		defer func() { <-b.any }()
	default:
		return nil, errOverloaded
	}
	// A length that is told saves growing step by step; one that is a lie costs no more than smallBody.
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
		return nil, err
	case err != nil:
		return nil, errUnreadable
	}
	return append(body, rest...), nil
}
