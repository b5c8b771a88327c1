package stripesim_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/paylink-dev/paylink/test/freeport"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// TestFromOutside: a simulator that others know by another name is paid at by that name, and shows its books to them.
func TestFromOutside(t *testing.T) {
	const name = "http://stripe.example"
	listens, err := freeport.Address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sim := start(t, stripesim.Options{Addr: listens, URL: name})
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "stripe.example:80" {
			t.Errorf("%s is called", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, listens)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	link := sim.CreatePaymentLink(stripesim.PaymentLinkParams{Amount: 19900})
	if link.URL != name+"/pay/"+link.ID || sim.URL() != name {
		t.Fatalf("the link is at %s", link.URL)
	}
	session, err := stripesim.RemoteBuyer(transport).Pay(t.Context(), link.URL+"?client_reference_id=order-1", stripesim.Card4242)
	if known, ok := sim.Session(session.ID); err != nil || !ok || known.PaymentStatus != "paid" {
		t.Fatalf("session %+v: %v", session, err)
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, name+stripesim.BooksPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var books []stripesim.Entry
	if err := json.NewDecoder(answer.Body).Decode(&books); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sim.Books(), books, cmpopts.IgnoreUnexported(stripesim.Session{}), cmpopts.EquateApproxTime(0)); diff != "" || len(books) != 1 {
		t.Error(diff)
	}
}
