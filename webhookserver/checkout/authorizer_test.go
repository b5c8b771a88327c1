package checkout_test

import (
	"fmt"
	"net/http"
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
		status  int
		asked   authorizationv1.SubjectAccessReviewSpec
	}{
		"create": {asked(t, lifetime), 201, of("create", "")},
		"get":    {fakeshop.Request(t, http.MethodGet, "/api/orders/Mine", "", "Authorization", "Bearer "+fakeshop.Backend), 200, of("get", "mine")},
	} {
		s := newShop(t, fakeshop.Options{Audiences: []string{"paylink", "shop"}}, fakeshop.Order("Mine"))
		s.Users.Know(fakeshop.Backend, s.Users.Of(fakeshop.Backend), "shop")
		check.Equal(t, row.status, s.Send(row.request).Code, "%s: status", name)
		check.Equal(t, []authenticationv1.TokenReviewSpec{{Token: fakeshop.Backend, Audiences: []string{"paylink", "shop"}}}, s.Users.Reviewed(), "%s: token reviews", name)
		check.Equal(t, []authorizationv1.SubjectAccessReviewSpec{row.asked}, s.Users.Asked(), "%s: access reviews", name)
	}
}

// TestToken: without a valid token nothing is read or created. Every valid notation of the header is accepted.
func TestToken(t *testing.T) {
	const missing, unknown = "Authorization: is missing: send a Kubernetes token, as Authorization: Bearer TOKEN.", "Authorization: Kubernetes does not know this token"
	for header, says := range map[string]string{
		"": missing, "Bearer": missing, "Bearer ": missing, " ": missing, "Basic dXNlcjpwYXNz": missing, fakeshop.Backend: missing, "Token " + fakeshop.Backend: missing,
		"Bearer wrong": unknown, "Bearer " + fakeshop.Backend + "x": unknown, "Bearer " + fakeshop.Backend + " x": unknown,
		"Bearer " + fakeshop.Backend: "", "bearer " + fakeshop.Backend: "", " BEARER  " + fakeshop.Backend + " ": "",
	} {
		t.Run(header, func(t *testing.T) {
			s := fakeshop.New(t, readOnly(t), fakeshop.Order("mine"))
			for accepted, r := range map[int]*http.Request{
				http.StatusBadRequest: fakeshop.Post(t, "/api/orders", `{}`), http.StatusOK: fakeshop.Request(t, http.MethodGet, "/api/orders/mine", ""),
			} {
				r.Header.Set("Authorization", header)
				answer := s.Send(r)
				if says == "" {
					check.Equal(t, accepted, answer.Code, "status")
					continue
				}
				fakeshop.Refused(t, answer, http.StatusUnauthorized, says)
				check.Equal(t, `Bearer realm="paylink"`, answer.Header().Get("WWW-Authenticate"), "WWW-Authenticate")
				check.Lacks(t, answer.Body.String(), fakeshop.Backend)
			}
			if says == missing {
				check.Equal(t, nil, s.Users.Reviewed(), "token reviews")
			}
		})
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
			s := newShop(t, fakeshop.Options{Audiences: row.wanted})
			s.Users.Know(fakeshop.Backend, s.Users.Of(fakeshop.Backend), row.meant...)
			answer := s.Send(asked(t, lifetime))
			if row.known {
				created(t, answer, false)
				return
			}
			fakeshop.Refused(t, answer, http.StatusUnauthorized, "it is meant for another audience")
			check.Equal(t, 0, len(s.Users.Asked())+len(s.Orders()), "access reviews and orders")
		})
	}
}

// TestForbidden: a caller without the right to create orders in a namespace does not learn whether a PaymentLink exists there.
func TestForbidden(t *testing.T) {
	s := newShop(t, readOnly(t))
	for _, body := range []string{lifetime, `{"paymentLink":"none","namespace":"shop"}`, `{"paymentLink":"lifetime","namespace":"nowhere"}`} {
		r := fakeshop.Post(t, "/api/orders", body, "Authorization", "Bearer "+fakeshop.OtherUser)
		p := fakeshop.Refused(t, s.Send(r), http.StatusForbidden, "namespace: you may not create orders there (RBAC: create orders.payments.paylink.dev).")
		check.Equal(t, []string{"namespace"}, p.Fields(), "fields")
	}
	// The rights are reviewed for every request.
	s = newShop(t, fakeshop.Options{})
	created(t, s.Send(asked(t, lifetime)), false)
	s.Users.Allow(func(authorizationv1.SubjectAccessReviewSpec) bool { return false })
	fakeshop.Refused(t, s.Send(asked(t, lifetime)), http.StatusForbidden, "you may not create orders there")
}

// TestReviewsUnavailable: if Kubernetes reviews no token or access, the answer is 503.
func TestReviewsUnavailable(t *testing.T) {
	s := newShop(t, readOnly(t), fakeshop.Order("mine"))
	for _, after := range []int{0, 1} { // at the token, and at the rights
		s.Users.AwayAfter(after, errUnreachable)
		fakeshop.Unavailable(t, s.Send(asked(t, lifetime)), "Kubernetes could not be asked: try again later.")
		s.Users.AwayAfter(after, errUnreachable)
		fakeshop.Unavailable(t, read(t, s, fakeshop.Backend, "mine"), "Kubernetes could not be asked: try again later.")
	}
	check.Equal(t, 4, strings.Count(s.Logged.String(), "connection refused"), "log messages")
	check.Lacks(t, s.Logged.String(), fakeshop.Backend)
}

