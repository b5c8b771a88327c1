package client_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/utils/clock"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
	stripeclient "github.com/paylink-dev/paylink/internal/stripe/client"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// calls are those that a client makes: each by its operation and code, as it tells, and each that arrives.
type calls struct {
	mu            sync.Mutex
	told, arrived []string
}

func (c *calls) tell(operation, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, operation+" "+code)
}

func (c *calls) arrive(r *http.Request) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived = append(c.arrived, r.Method+" "+r.URL.String())
	return 0
}

// must says which calls there have been since it was asked last.
func (c *calls) must(t *testing.T, told, arrived []string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(told, c.told); diff != "" {
		t.Errorf("told: %s", diff)
	}
	if diff := cmp.Diff(arrived, c.arrived); diff != "" {
		t.Errorf("arrived: %s", diff)
	}
	c.told, c.arrived = nil, nil
}

// newClient is a client of the API at an address.
func newClient(t *testing.T, key credentials.Secret, base string, timeout time.Duration) (*stripeclient.Client, *calls) {
	t.Helper()
	return clientOf(t, string(key), stripeclient.Options{Base: base, Timeout: timeout})
}

// clientOf is a client with one or several keys. It tells of its calls, and does not pause before it tries again.
func clientOf(t *testing.T, keys string, o stripeclient.Options) (*stripeclient.Client, *calls) {
	t.Helper()
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	made := &calls{}
	var err error
	if o.Keys, err = credentials.NewKeys(keys, clock.RealClock{}, logr.Discard()); err != nil {
		t.Fatal(err)
	}
	o.Observe = made.tell
	client := stripeclient.New(o)
	client.Hasten()
	return client, made
}

// newSimulator is a Stripe with a link that sells for 199.00 USD, in either mode.
func newSimulator(t *testing.T, live bool) (*stripesim.Simulator, stripesim.PaymentLink) {
	t.Helper()
	sim := startSimulator(t, stripesim.Options{})
	return sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 19900, Currency: "usd", Livemode: live})
}

// startSimulator is a Stripe until the test ends.
func startSimulator(t *testing.T, o stripesim.Options) *stripesim.Simulator {
	t.Helper()
	sim, err := stripesim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return sim
}

// factOf is what a session of a simulator's states.
func factOf(s stripesim.Session, outcome v1alpha1.Outcome) payment.Fact {
	return payment.Fact{
		EventID: s.ID + ":" + string(outcome), Created: metav1.NewTime(s.Created.UTC().Truncate(time.Second)),
		Type: "checkout.session.completed", Livemode: s.Livemode, ClientReferenceID: "order-1", PaymentIntentID: s.PaymentIntent,
		Session: &v1alpha1.SessionFact{
			ID: s.ID, Outcome: outcome, Amount: 19900, Currency: "usd", PaymentLinkID: s.PaymentLink, Created: metav1.NewTime(s.Created.UTC().Truncate(time.Second)),
		},
	}
}

