package checkout

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"

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

// Authorizer authenticates callers by TokenReviews and authorizes them by SubjectAccessReviews. Kubernetes' users and its
// RBAC are the only accounts. The Authorizer caches no decision, so a revoked right or token has effect at once.
type Authorizer struct {
	TokenReviews  authenticationclient.TokenReviewInterface
	AccessReviews authorizationclient.SubjectAccessReviewInterface
	// Audiences are the accepted audiences of tokens. None: that of the API server.
	Audiences []string
	ClientIP  *clientip.Resolver
	Metrics   *metrics.Checkout

	// failures limits the invalid tokens of one client.
	failures *ratelimit.Limiter
	// inFlightReviews is a semaphore for reviews of tokens that can be invalid.
	inFlightReviews chan struct{}
	// knownGood has the hashes of tokens that were valid recently. They pass both limits. So another client with the same
	// address cannot lock their callers out.
	knownGood *cache.LRUExpireCache
}

// NewAuthorizer returns an Authorizer that accepts tokens of the API server's own audience.
func NewAuthorizer(tokens authenticationclient.TokenReviewInterface, access authorizationclient.SubjectAccessReviewInterface,
	clientIP *clientip.Resolver, m *metrics.Checkout, c clock.PassiveClock) *Authorizer {
	return &Authorizer{
		TokenReviews: tokens, AccessReviews: access, ClientIP: clientIP, Metrics: m,
		failures:        ratelimit.New(invalidTokens, c),
		inFlightReviews: make(chan struct{}, maxInFlightReviews),
		knownGood:       cache.NewLRUExpireCacheWithClock(maxKnownGood, c),
	}
}

// authenticate returns the user of the request's bearer token.
func (a *Authorizer) authenticate(ctx context.Context, r *http.Request) (authenticationv1.UserInfo, error) {
	var none authenticationv1.UserInfo
	scheme, token, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return none, problem.ForField(http.StatusUnauthorized, "Authorization",
			"is missing: send a Kubernetes token, as Authorization: Bearer TOKEN. kubectl create token SERVICEACCOUNT makes one.")
	}
	client, hash := a.ClientIP.Client(r), sha256.Sum256([]byte(token))
	if _, known := a.knownGood.Get(hash); !known {
		select { // before the count of failures, so that concurrent invalid tokens are bounded too
		case a.inFlightReviews <- struct{}{}:
			defer func() { <-a.inFlightReviews }()
		case <-ctx.Done():
			return none, unavailable(fmt.Errorf("wait to review a token: %w", ctx.Err()))
		}
		if wait := a.failures.Wait(client); wait > 0 {
			a.Metrics.Limited.WithLabelValues(metrics.LimitToken).Inc()
			return none, problem.ForField(http.StatusTooManyRequests, "Authorization", "too many wrong tokens came from your network: try again later.").WithRetryAfter(wait)
		}
	}
	review, err := a.TokenReviews.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: a.Audiences},
	}, metav1.CreateOptions{})
	if err != nil {
		return none, unavailable(fmt.Errorf("review token: %w", err))
	}
	if !review.Status.Authenticated || !a.accepts(review.Status.Audiences) {
		a.failures.Allow(client)
		a.knownGood.Remove(hash)
		return none, problem.ForField(http.StatusUnauthorized, "Authorization", "Kubernetes does not know this token, or it has expired, or it is meant for another audience.")
	}
	a.knownGood.Add(hash, nil, knownGoodTTL)
	return review.Status.User, nil
}

// accepts reports whether one of a token's audiences is accepted.
func (a *Authorizer) accepts(audiences []string) bool {
	return len(a.Audiences) == 0 || slices.ContainsFunc(audiences, func(s string) bool { return slices.Contains(a.Audiences, s) })
}

// allowed reports whether a user may perform a verb on an order of a namespace. The name is empty for create.
func (a *Authorizer) allowed(ctx context.Context, user authenticationv1.UserInfo, verb, namespace, name string) (bool, error) {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review, err := a.AccessReviews.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: v1alpha1.GroupName, Version: v1alpha1.GroupVersion.Version, Resource: "orders", Name: name,
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		return false, unavailable(fmt.Errorf("review access: %w", err))
	}
	return review.Status.Allowed, nil
}

// unavailable is the answer if the API server gives none.
func unavailable(cause error) error {
	return problem.Unavailable("Kubernetes could not be asked: try again later.", cause)
}
