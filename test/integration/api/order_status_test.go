package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
)

const settledStays = "an Order that was Paid or Refunded never goes back to Pending or Failed, and its status cannot be wiped: record what happened to the money at Stripe instead"

// statusWays are the ways to write a status that has one field in it, the phase.
var statusWays = map[string]func(t *testing.T, o *unstructured.Unstructured, phase string) error{
	"merge patch": func(t *testing.T, o *unstructured.Unstructured, phase string) error {
		return patchStatus(t, o, types.MergePatchType, `{status: {phase: `+phase+`}}`)
	},
	"JSON patch": func(t *testing.T, o *unstructured.Unstructured, phase string) error {
		return patchStatus(t, o, types.JSONPatchType, `[{op: replace, path: /status, value: {phase: `+phase+`}}]`)
	},
	"update": func(t *testing.T, o *unstructured.Unstructured, phase string) error {
		return putStatus(t, o, map[string]any{"phase": phase})
	},
	"forced apply": func(t *testing.T, o *unstructured.Unstructured, phase string) error {
		applied := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"phase": phase}}}
		applied.SetGroupVersionKind(o.GroupVersionKind())
		applied.SetName(o.GetName())
		applied.SetNamespace(o.GetNamespace())
		return api.Status().Apply(t.Context(), client.ApplyConfigurationFromUnstructured(applied), client.ForceOwnership, client.FieldOwner("intruder"))
	},
}

// wipes are the ways to write a status that says nothing.
var wipes = map[string]func(t *testing.T, o *unstructured.Unstructured) error{
	"update without a status":         func(t *testing.T, o *unstructured.Unstructured) error { return putStatus(t, o, nil) },
	"update with an empty status":     func(t *testing.T, o *unstructured.Unstructured) error { return putStatus(t, o, map[string]any{}) },
	"update with a status of null":    func(t *testing.T, o *unstructured.Unstructured) error { return putNull(t, o, false) },
	"update with a phase of null":     func(t *testing.T, o *unstructured.Unstructured) error { return putNull(t, o, true) },
	"merge patch, the status to null": wipeBy(types.MergePatchType, `{status: null}`),
	"merge patch, the phase to null":  wipeBy(types.MergePatchType, `{status: {phase: null}}`),
	"JSON patch, status removed":      wipeBy(types.JSONPatchType, `[{op: remove, path: /status}]`),
	"JSON patch, phase removed":       wipeBy(types.JSONPatchType, `[{op: remove, path: /status/phase}]`),
	"a Go client's empty Order": func(t *testing.T, o *unstructured.Unstructured) error {
		var typed v1alpha1.Order
		check.Must(t, api.Get(t.Context(), client.ObjectKeyFromObject(o), &typed))
		typed.Status = v1alpha1.OrderStatus{}
		return api.Status().Update(t.Context(), &typed)
	},
}

func wipeBy(kind types.PatchType, change string) func(*testing.T, *unstructured.Unstructured) error {
	return func(t *testing.T, o *unstructured.Unstructured) error { return patchStatus(t, o, kind, change) }
}

// putStatus replaces the status; nil leaves it out.
func putStatus(t *testing.T, o *unstructured.Unstructured, status map[string]any) error {
	t.Helper()
	now := live(t, o)
	delete(now.Object, "status")
	if status != nil {
		now.Object["status"] = status
	}
	return api.Status().Update(t.Context(), now)
}

// putNull replaces the status, or its phase, by null.
func putNull(t *testing.T, o *unstructured.Unstructured, phase bool) error {
	t.Helper()
	now := live(t, o)
	now.Object["status"] = nil
	if phase {
		now.Object["status"] = map[string]any{"phase": nil}
	}
	if raw, err := json.Marshal(now.Object); err != nil || !strings.Contains(string(raw), "null") {
		t.Fatalf("no null goes to the server: %s, %v", raw, err)
	}
	return api.Status().Update(t.Context(), now)
}

