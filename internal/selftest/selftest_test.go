package selftest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/selftest"
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

const secret = "whsec_selftest"

// installation is a fake of an installation: an API server with a controller, and a webhook server.
type installation struct {
	t   *testing.T
	api client.WithWatch
	// controls means that a controller makes orders Ready, and settles that the webhook server writes accepted payments.
	controls, settles bool
	// unavailable is the number of creates that the API server refuses after its start.
	unavailable int
	// failures are the statuses of the webhook server before it accepts the event.
	failures []int
	secrets  []credentials.NamedSecret
	calls    atomic.Int32
}

func (i *installation) start() *httptest.Server {
	i.api = fakeapi.Builder(i.t).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			if i.unavailable > 0 {
				i.unavailable--
				return apierrors.NewServiceUnavailable("the policies are not there yet")
			}
			o.SetUID("4f1c9a")
			o.SetName(o.GetGenerateName() + "x")
			if err := c.Create(ctx, o, options...); err != nil || !i.controls {
				return err
			}
			order := o.DeepCopyObject().(*v1alpha1.Order)
			order.Status.ClientReferenceID = string(order.UID)
			return c.Status().Update(ctx, withCondition(order, v1alpha1.ConditionReady))
		},
	}).Build()
	server := httptest.NewServer(i)
	i.t.Cleanup(server.Close)
	return server
}

func withCondition(order *v1alpha1.Order, condition string) *v1alpha1.Order {
	order.Status.Conditions = append(order.Status.Conditions, metav1.Condition{
		Type: condition, Status: metav1.ConditionTrue, Reason: condition, LastTransitionTime: metav1.Now(),
	})
	return order
}

// ServeHTTP is the webhook server: it verifies an event and pays the order in it.
func (i *installation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if call := int(i.calls.Add(1)); call <= len(i.failures) {
		w.WriteHeader(i.failures[call-1])
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		i.t.Error(err)
	}
	verifier := &webhook.Verifier{Secrets: credentials.NewSigningSecrets(i.secrets), Clock: clock.RealClock{}}
	if verifier.Verify(body, r.Header.Get("Stripe-Signature")) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	event, err := webhook.Decode(body)
	if err != nil || event.Fact == nil || event.Livemode || event.Fact.ClientReferenceID != "4f1c9a" {
		i.t.Errorf("got event %+v and error %v, want a payment of order 4f1c9a in test mode", event, err)
	}
	var orders v1alpha1.OrderList
	if err := i.api.List(r.Context(), &orders); err != nil || len(orders.Items) != 1 {
		i.t.Errorf("got %d orders and error %v, want 1", len(orders.Items), err)
		return
	}
	if i.settles {
		if err := i.api.Status().Update(r.Context(), withCondition(&orders.Items[0], v1alpha1.ConditionPaid)); err != nil {
			i.t.Error(err)
		}
	}
}

// TestRun: the error says what is wrong with an installation, and no order is left behind.
func TestRun(t *testing.T) {
	same := []credentials.NamedSecret{{Name: "first", Secret: secret}}
	other := []credentials.NamedSecret{{Name: "first", Secret: "whsec_other"}}
	for name, row := range map[string]struct {
		i    *installation
		want string // of the error; empty: none
	}{
		"all is well":                     {&installation{controls: true, settles: true, secrets: same}, ""},
		"the server is busy at first":     {&installation{controls: true, settles: true, secrets: same, failures: []int{503, 503}}, ""},
		"the API server has just started": {&installation{controls: true, settles: true, secrets: same, unavailable: 2}, ""},
		"it does not come up":             {&installation{controls: true, settles: true, secrets: same, unavailable: 1000}, "create an order: the policies are not there yet"},
		"no controller":                   {&installation{settles: true, secrets: same}, "did not become Ready: does a controller run"},
		"another secret":                  {&installation{controls: true, settles: true, secrets: other}, "it refused the signature"},
		"another server":                  {&installation{controls: true, failures: []int{404}}, "it answers 404: is http://"},
		"a server in trouble":             {&installation{controls: true, failures: slices.Repeat([]int{503}, 1000)}, "it answers 503"},
		"nothing is written":              {&installation{controls: true, secrets: same}, "did not become Paid: does the webhook server watch this namespace? Its phase is"},
	} {
		t.Run(name, func(t *testing.T) {
			i := row.i
			i.t = t
			server := i.start()
			var out strings.Builder
			options := selftest.Options{
				URL: server.URL, Namespace: "shop", Timeout: 30 * time.Second, Client: i.api, Clock: clock.RealClock{}, Out: &out,
				Secrets: []credentials.NamedSecret{{Name: "first", Secret: secret}, {Name: "second", Secret: "whsec_second"}},
			}
			if row.want != "" && row.want != "it refused the signature" {
				options.Timeout = time.Second // the test waits all of it
			}
			err := selftest.Run(t.Context(), options)
			if row.want == "" && (err != nil || !strings.HasSuffix(out.String(), "the order is Paid\n")) {
				t.Errorf("got output %q and error %v, want a Paid order", out.String(), err)
			}
			if row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("got error %v, want %q", err, row.want)
			}
			var orders v1alpha1.OrderList
			if err := i.api.List(t.Context(), &orders); err != nil || len(orders.Items) != 0 {
				t.Errorf("got %d orders and error %v after the test, want none", len(orders.Items), err)
			}
		})
	}
}
