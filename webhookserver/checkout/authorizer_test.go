package checkout_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

// TestReviews: a request takes one TokenReview, and one SubjectAccessReview of exactly its action.
func TestReviews(t *testing.T) {
	of := func(verb, name string) authorizationv1.SubjectAccessReviewSpec {
		return authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:shop:backend", UID: "b1", Groups: []string{"system:serviceaccounts", "system:authenticated"},
			Extra: map[string]authorizationv1.ExtraValue{"authentication.kubernetes.io/pod-name": {"backend-1"}},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: "shop", Verb: verb, Group: "payments.paylink.dev", Version: "v1alpha1", Resource: "orders", Name: name,
			},
		}
	}
	for name, row := range map[string]struct {
		request *http.Request
		asked   authorizationv1.SubjectAccessReviewSpec
	}{
		"create": {asked(t, lifetime), of("create", "")},
		"get":    {fakeshop.Request(t, http.MethodGet, "/api/orders/Mine", "", "Authorization", "Bearer "+fakeshop.Backend), of("get", "mine")},
	} {
		t.Run(name, func(t *testing.T) {
			s := fakeshop.New(t, fakeshop.Options{Audiences: []string{"paylink", "shop"}}, fakeshop.Link("lifetime"), fakeshop.Order("Mine"))
			s.Users.Know(fakeshop.Backend, userOf(s), "shop")
			if answer := s.Send(row.request); answer.Code >= 300 {
				t.Errorf("got %d %s", answer.Code, answer.Body)
			}
			tokens := []authenticationv1.TokenReviewSpec{{Token: fakeshop.Backend, Audiences: []string{"paylink", "shop"}}}
			check.Equal(t, tokens, s.Users.Reviewed(), "token reviews")
			check.Equal(t, []authorizationv1.SubjectAccessReviewSpec{row.asked}, s.Users.Asked(), "access reviews")
		})
	}
}

func userOf(s *fakeshop.Shop) authenticationv1.UserInfo { return s.Users.Of(fakeshop.Backend) }

// TestToken: without a valid token nothing is read or created. Every valid notation of the header is accepted.
func TestToken(t *testing.T) {
	const missing, unknown = "Authorization: is missing: send a Kubernetes token, as Authorization: Bearer TOKEN.", "Authorization: Kubernetes does not know this token"
	for header, says := range map[string]string{
		"": missing, "Bearer": missing, "Bearer ": missing, " ": missing, "Basic dXNlcjpwYXNz": missing, fakeshop.Backend: missing, "Token " + fakeshop.Backend: missing,
		"Bearer wrong": unknown, "Bearer " + fakeshop.Backend + "x": unknown, "Bearer " + fakeshop.Backend + " x": unknown,
		"Bearer " + fakeshop.Backend: "", "bearer " + fakeshop.Backend: "", " BEARER  " + fakeshop.Backend + " ": "",
	} {
		s := fakeshop.New(t, fakeshop.Options{Trouble: fakeshop.ReadOnly(t)}, fakeshop.Order("mine"))
		for _, r := range []*http.Request{
			fakeshop.Post(t, "/api/orders", `{}`), fakeshop.Request(t, http.MethodGet, "/api/orders/mine", ""),
		} {
			r.Header.Set("Authorization", header)
			answer := s.Send(r)
			if says == "" {
				if answer.Code == http.StatusUnauthorized {
					t.Errorf("%q: got %s, want it accepted", header, answer.Body)
				}
				continue
			}
			fakeshop.Refused(t, answer, http.StatusUnauthorized, says)
			check.Equal(t, `Bearer realm="paylink"`, answer.Header().Get("WWW-Authenticate"), "%q: WWW-Authenticate", header)
			check.Lacks(t, answer.Body.String(), fakeshop.Backend)
		}
		if says == missing && len(s.Users.Reviewed()) > 0 {
			t.Errorf("%q: got reviews %v, want none", header, s.Users.Reviewed())
		}
	}
}

