package stripesim

// Entry is Stripe's record of the money of one session, for a checker that compares it with the orders.
type Entry struct {
	// Session is the session in its present state.
	Session Session
	// Charge is the id of the last charge; empty for none.
	Charge string
	// ChargeStatus is succeeded, pending or failed; empty for none.
	ChargeStatus string
	// Received is the paid amount, before refunds.
	Received int64
	// Refunded is the sum of the refunds that did not fail.
	Refunded int64
	// MostRefunded is the largest value that Refunded ever had.
	MostRefunded int64
	// Refunds and Disputes are all of the payment's, oldest first.
	Refunds  []Refund
	Disputes []Dispute
}

// Books lists the money of every session, oldest first.
func (s *Simulator) Books() []Entry { return s.account.books() }

func (a *account) books() []Entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	disputes := map[string][]Dispute{}
	for _, d := range a.disputes.order {
		disputes[d.PaymentIntent] = append(disputes[d.PaymentIntent], *d)
	}
	entries := make([]Entry, 0, len(a.sessions.order))
	for _, session := range a.sessions.order {
		entry := Entry{Session: *session}
		if intent, ok := a.intents.get(session.PaymentIntent); ok {
			entry.Received, entry.Charge = intent.received, intent.latestCharge
			entry.Disputes = disputes[intent.ID]
		}
		if c, ok := a.charges.get(entry.Charge); ok {
			entry.ChargeStatus, entry.Refunded, entry.MostRefunded = c.status, c.refunded(), c.mostRefunded
			for _, refund := range c.refunds {
				entry.Refunds = append(entry.Refunds, *refund)
			}
		}
		entries = append(entries, entry)
	}
	return entries
}
