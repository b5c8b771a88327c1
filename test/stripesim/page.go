package stripesim

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

const (
	sessionPath = "/c/pay/"
	methodCard  = "card"
	methodDebit = "debit"
	// declineHeader carries a refusal's text beside the page that shows it.
	declineHeader = "Simulator-Declined"
)

// pages serves what a buyer sees.
type pages struct {
	world    *world
	courier  *courier
	sheets   sheets
	patience time.Duration
}

func (p *pages) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /pay/{link}", p.openLink)
	mux.HandleFunc("GET "+sessionPath+"{session}", p.showSession)
	mux.HandleFunc("POST "+sessionPath+"{session}", p.submitSession)
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pageFiles, "pages/page.css")
	})
}

// checkoutView is what the payment page and those around it show.
type checkoutView struct {
	Title, Problem     string
	Product, Price     string
	Live, Free         bool
	Email, Name        string
	EmailLocked        bool
	Line1, City        string
	PostalCode         string
	Country            string
	Debit, OffersDebit bool
	Message, BackURL   string
}

// openLink begins a session for a visitor and sends them to its page. A HEAD
// request, as of a link preview, begins none.
func (p *pages) openLink(w http.ResponseWriter, r *http.Request) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	link, ok := p.world.links.get(r.PathValue("link"))
	switch {
	case !ok:
		p.sheets.show(w, http.StatusNotFound, noticeSheet, checkoutView{Title: "Not found", Message: "There is no such payment link."})
	case !link.Active:
		message := link.inactiveMessage
		if message == "" {
			message = "The link is no longer active."
		}
		p.sheets.show(w, http.StatusGone, noticeSheet, checkoutView{Title: "No longer active", Message: message, Live: link.Livemode})
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusOK)
	default:
		session := p.world.openSession(link, r.URL.Query())
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, sessionPath+session.ID, http.StatusSeeOther)
	}
}

func (p *pages) showSession(w http.ResponseWriter, r *http.Request) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	session, ok := p.world.sessions.get(r.PathValue("session"))
	if !ok {
		p.sheets.show(w, http.StatusNotFound, noticeSheet, checkoutView{Title: "Not found", Message: "There is no such checkout session."})
		return
	}
	p.showState(w, session)
}

// showState shows the page that fits a session's state; the world's lock is held.
func (p *pages) showState(w http.ResponseWriter, s *Session) {
	view := p.view(s)
	switch s.Status {
	case statusComplete:
		view.Title, view.Message = "Thank you", "Your payment was received."
		if s.PaymentStatus == paymentUnpaid {
			view.Message = "Your bank debit is on its way. It may take some days until it is confirmed."
		}
		if link, ok := p.world.links.get(s.PaymentLink); ok {
			if link.thanks != "" {
				view.Message = link.thanks
			}
			if link.RedirectURL != "" {
				view.BackURL = link.returnURL(s)
			}
		}
		p.sheets.show(w, http.StatusOK, noticeSheet, view)
	case statusExpired:
		view.Title, view.Message = "Session expired", "This page has expired. Open the link again to pay."
		p.sheets.show(w, http.StatusGone, noticeSheet, view)
	default:
		p.sheets.show(w, http.StatusOK, checkoutSheet, view)
	}
}

func (p *pages) view(s *Session) checkoutView {
	names := make([]string, 0, len(s.items))
	for _, item := range s.items {
		names = append(names, item.price.product.name)
	}
	product := strings.Join(names, ", ")
	return checkoutView{
		Title: "Pay for " + product, Product: product, Price: money(s.AmountTotal, s.Currency),
		Live: s.Livemode, Free: s.AmountTotal == 0, OffersDebit: s.takesDebit(), Email: s.suggestions.email, EmailLocked: s.suggestions.emailLocked,
	}
}

func (p *pages) submitSession(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	target, completed, done := p.settle(w, r)
	if !done {
		return
	}
	if completed != "" && p.patience > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), p.patience)
		defer cancel()
		// Late or not, the buyer goes on: the webhook is the shop's concern.
		_ = p.courier.wait(ctx, func() bool { return len(p.courier.waiting[completed]) == 0 })
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// settle pays a session as its form says. Where that is not possible it answers
// with a page itself; otherwise it tells where the buyer goes, and the id of
// the event that says so.
func (p *pages) settle(w http.ResponseWriter, r *http.Request) (target, completed string, done bool) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	session, ok := p.world.sessions.get(r.PathValue("session"))
	if !ok {
		p.sheets.show(w, http.StatusNotFound, noticeSheet, checkoutView{Title: "Not found", Message: "There is no such checkout session."})
		return "", "", false
	}
	if session.Status == statusOpen {
		view, status := p.take(session, r)
		if status != http.StatusOK {
			w.Header().Set(declineHeader, view.Problem)
			p.sheets.show(w, status, checkoutSheet, view)
			return "", "", false
		}
		completed = p.completion(session)
	}
	if session.Status != statusComplete {
		p.showState(w, session)
		return "", "", false
	}
	// A second press of the button ends where the first did.
	if link, ok := p.world.links.get(session.PaymentLink); ok && link.RedirectURL != "" {
		return link.returnURL(session), completed, true
	}
	return sessionPath + session.ID, completed, true
}

// take tries to pay. A status other than 200 comes with the form to show again,
// filled in but for the card.
func (p *pages) take(s *Session, r *http.Request) (checkoutView, int) {
	view := p.view(s)
	field := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	if !view.EmailLocked {
		view.Email = field("email")
	}
	view.Name, view.Line1, view.City, view.PostalCode, view.Country = field("name"), field("line1"), field("city"), field("postal_code"), field("country")
	view.Debit = field("method") == methodDebit
	switch {
	case !strings.Contains(view.Email, "@"):
		view.Problem = "Enter your e-mail address."
	case view.Name == "":
		view.Problem = "Enter your name."
	case !view.Free && !view.Debit && field("card") == "":
		view.Problem = "Enter a card number."
	}
	if view.Problem != "" {
		return view, http.StatusUnprocessableEntity
	}
	buyer := &customer{
		name: view.Name, email: view.Email, line1: view.Line1, city: view.City, postalCode: view.PostalCode, country: view.Country,
	}
	var err error
	if view.Debit {
		err = p.world.payByDebit(s, buyer)
	} else {
		err = p.world.pay(s, buyer, field("card"))
	}
	var declined *DeclinedError
	if errors.As(err, &declined) {
		view.Problem = declined.Message + " Try another way to pay."
		return view, http.StatusPaymentRequired
	}
	return view, http.StatusOK
}

// completion is the id of the newest event that tells of a session's end.
func (p *pages) completion(s *Session) string {
	for event := range p.world.events.newestFirst() {
		if event.Type == "checkout.session.completed" && event.ObjectID == s.ID {
			return event.ID
		}
	}
	return ""
}
