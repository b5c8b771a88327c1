package checkout

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/webhookserver/clientip"
	"github.com/paylink-dev/paylink/webhookserver/problem"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// Access asks Kubernetes who calls, and what they may do: its users and its RBAC are all the accounts there are. It
// remembers no answer, so that what is taken away is gone at once.
type Access struct {
	// Tokens and Rights are Kubernetes'.
	Tokens authenticationclient.TokenReviewInterface
	Rights authorizationclient.SubjectAccessReviewInterface
	// Audiences are those of which a token must have one. None: the API server's own.
	Audiences []string
	// Visitors finds out where a call comes from.
	Visitors *clientip.Addresses
	Metrics  *metrics.Buyer
	Log      logr.Logger

	// wrong bounds the wrong tokens from one place, and strange the reviews at once of tokens that may be wrong. good holds
	// the hashes of tokens that were right a while ago: a stranger who shares their place must not keep them out.
	wrong   *ratelimit.Limit
	strange chan struct{}
	good    *cache.LRUExpireCache
}

// NewAccess returns an Access that takes tokens of the API server's own audience.
func NewAccess(tokens authenticationclient.TokenReviewInterface, rights authorizationclient.SubjectAccessReviewInterface,
	visitors *clientip.Addresses, m *metrics.Buyer, c clock.PassiveClock, log logr.Logger) *Access {
	return &Access{
		Tokens: tokens, Rights: rights, Visitors: visitors, Metrics: m, Log: log,
		wrong: ratelimit.NewLimit(wrongTokens, c), strange: make(chan struct{}, maxStrange), good: cache.NewLRUExpireCacheWithClock(goodTokensKept, c),
	}
}

// caller returns who the request's bearer token is of.
func (a *Access) caller(ctx context.Context, r *http.Request) (authenticationv1.UserInfo, *problem.Problem) {
	var nobody authenticationv1.UserInfo
	scheme, token, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nobody, problem.Of(http.StatusUnauthorized, "Authorization",
			"is missing: send a Kubernetes token, as Authorization: Bearer TOKEN. kubectl create token SERVICEACCOUNT makes one.")
	}
	who, hash := a.Visitors.Of(r), sha256.Sum256([]byte(token))
	if _, wasGood := a.good.Get(hash); !wasGood {
		select { // wait, so that a crowd of wrong ones is bounded before it is counted
		case a.strange <- struct{}{}:
			defer func() { <-a.strange }()
		case <-ctx.Done():
			return nobody, a.away(ctx.Err(), "Wait to review a token")
		}
		if wait := a.wrong.Spent(who); wait > 0 {
			a.Metrics.Limited.WithLabelValues(metrics.LimitToken).Inc()
			p := problem.Of(http.StatusTooManyRequests, "Authorization", "too many wrong tokens came from your network: try again later.")
			p.RetryAfter = wait
			return nobody, p
		}
	}
	review, err := a.Tokens.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: a.Audiences},
	}, metav1.CreateOptions{})
	if err != nil {
		return nobody, a.away(err, "Review a token")
	}
	if !review.Status.Authenticated || !a.meant(review.Status.Audiences) {
		a.wrong.Take(who)
		a.good.Remove(hash)
		return nobody, problem.Of(http.StatusUnauthorized, "Authorization", "Kubernetes does not know this token, or it has expired, or it is meant for another audience.")
	}
	a.good.Add(hash, nil, goodTokenTTL)
	return review.Status.User, nil
}

// meant reports whether a token is meant for one of the audiences.
func (a *Access) meant(audiences []string) bool {
	return len(a.Audiences) == 0 || slices.ContainsFunc(audiences, func(s string) bool { return slices.Contains(a.Audiences, s) })
}

// allowed reports whether a caller may do something with an order of a namespace. name is empty for create.
func (a *Access) allowed(ctx context.Context, user authenticationv1.UserInfo, verb, namespace, name string) (bool, *problem.Problem) {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review, err := a.Rights.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: v1alpha1.GroupName, Version: v1alpha1.GroupVersion.Version, Resource: "orders", Name: name,
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		return false, a.away(err, "Review a caller's rights")
	}
	return review.Status.Allowed, nil
}

// away is the answer where the API server does not give one.
func (a *Access) away(err error, what string) *problem.Problem {
	a.Log.Error(err, what)
	return tryAgain("Kubernetes could not be asked: try again later.", retryAfter)
}

// tryAgain is a problem that passes.
func tryAgain(detail string, after time.Duration) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, detail)
	p.RetryAfter = after
	return p
}
