package webhookserver_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	fakeauthentication "k8s.io/client-go/kubernetes/typed/authentication/v1/fake"
	fakeauthorization "k8s.io/client-go/kubernetes/typed/authorization/v1/fake"
	clientgotesting "k8s.io/client-go/testing"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/ledger"
	"github.com/paylink-dev/paylink/internal/metrics"
	"github.com/paylink-dev/paylink/internal/stripeapi"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/billing"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/visitor"
)

// opening says in what a store differs from one where all is well.
type opening struct {
	// appURL is the shop's address; empty: not known.
	appURL string
	// withoutCheckout leaves out what creates orders.
	withoutCheckout bool
	// trouble comes before the API server and the cache.
	trouble interceptor.Funcs
	// controller does its part to a new order; nil: the order becomes ready.
	controller func(*v1alpha1.Order)
	// tokens and rights are why Kubernetes does not review them.
	tokens, rights error
	// looks is how often a minute a payment may be asked for; 0: 60 times.
	looks int
	// limits changes the limits of the buy page.
	limits func(*checkout.Limits)
}

// store is the routes of shops and buyers over a fake API server. The test is Kubernetes, the controller and Stripe.
type store struct {
	t        testing.TB
	api      client.WithWatch
	clock    *testingclock.FakePassiveClock
	registry *prometheus.Registry
	shop     *webhookserver.Shop
	handler  http.Handler
	logged   *journal
}

// open opens a store that has the stock.
func open(t testing.TB, o opening) *store {
	t.Helper()
	s := &store{t: t, clock: testingclock.NewFakePassiveClock(now), registry: prometheus.NewRegistry(), logged: &journal{}}
	builder := fakeapi.Builder(t, stock()...)
	for _, index := range []func(context.Context, client.FieldIndexer) error{billing.Index, checkout.Index} {
		if err := index(t.Context(), fakeapi.Indexer{ClientBuilder: builder}); err != nil {
			t.Fatal(err)
		}
	}
	s.api = builder.Build()
	if o.trouble.Create == nil {
		o.trouble.Create = controlled(o.controller)
	}
	api, buyer := interceptor.NewClient(s.api, o.trouble), metrics.NewBuyer(s.registry)
	keeper := &ledger.Ledger{
		Cache: api, Live: api, Writer: api, EventNamespace: "paylink-system", Clock: s.clock, Metrics: metrics.NewLedger(prometheus.NewRegistry()),
	}
	visitors := &visitor.Addresses{Log: s.logged.logger()}
	appURL := s.parse(o.appURL)
	pages, err := page.New(appURL)
	if err != nil {
		t.Fatal(err)
	}
	looks := cmp.Or(o.looks, 60)
	s.shop = &webhookserver.Shop{AppURL: appURL, Metrics: buyer, Clock: s.clock, Billing: &billing.Desk{
		Orders: api, Pages: pages, Visitors: visitors, Looks: visitor.NewLimit(visitor.Rate{Events: looks, Per: time.Minute, Burst: looks}, s.clock),
		Stripe: billing.NewInquiries(stripeSays{}, buyer, s.clock, s.logged.logger()), Metrics: buyer, Log: s.logged.logger(),
	}}
	if !o.withoutCheckout {
		maker := checkout.NewMaker(api, api, api, nil, buyer, s.logged.logger())
		tokens, rights := kubernetes(o.tokens, o.rights)
		access := checkout.NewAccess(tokens.TokenReviews(), rights.SubjectAccessReviews(), visitors, buyer, s.clock, s.logged.logger())
		s.shop.API = &checkout.API{Access: access, Maker: maker, Orders: keeper}
		limits := checkout.DefaultLimits()
		if o.limits != nil {
			o.limits(&limits)
		}
		if s.shop.Counter, err = checkout.NewCounter(maker, pages, visitors, appURL, limits, s.clock); err != nil {
			t.Fatal(err)
		}
	}
	webhook := webhookserver.NewWebhook(&stripeapi.Verifier{Secrets: func() []stripeapi.Secret { return nil }, Clock: s.clock},
		keeper, metrics.NewWebhook(s.registry), s.clock, s.logged.logger())
	s.handler = (&webhookserver.Server{Webhook: webhook, Shop: s.shop, Log: s.logged.logger()}).Handler()
	return s
}

func (s *store) parse(address string) *url.URL {
	s.t.Helper()
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// controlled creates orders as the API server does, and then does the controller's part.
func controlled(controller func(*v1alpha1.Order)) func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
	return func(ctx context.Context, api client.WithWatch, o client.Object, options ...client.CreateOption) error {
		created := o.(*v1alpha1.Order)
		created.UID, created.CreationTimestamp = types.UID("5e0c-"+rand.String(8)), metav1.NewTime(now)
		if err := api.Create(ctx, created, options...); err != nil {
			return err
		}
		after := created.DeepCopy()
		after.Status.Phase = v1alpha1.OrderPending
		if controller == nil {
			controller = ready
		}
		controller(after)
		return api.Status().Update(ctx, after)
	}
}

// ready gives an order its checkout URL.
func ready(o *v1alpha1.Order) {
	o.Status.ClientReferenceID = o.ClientReferenceID()
	o.Status.CheckoutURL = "https://buy.stripe.com/lifetime?client_reference_id=" + o.ClientReferenceID()
}

// because makes a controller that says why an order will not be ready; an empty reason: one that is away.
func because(reason string) func(*v1alpha1.Order) {
	return func(o *v1alpha1.Order) {
		if reason != "" {
			o.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason}}
		}
	}
}

// The tokens that Kubernetes knows.
const (
	// backend may do anything with orders in the namespace shop.
	backend = "backend-token"
	// guest may do nothing.
	guest = "guest-token"
)

// kubernetes reviews tokens and rights, unless there is an error.
func kubernetes(noTokens, noRights error) (*fakeauthentication.FakeAuthenticationV1, *fakeauthorization.FakeAuthorizationV1) {
	var tokens, rights clientgotesting.Fake
	tokens.AddReactor("create", "tokenreviews", func(a clientgotesting.Action) (bool, runtime.Object, error) {
		review := a.(clientgotesting.CreateAction).GetObject().(*authenticationv1.TokenReview).DeepCopy()
		switch review.Spec.Token {
		case backend, guest:
			review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{Username: review.Spec.Token}}
		}
		return true, review, noTokens
	})
	rights.AddReactor("create", "subjectaccessreviews", func(a clientgotesting.Action) (bool, runtime.Object, error) {
		review := a.(clientgotesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview).DeepCopy()
		review.Status.Allowed = review.Spec.User == backend && review.Spec.ResourceAttributes.Namespace == "shop"
		return true, review, noRights
	})
	return &fakeauthentication.FakeAuthenticationV1{Fake: &tokens}, &fakeauthorization.FakeAuthorizationV1{Fake: &rights}
}

// call is one request of a client's.
type call struct {
	method, path string
	// token is sent as Authorization: Bearer.
	token string
	// body is sent as application/json, unless header says otherwise.
	body string
	// header is added; an empty value leaves a field out.
	header map[string]string
	// broken breaks the body off at its end.
	broken bool
}

// request is the call as it arrives.
func (c call) request(ctx context.Context) *http.Request {
	r := httptest.NewRequestWithContext(ctx, c.method, c.path, strings.NewReader(c.body))
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.header {
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
	if c.broken {
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(c.body), failingReader{}))
	}
	return r
}

// ask has the store answer a call.
func (s *store) ask(c call) *httptest.ResponseRecorder {
	s.t.Helper()
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, c.request(s.t.Context()))
	return answer
}
