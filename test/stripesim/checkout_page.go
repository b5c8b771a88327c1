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

// checkoutPages serves the pages for buyers.
type checkoutPages struct {
	account      *account
	dispatcher   *dispatcher
	templates    pageTemplates
	redirectWait time.Duration
}

func (p *checkoutPages) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /pay/{link}", p.openLink)
	mux.HandleFunc("GET "+sessionPath+"{session}", p.showSession)
	mux.HandleFunc("POST "+sessionPath+"{session}", p.submitSession)
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pageFiles, "pages/page.css")
	})
}

// checkoutView is the data of the payment page and of notices.
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

// openLink opens a session and redirects to its page. A HEAD request, such as that of a link preview, opens none.
func (p *checkoutPages) openLink(w http.ResponseWriter, r *http.Request) {
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	link, ok := p.account.links.get(r.PathValue("link"))
	switch {
	case !ok:
		p.templates.render(w, http.StatusNotFound, noticePage, checkoutView{Title: "Not found", Message: "There is no such payment link."})
	case !link.Active:
		message := link.inactiveMessage
		if message == "" {
			message = "The link is no longer active."
		}
		p.templates.render(w, http.StatusGone, noticePage, checkoutView{Title: "No longer active", Message: message, Live: link.Livemode})
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusOK)
	default:
		session := p.account.openSession(link, r.URL.Query())
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, sessionPath+session.ID, http.StatusSeeOther)
	}
}

func (p *checkoutPages) showSession(w http.ResponseWriter, r *http.Request) {
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	session, ok := p.account.sessions.get(r.PathValue("session"))
	if !ok {
		p.templates.render(w, http.StatusNotFound, noticePage, checkoutView{Title: "Not found", Message: "There is no such checkout session."})
		return
	}
	p.showState(w, session)
}

// showState shows the page that fits a session's state; the account's lock is held.
func (p *checkoutPages) showState(w http.ResponseWriter, s *Session) {
	view := p.view(s)
	switch s.Status {
	case statusComplete:
		view.Title, view.Message = "Thank you", "Your payment was received."
		if s.PaymentStatus == paymentUnpaid {
			view.Message = "Your bank debit is on its way. It may take some days until it is confirmed."
		}
		if link, ok := p.account.links.get(s.PaymentLink); ok {
			if link.thanks != "" {
				view.Message = link.thanks
			}
			if link.RedirectURL != "" {
				view.BackURL = link.returnURL(s)
			}
		}
		p.templates.render(w, http.StatusOK, noticePage, view)
	case statusExpired:
		view.Title, view.Message = "Session expired", "This page has expired. Open the link again to pay."
		p.templates.render(w, http.StatusGone, noticePage, view)
	default:
		p.templates.render(w, http.StatusOK, checkoutPage, view)
	}
}

func (p *checkoutPages) view(s *Session) checkoutView {
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

func (p *checkoutPages) submitSession(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	target, completed, done := p.settle(w, r)
	if !done {
		return
	}
	if completed != "" && p.redirectWait > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), p.redirectWait)
		defer cancel()
		// The buyer is redirected even if the webhook is late, as Stripe does.
		_ = p.dispatcher.wait(ctx, func() bool { return len(p.dispatcher.unaccepted[completed]) == 0 })
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// settle pays a session as its form says. If it cannot, it answers with a page. Otherwise it returns the address for the
// buyer, and the id of the event of the completed session.
func (p *checkoutPages) settle(w http.ResponseWriter, r *http.Request) (target, completed string, done bool) {
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	session, ok := p.account.sessions.get(r.PathValue("session"))
	if !ok {
		p.templates.render(w, http.StatusNotFound, noticePage, checkoutView{Title: "Not found", Message: "There is no such checkout session."})
		return "", "", false
	}
	if session.Status == statusOpen {
		view, status := p.take(session, r)
		if status != http.StatusOK {
			w.Header().Set(declineHeader, view.Problem)
			p.templates.render(w, status, checkoutPage, view)
			return "", "", false
		}
		completed = p.completion(session)
	}
	if session.Status != statusComplete {
		p.showState(w, session)
		return "", "", false
	}
	// A form that is sent twice leads to the same page.
	if link, ok := p.account.links.get(session.PaymentLink); ok && link.RedirectURL != "" {
		return link.returnURL(session), completed, true
	}
	return sessionPath + session.ID, completed, true
}

// take tries to pay. With a status other than 200 it returns the form to show again, filled in except for the card.
func (p *checkoutPages) take(s *Session, r *http.Request) (checkoutView, int) {
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
		err = p.account.payByDebit(s, buyer)
	} else {
		err = p.account.pay(s, buyer, field("card"))
	}
	var declined *DeclinedError
	if errors.As(err, &declined) {
		view.Problem = declined.Message + " Try another way to pay."
		return view, http.StatusPaymentRequired
	}
	return view, http.StatusOK
}

// completion returns the id of the newest checkout.session.completed of a session.
func (p *checkoutPages) completion(s *Session) string {
	for event := range p.account.events.newestFirst() {
		if event.Type == "checkout.session.completed" && event.ObjectID == s.ID {
			return event.ID
		}
	}
	return ""
}
