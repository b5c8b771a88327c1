package stripesim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// lastOf is the newest event of a type, decoded.
func lastOf(t *testing.T, sim *stripesim.Simulator, eventType string) (object, previous map[string]any) {
	t.Helper()
	for _, event := range sim.Events() {
		if event.Type == eventType {
			object, previous = decoded(t, event.Data), nil
			if event.PreviousAttributes != nil {
				previous = decoded(t, event.PreviousAttributes)
			}
		}
	}
	if object == nil {
		t.Fatalf("there is no %s", eventType)
	}
	return object, previous
}

func TestRefundArithmetic(t *testing.T) {
	sim := start(t, stripesim.Options{})
	paid := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000, IntentMetadata: map[string]string{"order_id": "7"}}))
	for _, step := range []struct {
		amount  int64
		refused bool
		sum     float64
		full    bool
	}{
		{amount: 300, sum: 300},
		{amount: 701, refused: true, sum: 300},
		{amount: 200, sum: 500},
		{amount: 0, sum: 1000, full: true},
		{amount: 0, refused: true, sum: 1000, full: true},
		{amount: 1, refused: true, sum: 1000, full: true},
	} {
		_, err := sim.Refund(paid.PaymentIntent, step.amount)
		var refusal *stripesim.APIError
		if (err != nil) != step.refused || err != nil && !errors.As(err, &refusal) {
			t.Errorf("refund %d: %v", step.amount, err)
		}
		charge, _ := lastOf(t, sim, "charge.refunded")
		if charge["amount_refunded"] != step.sum || charge["refunded"] != step.full || charge["amount"] != 1000.0 {
			t.Errorf("after %d: amount_refunded %v, refunded %v", step.amount, charge["amount_refunded"], charge["refunded"])
		}
		if charge["refunds"] != nil {
			t.Error("the event shows the list of refunds, which only expand may")
		}
	}
	charge, previous := lastOf(t, sim, "charge.refunded")
	if previous["amount_refunded"] != 500.0 || previous["refunded"] != false {
		t.Errorf("previous attributes: %v", previous)
	}
	if metadata, _ := charge["metadata"].(map[string]any); metadata["order_id"] != "7" {
		t.Errorf("the charge's metadata is %v", metadata)
	}
	books := sim.Books()
	if len(books) != 1 || books[0].Received != 1000 || books[0].Refunded != 1000 || len(books[0].Refunds) != 3 {
		t.Errorf("the books are %+v", books)
	}
}

// TestRefundFails: the money comes back to the shop, and can be refunded again.
func TestRefundFails(t *testing.T) {
	sim := start(t, stripesim.Options{})
	paid := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000}))
	refund, err := sim.Refund(paid.PaymentIntent, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.FailRefund(refund.ID); err != nil {
		t.Fatal(err)
	}
	if err := sim.FailRefund(refund.ID); err == nil {
		t.Error("a refund failed twice")
	}
	for _, eventType := range []string{"charge.refund.updated", "refund.failed"} {
		failed, previous := lastOf(t, sim, eventType)
		if failed["status"] != "failed" || failed["failure_reason"] == nil || failed["payment_intent"] != paid.PaymentIntent || previous["status"] != "succeeded" {
			t.Errorf("%s: %v", eventType, failed)
		}
	}
	if books := sim.Books(); books[0].Refunded != 0 || books[0].Refunds[0].Status != "failed" {
		t.Errorf("the books are %+v", books[0])
	}
	if _, err := sim.Refund(paid.PaymentIntent, 1000); err != nil {
		t.Errorf("the money cannot be refunded again: %v", err)
	}
}

func TestDispute(t *testing.T) {
	sim := start(t, stripesim.Options{})
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000})
	for _, status := range []string{"lost", "won"} {
		paid := pay(t, sim, link)
		dispute, err := sim.OpenDispute(paid.PaymentIntent)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sim.Refund(paid.PaymentIntent, 0); err == nil {
			t.Error("disputed money was refunded")
		}
		if _, err := sim.OpenDispute(paid.PaymentIntent); err == nil {
			t.Error("a charge was disputed twice")
		}
		if err := sim.CloseDispute(dispute.ID, "forgotten"); err == nil {
			t.Error("a dispute was closed as nothing that there is")
		}
		if err := sim.CloseDispute(dispute.ID, status); err != nil {
			t.Fatal(err)
		}
		if closed, _ := lastOf(t, sim, "charge.dispute.closed"); closed["status"] != status || closed["payment_intent"] != paid.PaymentIntent {
			t.Errorf("closed: %v", closed)
		}
		if _, err := sim.Refund(paid.PaymentIntent, 0); (err == nil) != (status == "won") {
			t.Errorf("refund after a dispute that was %s: %v", status, err)
		}
	}
}

// TestIdempotency: a repeated request does one thing; the key with other
// parameters is refused.
func TestIdempotency(t *testing.T) {
	sim := start(t, stripesim.Options{})
	paid := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 1000}))
	c := newCaller(t, sim, stripesim.TestKey)
	refund := func(amount, key string) (int, string, http.Header) {
		status, content, header := c.do(http.MethodPost, "/v1/refunds", "payment_intent="+paid.PaymentIntent+"&amount="+amount, "Idempotency-Key", key)
		return status, string(content), header
	}
	_, first, header := refund("100", "k1")
	requestID := header.Get("Request-Id")
	status, second, header := refund("100", "k1")
	if status != http.StatusOK || first != second || header.Get("Idempotent-Replayed") != "true" || header.Get("Original-Request") != requestID {
		t.Errorf("the repetition: %d %s, %v", status, second, header)
	}
	if books := sim.Books(); books[0].Refunded != 100 {
		t.Errorf("%d was refunded by two equal requests for 100", books[0].Refunded)
	}
	status, content, _ := refund("200", "k1")
	if status != http.StatusBadRequest || at(decoded(t, []byte(content)), "error.type") != "idempotency_error" {
		t.Errorf("the key with another amount: %d %s", status, content)
	}
	if status, content, _ := refund("100", "k2"); status != http.StatusOK {
		t.Errorf("another key: %d %s", status, content)
	}
	// The event names the request that caused it.
	events := sim.Events()
	for _, event := range events[len(events)-1:] {
		shown, err := json.Marshal(c.get("/v1/events/"+event.ID, "")["request"])
		if err != nil || at(decoded(t, shown), "idempotency_key") != "k2" {
			t.Errorf("the event's request is %s (%v)", shown, err)
		}
	}
}
