package sale_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripeevents"
	"github.com/paylink-dev/paylink/test/testclient"
)

// second is the creation time of the events that are made by hand.
const second = 1760000061

// handmade makes events of one order that Stripe would send at another time, or not at all: Stripe's own samples with the
// order's ids, checked against Stripe's description.
type handmade struct {
	t     *testing.T
	order *v1alpha1.Order
}

// tag is a part of every id in the events, so that no two orders share one.
func (h handmade) tag() string { return strings.ReplaceAll(string(h.order.UID), "-", "") }

// session is an event of a Checkout Session; visit distinguishes the order's sessions.
func (h handmade) session(sample, visit string, changes ...stripeevents.Change) []byte {
	h.t.Helper()
	return h.event(sample, visit, append([]stripeevents.Change{
		stripeevents.Set("data.object.id", "cs_test_"+h.tag()+visit),
		stripeevents.Set("data.object.client_reference_id", h.order.Status.ClientReferenceID),
		stripeevents.Set("data.object.payment_link", h.order.Status.PaymentLinkID),
		stripeevents.Set("data.object.amount_total", testclient.Price),
		stripeevents.Set("data.object.currency", "usd"),
		stripeevents.Set("data.object.created", second),
	}, changes...)...)
}

// charge is an event of a payment: a refund or a dispute.
func (h handmade) charge(sample, visit string, changes ...stripeevents.Change) []byte {
	h.t.Helper()
	return h.event(sample, visit, append([]stripeevents.Change{
		stripeevents.Set("data.object.amount", testclient.Price),
		stripeevents.Set("data.object.currency", "usd"),
	}, changes...)...)
}

func (h handmade) event(sample, visit string, changes ...stripeevents.Change) []byte {
	h.t.Helper()
	return stripeevents.FromStripe(h.t, sample, append([]stripeevents.Change{
		stripeevents.Set("created", second),
		stripeevents.Set("data.object.payment_intent", h.intent(visit)),
	}, append(changes, h.setID)...)...)
}

// setID gives an event an id by its content.
func (h handmade) setID(t testing.TB, event map[string]any) {
	t.Helper()
	delete(event, "id")
	content, err := json.Marshal(event)
	check.Must(t, err)
	sum := sha256.Sum256(content)
	event["id"] = "evt_" + h.tag() + hex.EncodeToString(sum[:6])
}

func (h handmade) intent(visit string) string { return "pi_" + h.tag() + visit }
