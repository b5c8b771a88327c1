package stripesim

import (
	"errors"
	"fmt"
)

// ErrNotPayable is the error for a session that is not open any more.
var ErrNotPayable = errors.New("this checkout session is no longer open")

// DeclinedError is the message after a declined payment. The session stays open for another attempt.
type DeclinedError struct {
	// Message is the message on the page.
	Message string
}

// Error is the page's message.
func (e *DeclinedError) Error() string { return "payment declined: " + e.Message }

// pay completes a session with a card, or with nothing where nothing is due.
// The events are made in the order in which Stripe makes them.
func (a *account) pay(s *Session, buyer *customer, number string) error {
	if s.Status != statusOpen {
		return ErrNotPayable
	}
	if s.AmountTotal == 0 {
		a.complete(s, buyer, nothingToBePaid)
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
		// An invalid number makes no charge.
		return &DeclinedError{Message: "Your card number is invalid."}
	}
	intent, method := a.intentOf(s), a.cardOf(buyer, number, s.Livemode)
	if refusal.code != "" {
		taken := a.addCharge(intent, method, chargePending)
		a.failCharge(intent, taken, refusal)
		return &DeclinedError{Message: refusal.message}
	}
	taken := a.addCharge(intent, method, chargeSucceeded)
	a.settleIntent(intent, taken)
	a.complete(s, buyer, paymentPaid)
	if cardDigits(number) == cardDigits(CardDisputed) {
		_, _ = a.dispute(taken) // a new charge that succeeded can be disputed
	}
	return nil
}

// payByDebit completes a session whose money is still on its way.
func (a *account) payByDebit(s *Session, buyer *customer) error {
	if s.Status != statusOpen {
		return ErrNotPayable
	}
	if s.AmountTotal == 0 {
		a.complete(s, buyer, nothingToBePaid)
		return nil
	}
	if !s.takesDebit() {
		return &DeclinedError{Message: "Bank debit is not offered here."}
	}
	intent := a.intentOf(s)
	taken := a.addCharge(intent, a.bankAccountOf(buyer, s.Currency, s.Livemode), chargePending)
	intent.status, intent.decline = intentProcessing, nil
	a.emit("charge.pending", renderCharge(taken), nil, s.Livemode, cause{})
	a.emit("payment_intent.processing", renderIntent(intent), nil, s.Livemode, cause{})
	a.complete(s, buyer, paymentUnpaid)
	if a.debitDelay > 0 {
		a.scheduler.runAt(a.clock.Now().Add(a.debitDelay), func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			_ = a.settleDebit(s, true) // fails if the operator has settled it
		})
	}
	return nil
}

// settleDebit is the bank's answer to a debit.
func (a *account) settleDebit(s *Session, succeed bool) error {
	intent, ok := a.intents.get(s.PaymentIntent)
	if !ok || s.Status != statusComplete || intent.status != intentProcessing {
		return fmt.Errorf("settle debit of session %s: no debit is waiting", s.ID)
	}
	taken, ok := a.charges.get(intent.latestCharge)
	if !ok {
		return fmt.Errorf("settle debit of session %s: it has no charge", s.ID)
	}
	if !succeed {
		a.failCharge(intent, taken, debitReturned)
		a.emit("checkout.session.async_payment_failed", a.renderSession(s), nil, s.Livemode, cause{})
		return nil
	}
	taken.status = chargeSucceeded
	a.settleIntent(intent, taken)
	s.PaymentStatus = paymentPaid
	a.emit("checkout.session.async_payment_succeeded", a.renderSession(s), nil, s.Livemode, cause{})
	return nil
}

func (a *account) settleIntent(intent *paymentIntent, taken *charge) {
	intent.status, intent.received, intent.decline = intentSucceeded, intent.amount, nil
	a.emit("charge.succeeded", renderCharge(taken), nil, intent.Livemode, cause{})
	a.emit("payment_intent.succeeded", renderIntent(intent), nil, intent.Livemode, cause{})
}

func (a *account) failCharge(intent *paymentIntent, refused *charge, why decline) {
	why.method = refused.method
	refused.status, refused.decline, refused.balanceTransaction = chargeFailed, &why, ""
	intent.status, intent.decline, intent.paymentMethod = intentNeedsMethod, &why, ""
	a.emit("charge.failed", renderCharge(refused), nil, intent.Livemode, cause{})
	a.emit("payment_intent.payment_failed", renderIntent(intent), nil, intent.Livemode, cause{})
}

func (a *account) complete(s *Session, buyer *customer, payment string) {
	s.Status, s.PaymentStatus, s.customer = statusComplete, payment, buyer
	a.emit("checkout.session.completed", a.renderSession(s), nil, s.Livemode, cause{})
	if link, ok := a.links.get(s.PaymentLink); ok {
		a.countCompleted(link)
	}
}
