package stories_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/seller"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

// second is when all events that are made by hand happened.
const second = 1760000061

// handmade makes events of one order that a simulator, or Stripe, would send at another time or not at all. They are
// Stripe's own samples with the order's ids in them, and held to Stripe's description.
type handmade struct {
	t     *testing.T
	order *v1alpha1.Order
}

// tag is in every id of an order's events, so that no two orders share one.
func (h handmade) tag() string { return strings.ReplaceAll(string(h.order.UID), "-", "") }

// session is an event of a Checkout Session: visit tells the order's sessions apart.
func (h handmade) session(sample, visit string, changes ...stripeevents.Change) []byte {
	h.t.Helper()
	return h.event(sample, visit, append([]stripeevents.Change{
		stripeevents.Set("data.object.id", "cs_test_"+h.tag()+visit),
		stripeevents.Set("data.object.client_reference_id", h.order.Status.ClientReferenceID),
		stripeevents.Set("data.object.payment_link", h.order.Status.PaymentLinkID),
		stripeevents.Set("data.object.amount_total", seller.Price),
		stripeevents.Set("data.object.currency", "usd"),
		stripeevents.Set("data.object.created", second),
	}, changes...)...)
}

// money is an event of a visit's payment: a refund or a dispute.
func (h handmade) money(sample, visit string, changes ...stripeevents.Change) []byte {
	h.t.Helper()
	return h.event(sample, visit, append([]stripeevents.Change{
		stripeevents.Set("data.object.amount", seller.Price),
		stripeevents.Set("data.object.currency", "usd"),
	}, changes...)...)
}

func (h handmade) event(sample, visit string, changes ...stripeevents.Change) []byte {
	h.t.Helper()
	return stripeevents.FromStripe(h.t, sample, append([]stripeevents.Change{
		stripeevents.Set("created", second),
		stripeevents.Set("data.object.payment_intent", h.intent(visit)),
	}, append(changes, h.named)...)...)
}

// named gives an event an id by all that it says.
func (h handmade) named(t testing.TB, event map[string]any) {
	t.Helper()
	delete(event, "id")
	content, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	event["id"] = "evt_" + h.tag() + hex.EncodeToString(sum[:6])
}

func (h handmade) intent(visit string) string { return "pi_" + h.tag() + visit }