// TestOrderPhases takes an Order from every phase to every other, in every way there is.
func TestOrderPhases(t *testing.T) {
	phases := []string{"Pending", "Paid", "Failed", "Refunded"}
	settled := []string{"Paid", "Refunded"}
	for _, from := range phases {
		for _, to := range phases {
			for how, write := range statusWays {
				t.Run(fmt.Sprintf("%s to %s, %s", from, to, how), func(t *testing.T) {
					o := withStatus(t, order, `{}`, `{status: {phase: `+from+`}}`)
					err := write(t, o, to)
					if slices.Contains(settled, from) && !slices.Contains(settled, to) {
						refused(t, err, "status", settledStays)
						to = from
					} else if err != nil {
						t.Fatal(err)
					}
					if got, _, _ := unstructured.NestedString(live(t, o).Object, "status", "phase"); got != to {
						t.Errorf("the phase is %q, want %s", got, to)
					}
				})
			}
		}
		for how, wipe := range wipes {
			t.Run(fmt.Sprintf("%s, wiped: %s", from, how), func(t *testing.T) {
				o := withStatus(t, order, `{}`, `{status: {phase: `+from+`}}`)
				err, want := wipe(t, o), "Pending"
				if slices.Contains(settled, from) {
					refused(t, err, "status", settledStays)
					want = from
				} else if err != nil {
					t.Fatal(err)
				}
				if got, _, _ := unstructured.NestedString(live(t, o).Object, "status", "phase"); got != want {
					t.Errorf("the phase is %q, want %s", got, want)
				}
			})
		}
	}
}

