package fakeshop

import (
	"context"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

// The tokens of two users. Backend may create and get orders in the namespace shop; OtherUser has no rights.
const (
	Backend   = "token-of-backend"
	OtherUser = "token-of-stranger"
)

// Users are the users of the API server, and their rights.
type Users struct {
	mu sync.Mutex
	// known are the users by token, and audiences the audiences of each token.
	known     map[string]authenticationv1.UserInfo
	audiences map[string][]string
	allow     func(authorizationv1.SubjectAccessReviewSpec) bool
	away      error
	patience  int
	takes     time.Duration

	reviewed []authenticationv1.TokenReviewSpec
	asked    []authorizationv1.SubjectAccessReviewSpec
}

func newUsers() *Users {
	return &Users{
		known: map[string]authenticationv1.UserInfo{
			Backend: {
				Username: "system:serviceaccount:shop:backend", UID: "b1", Groups: []string{"system:serviceaccounts", "system:authenticated"},
				Extra: map[string]authenticationv1.ExtraValue{"authentication.kubernetes.io/pod-name": {"backend-1"}},
			},
			OtherUser: {Username: "system:serviceaccount:annex:stranger", UID: "s1"},
		},
		audiences: map[string][]string{},
		allow: func(spec authorizationv1.SubjectAccessReviewSpec) bool {
			return spec.User == "system:serviceaccount:shop:backend" && spec.ResourceAttributes.Namespace == "shop"
		},
	}
}

// Allow sets the rule by which rights are reviewed.
func (u *Users) Allow(rule func(authorizationv1.SubjectAccessReviewSpec) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.allow = rule
}

// Know adds a token of a user, for these audiences.
func (u *Users) Know(token string, user authenticationv1.UserInfo, audiences ...string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.known[token], u.audiences[token] = user, audiences
}

// Of returns the user of a token.
func (u *Users) Of(token string) authenticationv1.UserInfo {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known[token]
}

// Forget removes a token.
func (u *Users) Forget(token string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.known, token)
}

// AwayAfter fails every review after the first ones.
func (u *Users) AwayAfter(questions int, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.patience, u.away = questions, err
}

// Take sets the duration of a review of a token.
func (u *Users) Take(d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.takes = d
}

// failure is the error of a review. The caller holds the lock.
func (u *Users) failure() error {
	if u.patience--; u.patience >= 0 {
		return nil
	}
	return u.away
}

// Reviewed are the reviews of tokens.
func (u *Users) Reviewed() []authenticationv1.TokenReviewSpec {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.reviewed
}

// Asked are the reviews of rights.
func (u *Users) Asked() []authorizationv1.SubjectAccessReviewSpec {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked
}

type tokens struct {
	authenticationclient.TokenReviewInterface
	*Users
}

func (t tokens) Create(ctx context.Context, review *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	t.mu.Lock()
	takes := t.takes
	t.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reviewed = append(t.reviewed, review.Spec)
	if err := t.failure(); err != nil {
		return nil, err
	}
	user, known := t.known[review.Spec.Token]
	answer := review.DeepCopy()
	answer.Status = authenticationv1.TokenReviewStatus{Authenticated: known, User: user, Audiences: t.audiences[review.Spec.Token]}
	return answer, nil
}

type rights struct {
	authorizationclient.SubjectAccessReviewInterface
	*Users
}

func (r rights) Create(_ context.Context, review *authorizationv1.SubjectAccessReview, _ metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, review.Spec)
	if err := r.failure(); err != nil {
		return nil, err
	}
	answer := review.DeepCopy()
	answer.Status.Allowed = r.allow(review.Spec)
	return answer, nil
}
