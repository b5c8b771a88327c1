package stripesim

import (
	"context"
	"fmt"
	"strings"
)

// CreatePaymentLink makes a product, its price and a link that sells one of it.
func (s *Simulator) CreatePaymentLink(p PaymentLinkParams) PaymentLink {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.ProductName == "" {
		p.ProductName = "Product"
	}
	if p.Currency == "" {
		p.Currency = "usd"
	}
	sold := a.addProduct(product{name: p.ProductName}, p.Livemode, cause{})
	asked := a.addPrice(price{product: sold, amount: p.Amount, currency: strings.ToLower(p.Currency)}, p.Livemode, cause{})
	link := PaymentLink{
		RedirectURL: p.RedirectURL, CompletedSessionsLimit: p.CompletedSessionsLimit,
		Metadata: p.Metadata, IntentMetadata: p.IntentMetadata, terms: usualTerms(),
	}
	items := []lineItem{{id: randomID("li_1", 23), price: asked, quantity: 1}}
	return *a.addPaymentLink(link, items, p.Livemode, cause{})
}

// DeactivatePaymentLink closes a link: its page sells no more. It is false for
// a link that does not exist.
func (s *Simulator) DeactivatePaymentLink(id string) bool {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	link, ok := a.links.get(id)
	if ok && link.Active {
		link.Active = false
		a.emit("payment_link.updated", a.renderPaymentLink(link), rendered{"active": true}, link.Livemode, cause{})
	}
	return ok
}

// AddEndpoint registers a receiver of webhooks for the events that come.
func (s *Simulator) AddEndpoint(p EndpointParams) Endpoint {
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	return *a.addEndpoint(Endpoint{URL: p.URL, Events: p.Events, Secret: p.Secret, apiVersion: p.APIVersion}, p.Livemode)
}

// SetEndpointURL moves an endpoint, secret and all, as to a restarted receiver
// on another port. It is false for an endpoint that does not exist.
func (s *Simulator) SetEndpointURL(id, url string) bool {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	endpoint, ok := s.account.endpoints.get(id)
	if ok {
		endpoint.URL = url
	}
	return ok
}

// DisableEndpoint has an endpoint get nothing any more, as a person can, and Stripe after days of failures. It is false for
// an endpoint that does not exist.
func (s *Simulator) DisableEndpoint(id string) bool {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	endpoint, ok := s.account.endpoints.get(id)
	if ok {
		endpoint.Disabled = true
	}
	return ok
}

// RemoveEndpoint removes an endpoint. It gets no more events.
func (s *Simulator) RemoveEndpoint(id string) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.account.endpoints.remove(id)
}

// RollSecret gives an endpoint a new signing secret. The old one signs as well
// until ExpireSecret. It is empty for an endpoint that does not exist.
func (s *Simulator) RollSecret(endpointID string) string {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	endpoint, ok := s.account.endpoints.get(endpointID)
	if !ok {
		return ""
	}
	endpoint.retiring = endpoint.secrets()
	endpoint.Secret = newSecret()
	return endpoint.Secret
}

// ExpireSecret ends a roll: only the newest secret signs from now on.
func (s *Simulator) ExpireSecret(endpointID string) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	if endpoint, ok := s.account.endpoints.get(endpointID); ok {
		endpoint.retiring = nil
	}
}

// SettleDebit is the bank's answer to a bank debit that is under way.
func (s *Simulator) SettleDebit(sessionID string, succeed bool) error {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	session, ok := s.account.sessions.get(sessionID)
	if !ok {
		return fmt.Errorf("settle debit: no session %s", sessionID)
	}
	return s.account.settleDebit(session, succeed)
}

// chargeOfIntent is the latest charge of a payment intent in either mode.
func (a *account) chargeOfIntent(id string) (*charge, error) {
	intent, ok := a.intents.get(id)
	if !ok {
		return nil, fmt.Errorf("no payment intent %q", id)
	}
	c, ok := a.charges.get(intent.latestCharge)
	if !ok {
		return nil, fmt.Errorf("payment intent %s has no charge", id)
	}
	return c, nil
}

