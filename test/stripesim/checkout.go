package stripesim

import (
	"errors"
	"fmt"
)

// ErrNotPayable is what a buyer meets at a session that is no longer open.
var ErrNotPayable = errors.New("this checkout session is no longer open")

// DeclinedError is what a buyer reads after a card was refused; the session
// stays open, and another card may be tried.
type DeclinedError struct {
	// Message is what the page says.
	Message string
}

// Error is the page's message.
func (e *DeclinedError) Error() string { return "payment declined: " + e.Message }

// pay completes a session with a card, or with nothing where nothing is due.
// The events are made in the order in which Stripe makes them.
func (w *world) pay(s *Session, buyer *customer, number string) error {
	if s.Status != statusOpen {
		return ErrNotPayable
	}
	if s.AmountTotal == 0 {
		w.complete(s, buyer, nothingToBePaid)
		return nil
	}
	var refusal decline
	switch cardDigits(number) {
	case cardDigits(Card4242), cardDigits(CardDisputed):
	case cardDigits(CardDeclined):
		refusal = insufficientFunds
	case cardDigits(CardGenericDecline):
		refusal = genericDecline
	default:
		// No bank is asked about a number that is none.
		return &DeclinedError{Message: "Your card number is invalid."}
	}
	intent, method := w.intentOf(s), w.cardOf(buyer, number, s.Livemode)
	if refusal.code != "" {
		taken := w.addCharge(intent, method, chargePending)
		w.failCharge(intent, taken, refusal)
		return &DeclinedError{Message: refusal.message}
	}
	taken := w.addCharge(intent, method, chargeSucceeded)
	w.settleIntent(intent, taken)
	w.complete(s, buyer, paymentPaid)
	if cardDigits(number) == cardDigits(CardDisputed) {
		_, _ = w.dispute(taken) // money that was taken a moment ago can be disputed
	}
	return nil
}

// payByDebit completes a session whose money is still on its way.
func (w *world) payByDebit(s *Session, buyer *customer) error {
	if s.Status != statusOpen {
		return ErrNotPayable
	}
	if s.AmountTotal == 0 {
		w.complete(s, buyer, nothingToBePaid)
		return nil
	}
	if !s.takesDebit() {
		return &DeclinedError{Message: "Bank debit is not offered here."}
	}
	intent := w.intentOf(s)
	taken := w.addCharge(intent, w.accountOf(buyer, s.Currency, s.Livemode), chargePending)
	intent.status, intent.decline = intentProcessing, nil
	w.emit("charge.pending", renderCharge(taken), nil, s.Livemode, cause{})
	w.emit("payment_intent.processing", renderIntent(intent), nil, s.Livemode, cause{})
	w.complete(s, buyer, paymentUnpaid)
	if w.debitDelay > 0 {
		w.agenda.at(w.clock.Now().Add(w.debitDelay), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			_ = w.settleDebit(s, true) // an operator may have settled it by hand before
		})
	}
	return nil
}

// settleDebit is the bank's answer to a debit.
func (w *world) settleDebit(s *Session, succeed bool) error {
	intent, ok := w.intents.get(s.PaymentIntent)
	if !ok || s.Status != statusComplete || intent.status != intentProcessing {
		return fmt.Errorf("settle debit of session %s: no debit is waiting", s.ID)
	}
	taken, ok := w.charges.get(intent.latestCharge)
	if !ok {
		return fmt.Errorf("settle debit of session %s: it has no charge", s.ID)
	}
	if !succeed {
		w.failCharge(intent, taken, debitReturned)
		w.emit("checkout.session.async_payment_failed", w.renderSession(s), nil, s.Livemode, cause{})
		return nil
	}
	taken.status = chargeSucceeded
	w.settleIntent(intent, taken)
	s.PaymentStatus = paymentPaid
	w.emit("checkout.session.async_payment_succeeded", w.renderSession(s), nil, s.Livemode, cause{})
	return nil
}

func (w *world) settleIntent(intent *paymentIntent, taken *charge) {
	intent.status, intent.received, intent.decline = intentSucceeded, intent.amount, nil
	w.emit("charge.succeeded", renderCharge(taken), nil, intent.Livemode, cause{})
	w.emit("payment_intent.succeeded", renderIntent(intent), nil, intent.Livemode, cause{})
}

func (w *world) failCharge(intent *paymentIntent, refused *charge, why decline) {
	why.method = refused.method
	refused.status, refused.decline, refused.balanceTransaction = chargeFailed, &why, ""
	intent.status, intent.decline, intent.paymentMethod = intentNeedsMethod, &why, ""
	w.emit("charge.failed", renderCharge(refused), nil, intent.Livemode, cause{})
	w.emit("payment_intent.payment_failed", renderIntent(intent), nil, intent.Livemode, cause{})
}

func (w *world) complete(s *Session, buyer *customer, payment string) {
	s.Status, s.PaymentStatus, s.customer = statusComplete, payment, buyer
	w.emit("checkout.session.completed", w.renderSession(s), nil, s.Livemode, cause{})
	if link, ok := w.links.get(s.PaymentLink); ok {
		w.countCompleted(link)
	}
}