// exhaust sends invalid tokens, as many as an address may.
func exhaust(t *testing.T, s *fakeshop.Shop, address string) {
	t.Helper()
	for i := range 10 {
		check.Equal(t, http.StatusUnauthorized, readFrom(t, s, address, fmt.Sprint("wrong-", i)).Code, "invalid token %d: status", i)
	}
}

// TestInvalidTokens: the invalid tokens of an address are limited. A token that was valid recently is not.
func TestInvalidTokens(t *testing.T) {
	const here, there = "192.0.2.1", "192.0.2.2"
	s := fakeshop.New(t, fakeshop.Options{Proxies: "10.0.0.1"}, fakeshop.Order("mine"))
	check.Equal(t, http.StatusOK, readFrom(t, s, here, fakeshop.Backend).Code, "status")
	exhaust(t, s, here)
	reviews := len(s.Users.Reviewed())
	for i, step := range []struct {
		passes         time.Duration
		address, token string
		want           int
	}{
		{0, here, "wrong", 429},
		{0, here, fakeshop.OtherUser, 429}, // is valid, but was not reviewed yet
		{0, here, fakeshop.Backend, 200},   // was valid before
		{0, there, "wrong", 401},
		{0, there, fakeshop.OtherUser, 404},
		{0, here, fakeshop.OtherUser, 404}, // was valid there
		{6 * time.Second, here, "wrong", 401},
		{0, here, "wrong", 429},
		{time.Hour, here, "wrong", 401},
	} {
		s.Clock.SetTime(s.Clock.Now().Add(step.passes))
		answer := readFrom(t, s, step.address, step.token)
		check.Equal(t, step.want, answer.Code, "step %d: status", i)
		if step.want == http.StatusTooManyRequests {
			fakeshop.Refused(t, answer, step.want, "Authorization: too many wrong tokens came from your network: try again later.")
			check.Equal(t, "6", answer.Header().Get("Retry-After"), "step %d: Retry-After", i)
		}
	}
	check.Equal(t, 6, len(s.Users.Reviewed())-reviews, "reviews")
	check.Equal(t, map[string]float64{"token": 3}, s.Limited(), "refusals by limit")
}

// TestConcurrentInvalidTokens: the reviews of concurrent invalid tokens are bounded. A token that was valid recently does not wait.
func TestConcurrentInvalidTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Order("mine"))
		read(t, s, fakeshop.Backend, "mine")
		s.Users.Take(time.Second)
		var crowd sync.WaitGroup
		for i := range 1000 {
			crowd.Go(func() { read(t, s, fmt.Sprint("wrong-", i), "mine") })
		}
		synctest.Wait()
		start := time.Now()
		check.Equal(t, http.StatusOK, read(t, s, fakeshop.Backend, "mine").Code, "status for a known token")
		wantTook(t, start, time.Second, 0)
		crowd.Wait()
		if n := len(s.Users.Reviewed()); n > 2+10+16 {
			t.Errorf("got %d reviews, want at most 28", n)
		}
	})
}

// TestUnknownTokenWaits: a token that is not known waits for its review, until the deadline.
func TestUnknownTokenWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakeshop.New(t, fakeshop.Options{Proxies: "10.0.0.1"}, fakeshop.Order("mine"))
		for takes, want := range map[time.Duration]int{time.Second: http.StatusOK, 20 * time.Second: http.StatusServiceUnavailable} {
			s.Users.Take(takes)
			var crowd sync.WaitGroup
			for i := range 16 {
				crowd.Go(func() { readFrom(t, s, fmt.Sprintf("192.0.2.%d", i), "wrong") })
			}
			synctest.Wait()
			check.Equal(t, want, readFrom(t, s, "192.0.2.100", fakeshop.Backend).Code, "reviews of %s: status", takes)
			crowd.Wait()
			s.Clock.SetTime(s.Clock.Now().Add(2 * time.Hour)) // no token was valid recently
		}
	})
}

// TestRevokedToken: a token that was valid and is revoked counts as an invalid one. A valid one is known for an hour.
func TestRevokedToken(t *testing.T) {
	for name, row := range map[string]struct {
		passes  time.Duration
		revoked bool
		want    []int
	}{
		"revoked":        {0, true, []int{401, 429}},
		"within an hour": {time.Hour - time.Second, false, []int{200}},
		"later":          {time.Hour + time.Second, false, []int{429}},
	} {
		s := fakeshop.New(t, fakeshop.Options{Proxies: "10.0.0.1"}, fakeshop.Order("mine"))
		readFrom(t, s, "192.0.2.1", fakeshop.Backend)
		s.Clock.SetTime(s.Clock.Now().Add(row.passes))
		exhaust(t, s, "192.0.2.1")
		if row.revoked {
			s.Users.Forget(fakeshop.Backend)
		}
		for _, want := range row.want {
			check.Equal(t, want, readFrom(t, s, "192.0.2.1", fakeshop.Backend).Code, "%s: status", name)
		}
	}
}
