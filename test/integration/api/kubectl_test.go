package api_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/test/check"
)

// shop makes a namespace of the test's own and returns its name.
func shop(t *testing.T) string {
	t.Helper()
	return created(t, `{apiVersion: v1, kind: Namespace, metadata: {generateName: shop-}}`, `{}`).GetName()
}

// kubectl runs the real one in the namespace and returns what it printed.
func kubectl(t *testing.T, namespace string, args ...string) string {
	t.Helper()
	out, err := tryKubectl(t, namespace, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryKubectl(t *testing.T, namespace string, args ...string) (string, error) {
	t.Helper()
	if shared.Kubectl() == "" {
		t.Fatal("no kubectl: install it, or unset KUBECONFIG to have the cluster and kubectl built")
	}
	args = append([]string{"--kubeconfig", shared.Kubeconfig(), "--cache-dir", filepath.Join(shared.Dir(), "kubectl"), "--namespace", namespace}, args...)
	out, err := exec.CommandContext(t.Context(), shared.Kubectl(), args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// named creates an object by name in the namespace, with a status.
func named(t *testing.T, manifest, namespace, name, change, status string) {
	t.Helper()
	manifest = strings.NewReplacer("namespace: default", "namespace: "+namespace, "generateName: case-", "name: "+name).Replace(manifest)
	withStatus(t, manifest, change, status)
}

const (
	paidOrder = `{status: {phase: Paid, clientReferenceId: ref-1, total: 199.00 USD, providerOrderId: cs_1, providerCaptureId: pi_1,
	  amountRefunded: 500, paidAt: "2026-01-02T03:04:05Z", conditions: [
	    {type: Ready, status: "True", reason: CheckoutReady, message: "", lastTransitionTime: "2026-01-02T03:04:05Z"},
	    {type: NeedsAttention, status: "True", reason: Disputed, message: "", lastTransitionTime: "2026-01-02T03:04:05Z"}]}}`
	readyLink = `{status: {url: "https://buy.stripe.com/abc123", paymentLinkId: plink_1, price: 199.00 USD, conditions: [
	    {type: Ready, status: "True", reason: LinkAvailable, message: "", lastTransitionTime: "2026-01-02T03:04:05Z"}]}}`
	appliedEvent = `{status: {phase: Applied, message: Done., orderRef: {namespace: shop, name: lifetime-1}}}`
)

var (
	twoSpaces = regexp.MustCompile(`\s{2,}`)
	age       = regexp.MustCompile(`^\d+[smh]$`)
)

// columns splits a table of kubectl's whose cells are all filled; an age is only looked at for being one.
func columns(table string) (rows [][]string) {
	for _, line := range strings.Split(table, "\n") {
		cells := twoSpaces.Split(strings.TrimSpace(line), -1)
		for i, cell := range cells {
			if age.MatchString(cell) {
				cells[i] = "(age)"
			}
		}
		rows = append(rows, cells)
	}
	return rows
}

func TestKubectlColumns(t *testing.T) {
	ns := shop(t)
	named(t, order, ns, "lifetime-1", `{}`, paidOrder)
	named(t, paymentLink, ns, "lifetime", `{}`, readyLink)
	named(t, stripeEvent, ns, "evt-1", `{}`, appliedEvent)
	for command, want := range map[string][][]string{
		"get orders.payments.paylink.dev": {
			{"NAME", "PHASE", "PRODUCT", "TOTAL", "PAID-AT", "LIVE", "AGE"},
			{"lifetime-1", "Paid", "lifetime", "199.00 USD", "2026-01-02T03:04:05Z", "true", "(age)"}},
		"get orders.payments.paylink.dev -o wide": {
			{"NAME", "PHASE", "PRODUCT", "TOTAL", "PAID-AT", "LIVE", "AGE", "READY", "ATTENTION", "REFUNDED", "REFERENCE", "SESSION", "PAYMENT"},
			{"lifetime-1", "Paid", "lifetime", "199.00 USD", "2026-01-02T03:04:05Z", "true", "(age)", "True", "Disputed", "500", "ref-1", "cs_1", "pi_1"}},
		"get paymentlinks.payments.paylink.dev": {
			{"NAME", "READY", "PRODUCT", "PRICE", "LIVE", "URL", "AGE"},
			{"lifetime", "True", "lifetime", "199.00 USD", "true", "https://buy.stripe.com/abc123", "(age)"}},
		"get paymentlinks.payments.paylink.dev -o wide": {
			{"NAME", "READY", "PRODUCT", "PRICE", "LIVE", "URL", "AGE", "LINK-ID", "REASON"},
			{"lifetime", "True", "lifetime", "199.00 USD", "true", "https://buy.stripe.com/abc123", "(age)", "plink_1", "LinkAvailable"}},
		"get stripeevents.payments.paylink.dev": {
			{"NAME", "PHASE", "TYPE", "REFERENCE", "PAYMENT", "LIVE", "AGE"},
			{"evt-1", "Applied", "checkout.session.completed", "order-1", "pi_1", "true", "(age)"}},
		"get stripeevents.payments.paylink.dev -o wide": {
			{"NAME", "PHASE", "TYPE", "REFERENCE", "PAYMENT", "LIVE", "AGE", "EVENT", "ORDER", "MESSAGE"},
			{"evt-1", "Applied", "checkout.session.completed", "order-1", "pi_1", "true", "(age)", "evt_1", "lifetime-1", "Done."}},
	} {
		t.Run(command, func(t *testing.T) {
			check.Equal(t, want, columns(kubectl(t, ns, strings.Fields(command)...)), "columns")
		})
	}
}

// orderFile is the path of an order named mine, in no namespace, with a change.
func orderFile(t *testing.T, change string) string {
	t.Helper()
	mine := merge(read(t, order), read(t, `{metadata: {generateName: null, name: mine, namespace: null}}`))
	content, err := yaml.Marshal(merge(mine, read(t, change)))
	check.Must(t, err)
	path := filepath.Join(t.TempDir(), "order.yaml")
	check.Must(t, os.WriteFile(path, content, 0o600))
	return path
}

// TestKubectlSeesPendingAtOnce: an Order that no controller has seen yet already says where it stands.
func TestKubectlSeesPendingAtOnce(t *testing.T) {
	ns := shop(t)
	if got := kubectl(t, ns, "create", "-f", orderFile(t, `{}`), "-o", "jsonpath={.status.phase} {.spec.livemode} {.spec.provider}"); got != "Pending true stripe" {
		t.Errorf("kubectl create answers %q, want Pending true stripe", got)
	}
	lines := strings.Split(kubectl(t, ns, "get", "payorder"), "\n")
	if len(lines) != 2 || strings.Fields(lines[1])[1] != "Pending" {
		t.Errorf("kubectl get says\n%s", strings.Join(lines, "\n"))
	}
}

// TestKubectlNames types every name that a user may use. cert-manager has Orders in the same namespace; only ours may
// come up.
func TestKubectlNames(t *testing.T) {
	ns := shop(t)
	named(t, order, ns, "lifetime-1", `{}`, `{}`)
	named(t, paymentLink, ns, "lifetime", `{}`, `{}`)
	named(t, stripeEvent, ns, "evt-1", `{}`, `{}`)
	created(t, `{apiVersion: acme.cert-manager.io/v1, kind: Order, metadata: {name: certificate-1, namespace: `+ns+`}}`, `{}`)

	const ourOrder, ourLink, ourEvent = "order.payments.paylink.dev/lifetime-1", "paymentlink.payments.paylink.dev/lifetime", "stripeevent.payments.paylink.dev/evt-1"
	for typed, want := range map[string]string{
		"orders.payments.paylink.dev":                    ourOrder,
		"order.payments.paylink.dev":                     ourOrder,
		"orders.v1alpha1.payments.paylink.dev":           ourOrder,
		"order.v1alpha1.payments.paylink.dev/lifetime-1": ourOrder,
		"payorder":                          ourOrder,
		"payorder/lifetime-1":               ourOrder,
		"paymentlinks":                      ourLink,
		"paymentlink":                       ourLink,
		"paymentlink/lifetime":              ourLink,
		"paymentlinks.payments.paylink.dev": ourLink,
		"stripeevents":                      ourEvent,
		"stripeevent":                       ourEvent,
		"stripeevent/evt-1":                 ourEvent,
		"orders.acme.cert-manager.io":       "order.acme.cert-manager.io/certificate-1",
	} {
		t.Run(typed, func(t *testing.T) {
			if got := kubectl(t, ns, "get", typed, "-o", "name"); got != want {
				t.Errorf("kubectl get %s finds %q, want %s", typed, got, want)
			}
		})
	}
}

// TestKubectlCategory: "kubectl get paylink" shows all that is ours. No kind has the category's name as its short name, so
// that nobody deletes orders who means PaymentLinks.
func TestKubectlCategory(t *testing.T) {
	ns := shop(t)
	named(t, order, ns, "lifetime", `{}`, `{}`)
	named(t, paymentLink, ns, "lifetime", `{}`, `{}`)
	named(t, stripeEvent, ns, "evt-1", `{}`, `{}`)
	created(t, `{apiVersion: acme.cert-manager.io/v1, kind: Order, metadata: {name: certificate-1, namespace: `+ns+`}}`, `{}`)

	got := strings.Fields(kubectl(t, ns, "get", "paylink", "-o", "name"))
	slices.Sort(got)
	want := []string{"order.payments.paylink.dev/lifetime", "paymentlink.payments.paylink.dev/lifetime", "stripeevent.payments.paylink.dev/evt-1"}
	check.Equal(t, want, got, "kubectl get paylink")
	if out, err := tryKubectl(t, ns, "get", "paylink/lifetime", "-o", "name"); err == nil {
		t.Errorf("kubectl get paylink/lifetime finds %s", out)
	}
}

// TestKubectlFieldSelectors: an Order is found by any of the ids that a person may hold in hand.
func TestKubectlFieldSelectors(t *testing.T) {
	ns := shop(t)
	named(t, order, ns, "paid", `{spec: {orderId: mine-1}}`, paidOrder)
	named(t, order, ns, "other", `{spec: {orderId: mine-2}}`, `{status: {clientReferenceId: ref-2, providerCaptureId: pi_2}}`)
	named(t, order, ns, "new", `{}`, `{}`)
	name := func(s string) string { return "order.payments.paylink.dev/" + s }
	for selector, want := range map[string]string{
		"spec.orderId=mine-1":                                name("paid"),
		"status.clientReferenceId=ref-2":                     name("other"),
		"status.providerCaptureId=pi_1":                      name("paid"),
		"status.providerCaptureId=pi_9":                      "",
		"spec.orderId=":                                      name("new"),
		"spec.orderId=mine-2,status.clientReferenceId=ref-2": name("other"),
		"spec.orderId=mine-2,status.clientReferenceId=ref-1": "",
		"status.providerCaptureId!=pi_1,spec.orderId!=":      name("other"),
	} {
		t.Run(selector, func(t *testing.T) {
			if got := kubectl(t, ns, "get", "orders.payments.paylink.dev", "--field-selector", selector, "-o", "name"); got != want {
				t.Errorf("finds %q, want %q", got, want)
			}
		})
	}
}

// TestKubectlExplain: every field of ours explains itself.
func TestKubectlExplain(t *testing.T) {
	for field, words := range map[string]string{
		"spec.amount":                          "minor units",
		"spec.expiresAfter":                    "Failed",
		"status.phase":                         "Refunded",
		"status.payments.fullyRefunded":        "back in full",
		"status.payments.disputes.status":      "needs_response",
		"status.payments.failedRefunds.id":     "re_",
		"status.conditions.lastTransitionTime": "last time",
	} {
		if got := kubectl(t, "default", "explain", "orders."+field, "--api-version", "payments.paylink.dev/v1alpha1"); !strings.Contains(got, words) {
			t.Errorf("%s explains itself without %q:\n%s", field, words, got)
		}
	}
}