// TestAudience: a token must have one of the audiences, if any are set. Kubernetes checks that.
func TestAudience(t *testing.T) {
	for name, row := range map[string]struct {
		wanted, meant []string
		known         bool
	}{
		"any":                                   {nil, []string{"https://kubernetes.default.svc"}, true},
		"none said":                             {nil, nil, true},
		"the one":                               {[]string{"paylink"}, []string{"paylink"}, true},
		"one of several":                        {[]string{"paylink", "shop"}, []string{"other", "shop"}, true},
		"another":                               {[]string{"paylink"}, []string{"https://kubernetes.default.svc"}, false},
		"an API server that knows no audiences": {[]string{"paylink"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := fakeshop.New(t, fakeshop.Options{Audiences: row.wanted}, fakeshop.Link("lifetime"))
			s.Users.Know(fakeshop.Backend, userOf(s), row.meant...)
			answer := s.Send(asked(t, lifetime))
			if row.known {
				created(t, answer, false)
				return
			}
			fakeshop.Refused(t, answer, http.StatusUnauthorized, "it is meant for another audience")
			if len(s.Users.Asked()) > 0 || len(s.Orders()) > 0 {
				t.Error("got an order, want none")
			}
		})
	}
}

// TestForbidden: a caller without the right to create orders in a namespace does not learn whether a PaymentLink exists there.
func TestForbidden(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{Trouble: fakeshop.ReadOnly(t)}, fakeshop.Link("lifetime"))
	for _, body := range []string{lifetime, `{"paymentLink":"none","namespace":"shop"}`, `{"paymentLink":"lifetime","namespace":"nowhere"}`} {
		r := fakeshop.Post(t, "/api/orders", body, "Authorization", "Bearer "+fakeshop.Stranger)
		p := fakeshop.Refused(t, s.Send(r), http.StatusForbidden, "namespace: you may not create orders there (RBAC: create orders.payments.paylink.dev).")
		if len(p.Errors) != 1 || p.Errors[0].Field != "namespace" {
			t.Errorf("got problem %+v", p)
		}
	}
	// The rights are asked for anew each time: what is taken away is gone at once.
	s = fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime"))
	created(t, s.Send(asked(t, lifetime)), false)
	s.Users.Allow(func(authorizationv1.SubjectAccessReviewSpec) bool { return false })
	fakeshop.Refused(t, s.Send(asked(t, lifetime)), http.StatusForbidden, "you may not create orders there")
}

// TestReviewsUnavailable: if Kubernetes reviews no token or access, the answer is 503.
func TestReviewsUnavailable(t *testing.T) {
	away := errors.New("dial tcp 10.0.0.1:443: connection refused")
	s := fakeshop.New(t, fakeshop.Options{Trouble: fakeshop.ReadOnly(t)}, fakeshop.Link("lifetime"), fakeshop.Order("mine"))
	get := func() *http.Request {
		return fakeshop.Request(t, http.MethodGet, "/api/orders/mine", "", "Authorization", "Bearer "+fakeshop.Backend)
	}
	for _, after := range []int{0, 1} { // at the token, and at the rights
		for name, r := range map[string]*http.Request{"create": asked(t, lifetime), "get": get()} {
			s.Users.AwayAfter(after, away)
			answer := s.Send(r)
			fakeshop.Refused(t, answer, http.StatusServiceUnavailable, "Kubernetes could not be asked: try again later.")
			if retry := answer.Header().Get("Retry-After"); retry != "5" || strings.Contains(answer.Body.String(), "10.0.0.1") {
				t.Errorf("%s: got Retry-After %q and %s, want 5 and nothing of the cluster", name, retry, answer.Body)
			}
		}
	}
	check.Equal(t, 4, strings.Count(s.Logged.String(), "connection refused"), "log messages")
	check.Lacks(t, s.Logged.String(), fakeshop.Backend)
}