// Refund gives back an amount of a payment, or all that is left where it is 0.
func (s *Simulator) Refund(paymentIntent string, amount int64) (Refund, error) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	c, err := s.account.chargeOfIntent(paymentIntent)
	if err != nil {
		return Refund{}, fmt.Errorf("refund: %w", err)
	}
	refund, err := s.account.refund(c, Refund{Amount: amount, Reason: "requested_by_customer"}, cause{})
	if err != nil {
		return Refund{}, fmt.Errorf("refund %s: %w", paymentIntent, err)
	}
	return *refund, nil
}

// FailRefund has the bank send a refund back.
func (s *Simulator) FailRefund(refundID string) error {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	refund, ok := s.account.refunds.get(refundID)
	if !ok {
		return fmt.Errorf("fail refund: no refund %s", refundID)
	}
	return s.account.failRefund(refund)
}

// OpenDispute has the buyer's bank dispute a payment.
func (s *Simulator) OpenDispute(paymentIntent string) (Dispute, error) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	c, err := s.account.chargeOfIntent(paymentIntent)
	if err != nil {
		return Dispute{}, fmt.Errorf("open dispute: %w", err)
	}
	d, err := s.account.dispute(c)
	if err != nil {
		return Dispute{}, err
	}
	return *d, nil
}

// CloseDispute ends a dispute as won, lost or warning_closed.
func (s *Simulator) CloseDispute(id, status string) error {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	d, ok := s.account.disputes.get(id)
	if !ok {
		return fmt.Errorf("close dispute: no dispute %s", id)
	}
	return s.account.closeDispute(d, status)
}

// ExpireSession ends an open session before its day is over.
func (s *Simulator) ExpireSession(id string) error {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	session, ok := s.account.sessions.get(id)
	if !ok {
		return fmt.Errorf("expire session: no session %s", id)
	}
	if !s.account.expire(session, cause{}) {
		return fmt.Errorf("expire session %s: it is %s", id, session.Status)
	}
	return nil
}

// Session is the state of a session now.
func (s *Simulator) Session(id string) (Session, bool) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	session, ok := s.account.sessions.get(id)
	if !ok {
		return Session{}, false
	}
	return *session, true
}

// PaymentLink is the state of a link now.
func (s *Simulator) PaymentLink(id string) (PaymentLink, bool) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	link, ok := s.account.links.get(id)
	if !ok {
		return PaymentLink{}, false
	}
	return *link, true
}

// Delivery sets how webhooks are delivered from now on.
func (s *Simulator) Delivery(p Plan) { s.dispatcher.setPlan(p) }

// WaitDelivered returns when every webhook is accepted or given up. A webhook that a Plan holds is not yet delivered. The expiry of a
// session, and a debit that is not settled, do not count.
func (s *Simulator) WaitDelivered(ctx context.Context) error {
	err := s.dispatcher.wait(ctx, func() bool { return s.dispatcher.outstanding == 0 })
	if err != nil {
		return fmt.Errorf("wait for deliveries: %w", err)
	}
	return nil
}

// WaitAttempts returns when at least n attempts have ended. Their retries are scheduled by then, so that a fake clock can be stepped.
func (s *Simulator) WaitAttempts(ctx context.Context, n int) error {
	err := s.dispatcher.wait(ctx, func() bool { return len(s.dispatcher.ended) >= n })
	if err != nil {
		return fmt.Errorf("wait for attempt %d: %w", n, err)
	}
	return nil
}

// Resend queues one more attempt to bring an event to every endpoint that
// wants it. It is false for an event that does not exist.
func (s *Simulator) Resend(eventID string) bool {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	event, ok := s.account.events.get(eventID)
	if ok {
		s.dispatcher.resend(*event, s.account.subscribers(event))
	}
	return ok
}

// Attempts are all tries to deliver so far, in the order in which they ended.
func (s *Simulator) Attempts() []Attempt { return s.dispatcher.history() }

// Events are all events so far, oldest first.
func (s *Simulator) Events() []Event {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	events := make([]Event, 0, len(s.account.events.order))
	for _, event := range s.account.events.order {
		shown := *event
		shown.PendingWebhooks = s.dispatcher.pending(event.ID)
		events = append(events, shown)
	}
	return events
}
