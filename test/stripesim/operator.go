package stripesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// operator serves the page of the person who runs a demonstration: the objects, and buttons for actions of banks.
type operator struct {
	account    *account
	dispatcher *dispatcher
	templates  pageTemplates
}

func (o *operator) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", o.overview)
	mux.HandleFunc("GET "+BooksPath, o.books)
	for name, act := range map[string]func(*http.Request) error{
		"refund":        o.refund,
		"fail-refund":   o.failRefund,
		"dispute":       o.dispute,
		"close-dispute": o.closeDispute,
		"settle":        o.settle,
		"expire":        o.expire,
		"resend":        o.resend,
	} {
		mux.HandleFunc("POST /operator/"+name, func(w http.ResponseWriter, r *http.Request) {
			o.account.mu.Lock()
			err := act(r)
			o.account.mu.Unlock()
			if err != nil {
				o.templates.render(w, http.StatusConflict, noticePage, checkoutView{Title: "Not possible", Message: err.Error(), BackURL: "/"})
				return
			}
			http.Redirect(w, r, "/", http.StatusSeeOther)
		})
	}
}

// BooksPath is the path of a simulator's Books as JSON, for clients in other processes.
const BooksPath = "/operator/books"

func (o *operator) books(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(o.account.books())
}

// mostShown is the largest number of sessions and attempts on the page.
const mostShown = 50

type overview struct {
	Title    string
	Live     bool
	Links    []linkRow
	Sessions []sessionRow
	Attempts []attemptRow
}

type linkRow struct {
	ID, Product, Price, URL string
	Active, Live            bool
}

type sessionRow struct {
	ID, Reference, Price, Refunded, Status, Payment string
	Intent, Dispute, Refund                         string
	Live, Open, Debit, Refundable, Disputable       bool
}

type attemptRow struct {
	At, Type, Event, Outcome string
	Number                   int
	OK                       bool
}

func (o *operator) overview(w http.ResponseWriter, _ *http.Request) {
	o.account.mu.Lock()
	view := overview{Title: "Stripe simulator", Live: true}
	for link := range o.account.links.newestFirst() {
		view.Links = append(view.Links, linkRow{
			ID: link.ID, Product: link.ProductName, Price: money(link.Amount, link.Currency),
			URL: link.URL, Active: link.Active, Live: link.Livemode,
		})
	}
	for session := range o.account.sessions.newestFirst() {
		if len(view.Sessions) == mostShown {
			break
		}
		view.Sessions = append(view.Sessions, o.row(session))
	}
	o.account.mu.Unlock()
	for _, made := range slices.Backward(o.dispatcher.history()) {
		if len(view.Attempts) == mostShown {
			break
		}
		outcome := strconv.Itoa(made.Status)
		if made.Error != nil {
			outcome = "no answer"
		}
		view.Attempts = append(view.Attempts, attemptRow{
			At: made.At.Format("15:04:05"), Type: made.Type, Event: made.EventID, Number: made.Number,
			Outcome: outcome, OK: made.Delivered(),
		})
	}
	o.templates.render(w, http.StatusOK, overviewPage, view)
}

func (o *operator) row(s *Session) sessionRow {
	row := sessionRow{
		ID: s.ID, Reference: s.ClientReferenceID, Price: money(s.AmountTotal, s.Currency), Status: s.Status,
		Payment: s.PaymentStatus, Intent: s.PaymentIntent, Live: s.Livemode, Open: s.Status == statusOpen,
	}
	intent, ok := o.account.intents.get(s.PaymentIntent)
	if !ok {
		return row
	}
	row.Debit = intent.status == intentProcessing
	c, ok := o.account.charges.get(intent.latestCharge)
	if !ok {
		return row
	}
	refunded := c.refunded()
	if refunded > 0 {
		row.Refunded = money(refunded, c.currency)
	}
	for _, refund := range c.refunds {
		if refund.stands() {
			row.Refund = refund.ID
		}
	}
	for d := range o.account.disputes.newestFirst() {
		if d.Charge == c.ID && d.Status == disputeOpen {
			row.Dispute = d.ID
		}
	}
	row.Refundable = c.status == chargeSucceeded && !c.chargedBack && refunded < c.amount
	row.Disputable = c.status == chargeSucceeded && !c.disputed
	return row
}

func (o *operator) refund(r *http.Request) error {
	c, err := o.account.chargeOfIntent(r.PostFormValue("payment_intent"))
	if err != nil {
		return err
	}
	var amount int64
	if typed := r.PostFormValue("amount"); typed != "" {
		if amount, err = strconv.ParseInt(typed, 10, 64); err != nil || amount < 1 {
			return fmt.Errorf("%q is no amount: write minor units, as 1000", typed)
		}
	}
	_, err = o.account.refund(c, Refund{Amount: amount, Reason: "requested_by_customer"}, cause{})
	return err
}

func (o *operator) failRefund(r *http.Request) error {
	refund, ok := o.account.refunds.get(r.PostFormValue("refund"))
	if !ok {
		return fmt.Errorf("there is no such refund")
	}
	return o.account.failRefund(refund)
}

func (o *operator) dispute(r *http.Request) error {
	c, err := o.account.chargeOfIntent(r.PostFormValue("payment_intent"))
	if err != nil {
		return err
	}
	_, err = o.account.dispute(c)
	return err
}

func (o *operator) closeDispute(r *http.Request) error {
	d, ok := o.account.disputes.get(r.PostFormValue("dispute"))
	if !ok {
		return fmt.Errorf("there is no such dispute")
	}
	return o.account.closeDispute(d, r.PostFormValue("status"))
}

func (o *operator) settle(r *http.Request) error {
	session, ok := o.account.sessions.get(r.PostFormValue("session"))
	if !ok {
		return fmt.Errorf("there is no such session")
	}
	return o.account.settleDebit(session, r.PostFormValue("outcome") == "succeed")
}

func (o *operator) expire(r *http.Request) error {
	session, ok := o.account.sessions.get(r.PostFormValue("session"))
	if !ok || !o.account.expire(session, cause{}) {
		return fmt.Errorf("there is no such open session")
	}
	return nil
}

func (o *operator) resend(r *http.Request) error {
	event, ok := o.account.events.get(r.PostFormValue("event"))
	if !ok {
		return fmt.Errorf("there is no such event")
	}
	o.dispatcher.resend(*event, o.account.subscribers(event))
	return nil
}