// TestSession asks for a session in each state that it can be in. One call is made for each, which is told once.
func TestSession(t *testing.T) {
	card := func(t *testing.T, sim *stripesim.Simulator, url string) stripesim.Session {
		t.Helper()
		return unless(t)(sim.Buyer().Pay(t.Context(), url, stripesim.Card4242))
	}
	debit := func(t *testing.T, sim *stripesim.Simulator, url string) stripesim.Session {
		t.Helper()
		return unless(t)(sim.Buyer().PayByDebit(t.Context(), url))
	}
	visit := func(t *testing.T, sim *stripesim.Simulator, url string) stripesim.Session {
		t.Helper()
		return unless(t)(sim.Buyer().Visit(t.Context(), url))
	}
	for name, row := range map[string]struct {
		live    bool
		buy     func(*testing.T, *stripesim.Simulator, string) stripesim.Session
		status  string
		outcome v1alpha1.Outcome
	}{
		"paid":           {false, card, stripeclient.SessionComplete, v1alpha1.OutcomePaid},
		"paid, for real": {true, card, stripeclient.SessionComplete, v1alpha1.OutcomePaid},
		"under way":      {false, debit, stripeclient.SessionComplete, v1alpha1.OutcomeUnpaid},
		"arrived": {false, func(t *testing.T, sim *stripesim.Simulator, url string) stripesim.Session {
			t.Helper()
			s := debit(t, sim, url)
			if err := sim.SettleDebit(s.ID, true); err != nil {
				t.Fatal(err)
			}
			return s
		}, stripeclient.SessionComplete, v1alpha1.OutcomePaid},
		"open": {false, visit, stripeclient.SessionOpen, v1alpha1.OutcomeUnpaid},
		"card declined": {false, func(t *testing.T, sim *stripesim.Simulator, url string) stripesim.Session {
			t.Helper()
			s, err := sim.Buyer().Pay(t.Context(), url, stripesim.CardDeclined)
			var declined *stripesim.DeclinedError
			if !errors.As(err, &declined) {
				t.Fatal(err)
			}
			return s
		}, stripeclient.SessionOpen, v1alpha1.OutcomeUnpaid},
		"expired": {false, func(t *testing.T, sim *stripesim.Simulator, url string) stripesim.Session {
			t.Helper()
			s := visit(t, sim, url)
			if err := sim.ExpireSession(s.ID); err != nil {
				t.Fatal(err)
			}
			return s
		}, stripeclient.SessionExpired, v1alpha1.OutcomeUnpaid},
	} {
		t.Run(name, func(t *testing.T) {
			sim, link := newSimulator(t, row.live)
			session := row.buy(t, sim, link.URL+"?client_reference_id=order-1")
			key := credentials.Secret(stripesim.TestKey)
			if row.live {
				key = stripesim.LiveKey
			}
			client, made := newClient(t, key, sim.URL(), 10*time.Second)
			sim.DisturbAPI(made.arrive)
			got, err := client.Session(t.Context(), session.ID)
			if err != nil {
				t.Fatal(err)
			}
			want := stripeclient.Session{Status: row.status, Fact: factOf(session, row.outcome)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			made.must(t, []string{"checkout.sessions.retrieve 200"}, []string{"GET /v1/checkout/sessions/" + session.ID})
		})
	}
}

// unless fails the test unless a buyer got as far as was meant.
func unless(t *testing.T) func(stripesim.Session, error) stripesim.Session {
	return func(s stripesim.Session, err error) stripesim.Session {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// TestOtherMode: a session that the key cannot see is not asked for.
func TestOtherMode(t *testing.T) {
	for key, id := range map[credentials.Secret]string{
		"sk_test_1": "cs_live_a1", "rk_test_1": "cs_live_a1", "sk_live_1": "cs_test_a1", "rk_live_1": "cs_test_a1",
		"rk_test__live_1": "cs_live_a1", // the mode is where it stands, not wherever the word is
	} {
		sim, _ := newSimulator(t, false)
		client, made := newClient(t, key, sim.URL(), 10*time.Second)
		sim.DisturbAPI(made.arrive)
		if _, err := client.Session(t.Context(), id); !errors.Is(err, stripeclient.ErrOtherMode) || client.Sees(id) {
			t.Errorf("%s: %v", string(key), err)
		}
		if own := strings.NewReplacer("test", "live", "live", "test").Replace(id); !client.Sees(own) {
			t.Errorf("%s does not see %s", string(key), own)
		}
		made.must(t, nil, nil)
	}
}

// TestNoSuchSession: what Stripe does not know is not there, whatever the mode.
func TestNoSuchSession(t *testing.T) {
	for key, id := range map[credentials.Secret]string{stripesim.TestKey: "cs_test_a1", stripesim.LiveKey: "cs_live_a1"} {
		sim, _ := newSimulator(t, false)
		client, made := newClient(t, key, sim.URL(), 10*time.Second)
		sim.DisturbAPI(made.arrive)
		if _, err := client.Session(t.Context(), id); !errors.Is(err, stripeclient.ErrNoSuchObject) || errors.Is(err, stripeclient.ErrCallFailed) {
			t.Errorf("%s: %v", string(key), err)
		}
		made.must(t, []string{"checkout.sessions.retrieve 404"}, []string{"GET /v1/checkout/sessions/" + id})
	}
}
