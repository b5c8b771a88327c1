package stripesim

// Entry is what Stripe knows of one session's money: the truth that a checker
// compares a shop's own records with.
type Entry struct {
	// Session is the visit, and its state.
	Session Session
	// Charge is the id of the last attempt to take the money; empty for none.
	Charge string
	// ChargeStatus is succeeded, pending or failed; empty for none.
	ChargeStatus string
	// Received is what was taken, before refunds.
	Received int64
	// Refunded is what was given back and stayed there.
	Refunded int64
	// MostRefunded is the largest that Refunded ever was.
	MostRefunded int64
	// Refunds and Disputes are all of the payment's, oldest first.
	Refunds  []Refund
	Disputes []Dispute
}

// Books lists every session, oldest first.
func (s *Simulator) Books() []Entry { return s.world.books() }

func (w *world) books() []Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	disputes := map[string][]Dispute{}
	for _, d := range w.disputes.order {
		disputes[d.PaymentIntent] = append(disputes[d.PaymentIntent], *d)
	}
	entries := make([]Entry, 0, len(w.sessions.order))
	for _, session := range w.sessions.order {
		entry := Entry{Session: *session}
		if intent, ok := w.intents.get(session.PaymentIntent); ok {
			entry.Received, entry.Charge = intent.received, intent.latestCharge
			entry.Disputes = disputes[intent.ID]
		}
		if c, ok := w.charges.get(entry.Charge); ok {
			entry.ChargeStatus, entry.Refunded, entry.MostRefunded = c.status, c.refunded(), c.mostRefunded
			for _, refund := range c.refunds {
				entry.Refunds = append(entry.Refunds, *refund)
			}
		}
		entries = append(entries, entry)
	}
	return entries
}