// list writes n items of a YAML list; %d in an item is its number.
func list(n int, item string) string {
	var items []string
	for i := range n {
		items = append(items, strings.ReplaceAll(item, "%d", fmt.Sprint(i)))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

const (
	aPayment   = `{sessionId: cs_%d, outcome: Paid}`
	aCondition = `{type: T%d, status: "True", reason: R, message: "", lastTransitionTime: "2026-01-02T03:04:05Z"}`
)

var orderStatusRefusals = map[string]refusal{
	"another phase":              {`{phase: Shipped}`, "status.phase", `supported values: "Pending", "Paid", "Failed", "Refunded"`},
	"phase in lower case":        {`{phase: paid}`, "status.phase", `supported values: "Pending", "Paid", "Failed", "Refunded"`},
	"reference too long":         {`{clientReferenceId: "` + long(201) + `"}`, "status.clientReferenceId", "may not be more than 200"},
	"link id too long":           {`{paymentLinkId: "` + long(256) + `"}`, "status.paymentLinkId", "may not be more than 255"},
	"checkout URL too long":      {`{checkoutURL: "` + long(4097) + `"}`, "status.checkoutURL", "may not be more than 4096"},
	"total too long":             {`{total: "` + long(65) + `"}`, "status.total", "may not be more than 64"},
	"session too long":           {`{providerOrderId: "` + long(256) + `"}`, "status.providerOrderId", "may not be more than 255"},
	"intent too long":            {`{providerCaptureId: "` + long(256) + `"}`, "status.providerCaptureId", "may not be more than 255"},
	"paid at no time":            {`{paidAt: yesterday}`, "status.paidAt", "date-time"},
	"expired at no time":         {`{expiredAt: yesterday}`, "status.expiredAt", "date-time"},
	"17 payments":                {`{payments: ` + list(17, aPayment) + `}`, "status.payments", "must have at most 16 items"},
	"one session twice":          {`{payments: ` + list(2, `{sessionId: cs_1, outcome: Paid}`) + `}`, "status.payments[1]", "Duplicate"},
	"a payment of no session":    {`{payments: [{outcome: Paid}]}`, "status.payments[0].sessionId", "Required"},
	"a payment of no outcome":    {`{payments: [{sessionId: cs_1}]}`, "status.payments[0].outcome", "Required"},
	"a payment of an outcome":    {`{payments: [{sessionId: cs_1, outcome: paid}]}`, "status.payments[0].outcome", `supported values: "Unpaid", "Failed", "Paid"`},
	"17 disputes":                {`{payments: [{sessionId: cs_1, outcome: Paid, disputes: ` + list(17, `{id: du_%d}`) + `}]}`, "status.payments[0].disputes", "must have at most 16 items"},
	"one dispute twice":          {`{payments: [{sessionId: cs_1, outcome: Paid, disputes: [{id: du_1}, {id: du_1}]}]}`, "status.payments[0].disputes[1]", "Duplicate"},
	"17 failed refunds":          {`{payments: [{sessionId: cs_1, outcome: Paid, failedRefunds: ` + list(17, `{id: re_%d}`) + `}]}`, "status.payments[0].failedRefunds", "must have at most 16 items"},
	"one failed refund twice":    {`{payments: [{sessionId: cs_1, outcome: Paid, failedRefunds: [{id: re_1}, {id: re_1}]}]}`, "status.payments[0].failedRefunds[1]", "Duplicate"},
	"a payment's session, long":  {`{payments: [{sessionId: "` + long(256) + `", outcome: Paid}]}`, "status.payments[0].sessionId", "may not be more than 255"},
	"a payment's intent, long":   {`{payments: [{sessionId: cs_1, outcome: Paid, paymentIntentId: "` + long(256) + `"}]}`, "status.payments[0].paymentIntentId", "may not be more than 255"},
	"a payment's link, long":     {`{payments: [{sessionId: cs_1, outcome: Paid, paymentLinkId: "` + long(256) + `"}]}`, "status.payments[0].paymentLinkId", "may not be more than 255"},
	"a payment's currency, long": {`{payments: [{sessionId: cs_1, outcome: Paid, currency: "` + long(17) + `"}]}`, "status.payments[0].currency", "may not be more than 16"},
	"a payment made at no time":  {`{payments: [{sessionId: cs_1, outcome: Paid, created: yesterday}]}`, "status.payments[0].created", "date-time"},
	"a payment paid at no time":  {`{payments: [{sessionId: cs_1, outcome: Paid, paidAt: yesterday}]}`, "status.payments[0].paidAt", "date-time"},
	"a dispute of no id":         {`{payments: [{sessionId: cs_1, outcome: Paid, disputes: [{status: won}]}]}`, "status.payments[0].disputes[0].id", "Required"},
	"a dispute's id, long":       {`{payments: [{sessionId: cs_1, outcome: Paid, disputes: [{id: "` + long(256) + `"}]}]}`, "status.payments[0].disputes[0].id", "may not be more than 255"},
	"a dispute's status, long":   {`{payments: [{sessionId: cs_1, outcome: Paid, disputes: [{id: du_1, status: "` + long(65) + `"}]}]}`, "status.payments[0].disputes[0].status", "may not be more than 64"},
	"a dispute's reason, long":   {`{payments: [{sessionId: cs_1, outcome: Paid, disputes: [{id: du_1, reason: "` + long(65) + `"}]}]}`, "status.payments[0].disputes[0].reason", "may not be more than 64"},
	"a dispute at no time":       {`{payments: [{sessionId: cs_1, outcome: Paid, disputes: [{id: du_1, reportedAt: yesterday}]}]}`, "status.payments[0].disputes[0].reportedAt", "date-time"},
	"a failed refund of no id":   {`{payments: [{sessionId: cs_1, outcome: Paid, failedRefunds: [{amount: 1}]}]}`, "status.payments[0].failedRefunds[0].id", "Required"},
	"a failed refund's id, long": {`{payments: [{sessionId: cs_1, outcome: Paid, failedRefunds: [{id: "` + long(256) + `"}]}]}`, "status.payments[0].failedRefunds[0].id", "may not be more than 255"},
	"nine conditions":            {`{conditions: ` + list(9, aCondition) + `}`, "status.conditions", "must have at most 8 items"},
	"one condition twice":        {`{conditions: ` + list(2, strings.ReplaceAll(aCondition, "%d", "1")) + `}`, "status.conditions[1]", "Duplicate"},
	"a condition of no reason":   {`{conditions: [{type: Paid, status: "True", reason: "", message: "", lastTransitionTime: "2026-01-02T03:04:05Z"}]}`, "status.conditions[0].reason", "at least 1 chars long"},
}

// TestOrderStatusAccepted: the fullest status that the product may come to write.
func TestOrderStatusAccepted(t *testing.T) {
	full := `{sessionId: cs_%d, outcome: Paid, paymentIntentId: pi_%d, amount: 19900, currency: usd, livemode: true, paymentLinkId: plink_1,
	  created: "2026-01-02T03:04:05Z", paidAt: "2026-01-02T03:04:05Z", amountRefunded: 19900, fullyRefunded: true,
	  disputes: ` + list(16, `{id: du_%d, status: won, reason: fraudulent, amount: 19900, reportedAt: "2026-01-02T03:04:05Z"}`) + `,
	  failedRefunds: ` + list(16, `{id: re_%d, amount: 19900}`) + `}`
	withStatus(t, order, `{}`, `{status: {phase: Refunded, clientReferenceId: "`+long(200)+`", paymentLinkId: plink_1,
	  checkoutURL: "`+long(4096)+`", total: "`+long(64)+`", providerOrderId: cs_1, providerCaptureId: pi_1, amountRefunded: 19900,
	  paidAt: "2026-01-02T03:04:05Z", expiredAt: "2026-01-02T03:04:05Z", paymentsDropped: true, observedGeneration: 1,
	  payments: `+list(16, full)+`, conditions: `+list(8, aCondition)+`}}`)
}