// TestInvalidTokens: the invalid tokens of an address are limited. A token that was valid recently is not.
func TestInvalidTokens(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{Proxies: "10.0.0.1"}, fakeshop.Order("mine"))
	send := func(address, token string) int {
		r := fakeshop.Request(t, http.MethodGet, "/api/orders/mine", "", "Authorization", "Bearer "+token, "X-Forwarded-For", address)
		r.RemoteAddr = "10.0.0.1:1234"
		answer := s.Send(r)
		if answer.Code == http.StatusTooManyRequests {
			fakeshop.Refused(t, answer, http.StatusTooManyRequests, "Authorization: too many wrong tokens came from your network: try again later.")
			check.Equal(t, "6", answer.Header().Get("Retry-After"), "Retry-After")
		}
		return answer.Code
	}
	const here, there = "192.0.2.1", "192.0.2.2"
	check.Equal(t, http.StatusOK, send(here, fakeshop.Backend), "status")
	for i := range 10 {
		check.Equal(t, http.StatusUnauthorized, send(here, fmt.Sprint("wrong-", i)), "invalid token %d: status", i)
	}
	reviews := len(s.Users.Reviewed())
	for i, step := range []struct {
		passes         time.Duration
		address, token string
		want           int
	}{
		{0, here, "wrong", 429},
		{0, here, fakeshop.Stranger, 429}, // right, but nobody knows yet
		{0, here, fakeshop.Backend, 200},  // was right before
		{0, there, "wrong", 401},
		{0, there, fakeshop.Stranger, 404},
		{0, here, fakeshop.Stranger, 404}, // has been right there
		{6 * time.Second, here, "wrong", 401},
		{0, here, "wrong", 429},
		{time.Hour, here, "wrong", 401},
	} {
		s.Clock.SetTime(s.Clock.Now().Add(step.passes))
		check.Equal(t, step.want, send(step.address, step.token), "step %d: status", i)
	}
	check.Equal(t, 6, len(s.Users.Reviewed())-reviews, "reviews")
	check.Equal(t, map[string]float64{"token": 3}, s.Limited(), "refusals by limit")
}

// TestConcurrentInvalidTokens: the reviews of concurrent invalid tokens are bounded. A token that was valid recently does not wait.
func TestConcurrentInvalidTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Order("mine"))
		send := func(token string) int {
			return s.Send(fakeshop.Request(t, http.MethodGet, "/api/orders/mine", "", "Authorization", "Bearer "+token)).Code
		}
		send(fakeshop.Backend)
		s.Users.Take(time.Second)
		var crowd sync.WaitGroup
		for i := range 1000 {
			crowd.Go(func() { send(fmt.Sprint("wrong-", i)) })
		}
		synctest.Wait()
		start := time.Now()
		if code, took := send(fakeshop.Backend), time.Since(start); code != http.StatusOK || took != time.Second {
			t.Errorf("got status %d after %s for a known token, want it at once", code, took)
		}
		crowd.Wait()
		if n := len(s.Users.Reviewed()); n > 2+10+16 {
			t.Errorf("got %d reviews, want fewer", n)
		}
	})
}

// TestUnknownTokenWaits: a token that is not known waits for its review, until the deadline.
func TestUnknownTokenWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{Proxies: "10.0.0.1"}, fakeshop.Order("mine"))
		send := func(i int, token string) *httptest.ResponseRecorder {
			r := fakeshop.Request(t, http.MethodGet, "/api/orders/mine", "", "Authorization", "Bearer "+token, "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
			r.RemoteAddr = "10.0.0.1:1234"
			return s.Send(r)
		}
		for takes, want := range map[time.Duration]int{time.Second: http.StatusOK, 20 * time.Second: http.StatusServiceUnavailable} {
			s.Users.Take(takes)
			var crowd sync.WaitGroup
			for i := range 16 {
				crowd.Go(func() { send(i, "wrong") })
			}
			synctest.Wait()
			answer := send(100, fakeshop.Backend)
			check.Equal(t, want, answer.Code, "reviews of %s: status", takes)
			crowd.Wait()
			s.Clock.SetTime(s.Clock.Now().Add(2 * time.Hour)) // nobody was right lately
		}
	})
}

// TestRevokedToken: a token that was valid and is revoked counts as an invalid one.
func TestRevokedToken(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Order("mine"))
	send := func(token string) int {
		return s.Send(fakeshop.Request(t, http.MethodGet, "/api/orders/mine", "", "Authorization", "Bearer "+token)).Code
	}
	exhaust := func() {
		for i := range 10 {
			send(fmt.Sprint("wrong-", i))
		}
	}
	send(fakeshop.Backend)
	exhaust()
	s.Users.Forget(fakeshop.Backend)
	if first, second := send(fakeshop.Backend), send(fakeshop.Backend); first != http.StatusUnauthorized || second != http.StatusTooManyRequests {
		t.Errorf("got statuses %d and %d", first, second)
	}

	// It is known for an hour after it was seen.
	for passes, want := range map[time.Duration]int{time.Hour - time.Second: http.StatusOK, time.Hour + time.Second: http.StatusTooManyRequests} {
		s = fakeshop.New(t, fakeshop.Options{}, fakeshop.Order("mine"))
		send(fakeshop.Backend)
		s.Clock.SetTime(s.Clock.Now().Add(passes))
		exhaust()
		check.Equal(t, want, send(fakeshop.Backend), "status after %s", passes)
	}
}
