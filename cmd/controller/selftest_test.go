package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/fakeapi"
)

const selfTestSecret = "whsec_selftest"

// installation is what a self-test tries: a controller that makes orders Ready, and a webhook server.
type installation struct {
	t   *testing.T
	api client.WithWatch
	// controls says that the controller runs, and settles that the webhook server writes what it takes.
	controls, settles bool
	// starts is how many orders the API server refuses, having just started.
	starts int
	// answers are those of the webhook server before it takes the event.
	answers []int
	secrets []credentials.NamedSecret
	calls   atomic.Int32
}

func (i *installation) start() *httptest.Server {
	i.api = fakeapi.Builder(i.t).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			if i.starts > 0 {
				i.starts--
				return apierrors.NewServiceUnavailable("the policies are not there yet")
			}
			o.SetUID("4f1c9a")
			o.SetName(o.GetGenerateName() + "x")
			if err := c.Create(ctx, o, options...); err != nil || !i.controls {
				return err
			}
			order := o.DeepCopyObject().(*v1alpha1.Order)
			order.Status.ClientReferenceID = string(order.UID)
			return c.Status().Update(ctx, with(order, v1alpha1.ConditionReady))
		},
	}).Build()
	server := httptest.NewServer(i)
	i.t.Cleanup(server.Close)
	return server
}

func with(order *v1alpha1.Order, condition string) *v1alpha1.Order {
	order.Status.Conditions = append(order.Status.Conditions, metav1.Condition{
		Type: condition, Status: metav1.ConditionTrue, Reason: condition, LastTransitionTime: metav1.Now(),
	})
	return order
}

// ServeHTTP verifies and reads an event as the webhook server does, and pays the order that it names.
func (i *installation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if call := int(i.calls.Add(1)); call <= len(i.answers) {
		w.WriteHeader(i.answers[call-1])
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
		i.t.Errorf("the event is %+v, %v", event, err)
	}
	var orders v1alpha1.OrderList
	if err := i.api.List(r.Context(), &orders); err != nil || len(orders.Items) != 1 {
		i.t.Errorf("there are %d orders, %v", len(orders.Items), err)
		return
	}
	if i.settles {
		if err := i.api.Status().Update(r.Context(), with(&orders.Items[0], v1alpha1.ConditionPaid)); err != nil {
			i.t.Error(err)
		}
	}
}

// TestSelfTest says what is wrong with an installation, and leaves no order behind whatever that is.
func TestSelfTest(t *testing.T) {
	same := []credentials.NamedSecret{{Name: "first", Secret: selfTestSecret}}
	other := []credentials.NamedSecret{{Name: "first", Secret: "whsec_other"}}
	for name, row := range map[string]struct {
		i    *installation
		want string // of the error; empty: none
	}{
		"all is well":                     {&installation{controls: true, settles: true, secrets: same}, ""},
		"the server is busy at first":     {&installation{controls: true, settles: true, secrets: same, answers: []int{503, 503}}, ""},
		"the API server has just started": {&installation{controls: true, settles: true, secrets: same, starts: 2}, ""},
		"it does not come up":             {&installation{controls: true, settles: true, secrets: same, starts: 1000}, "create an order: the policies are not there yet"},
		"no controller":                   {&installation{settles: true, secrets: same}, "did not become Ready: does a controller run"},
		"another secret":                  {&installation{controls: true, settles: true, secrets: other}, "it refused the signature"},
		"another server":                  {&installation{controls: true, answers: []int{404}}, "it answers 404: is http://"},
		"a server in trouble":             {&installation{controls: true, answers: slices.Repeat([]int{503}, 1000)}, "it answers 503"},
		"nothing is written":              {&installation{controls: true, secrets: same}, "did not become Paid: does the webhook server watch this namespace? Its phase is"},
	} {
		t.Run(name, func(t *testing.T) {
			i := row.i
			i.t = t
			server := i.start()
			var out strings.Builder
			test := &selfTest{
				URL: server.URL, Namespace: "shop", Timeout: 30 * time.Second, API: i.api, Clock: clock.RealClock{}, Out: &out,
				Secrets: []credentials.NamedSecret{{Name: "first", Secret: selfTestSecret}, {Name: "second", Secret: "whsec_second"}},
			}
			if row.want != "" && row.want != "it refused the signature" {
				test.Timeout = time.Second // which is all waited for
			}
			err := test.Run(t.Context())
			if row.want == "" && (err != nil || !strings.HasSuffix(out.String(), "the order is Paid\n")) {
				t.Errorf("it says %q, and fails: %v", out.String(), err)
			}
			if row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("it fails by %v, not by %q", err, row.want)
			}
			var orders v1alpha1.OrderList
			if err := i.api.List(t.Context(), &orders); err != nil || len(orders.Items) != 0 {
				t.Errorf("%d orders are left behind, %v", len(orders.Items), err)
			}
		})
	}
}

// TestSelfTestRefusesToStart with one line that says what to do.
func TestSelfTestRefusesToStart(t *testing.T) {
	secrets, empty := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(secrets, "first"), []byte(selfTestSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	there := []string{"--url=http://localhost", "--namespace=shop"}
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"nothing said": {nil, "selftest needs --url, --namespace and --stripe-webhook-secret-dir"},
		"a stray word": {append(there, "--stripe-webhook-secret-dir="+secrets, "now"), "takes nothing but flags"},
		"no secret":    {append(there, "--stripe-webhook-secret-dir="+empty), "--stripe-webhook-secret-dir: folder"},
		"no cluster":   {append(there, "--stripe-webhook-secret-dir="+secrets), "find the cluster: "},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := program.Run(t, nil, append([]string{"selftest"}, row.args...)...)
			if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "controller: ") || !strings.Contains(stderr, row.want) {
				t.Errorf("exits %d, prints %q and %q, which does not say %q", code, stdout, stderr, row.want)
			}
		})
	}
}
