package stripesim

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"time"
)

// sessionLife is how long a Checkout Session stays open.
const sessionLife = 24 * time.Hour

// The states of a session and of its payment, in Stripe's words.
const (
	statusOpen     = "open"
	statusComplete = "complete"
	statusExpired  = "expired"

	paymentUnpaid    = "unpaid"
	paymentPaid      = "paid"
	nothingToBePaid  = "no_payment_required"
	noReturnFromPage = "https://stripe.com"
)

// Session is one visit of a buyer to a Payment Link.
type Session struct {
	Object
	// URL is the page of this session, while it is open.
	URL string
	// ClientReferenceID came in the link's query; empty if it was not sent, or
	// was not of the allowed form.
	ClientReferenceID string
	// PaymentIntent is empty until the first attempt to pay.
	PaymentIntent string
	// PaymentLink is the id of the link.
	PaymentLink string
	// AmountTotal and Currency are the price.
	AmountTotal int64
	Currency    string
	// Status is open, complete or expired.
	Status string
	// PaymentStatus is unpaid, paid or no_payment_required.
	PaymentStatus string
	// ExpiresAt is when an open session ends.
	ExpiresAt time.Time
	// Metadata is the link's at the time of the visit.
	Metadata map[string]string

	items       []lineItem
	methods     []string
	customer    *customer
	successURL  string
	suggestions pageSuggestions
	campaign    url.Values
}

// pageSuggestions are the values that the query of the link fills in.
type pageSuggestions struct {
	email       string
	emailLocked bool
}

// customer is the buyer, as entered in the form.
type customer struct {
	name, email                                    string
	line1, line2, city, postalCode, state, country string
}

var (
	referenceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)
	campaignForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,150}$`)
)

// openSession opens a session. It drops a client_reference_id that Stripe does not allow silently, as Stripe does.
func (a *account) openSession(link *PaymentLink, query url.Values) *Session {
	mode := "cs_test_a1"
	if link.Livemode {
		mode = "cs_live_a1"
	}
	now := a.clock.Now()
	s := &Session{
		Object:        Object{ID: randomID(mode, 56), Created: now, Livemode: link.Livemode},
		PaymentLink:   link.ID,
		AmountTotal:   link.Amount,
		Currency:      link.Currency,
		Status:        statusOpen,
		PaymentStatus: paymentUnpaid,
		ExpiresAt:     now.Add(sessionLife),
		Metadata:      link.Metadata,
		items:         link.items,
		methods:       link.methods(),
		successURL:    link.RedirectURL,
		campaign:      url.Values{},
	}
	s.URL = a.baseURL + sessionPath + s.ID
	if reference := query.Get("client_reference_id"); referenceForm.MatchString(reference) {
		s.ClientReferenceID = reference
	}
	for _, name := range []string{"utm_source", "utm_content", "utm_medium", "utm_term", "utm_campaign"} {
		if value := query.Get(name); campaignForm.MatchString(value) {
			s.campaign.Set(name, value)
		}
	}
	s.suggestions.email = query.Get("prefilled_email")
	if locked := query.Get("locked_prefilled_email"); locked != "" {
		s.suggestions = pageSuggestions{email: locked, emailLocked: true}
	}
	a.sessions.put(s)
	a.scheduler.runAt(s.ExpiresAt, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.expire(s, cause{})
	})
	return s
}

// expire expires an open session, and reports whether it was open.
func (a *account) expire(s *Session, by cause) bool {
	if s.Status != statusOpen {
		return false
	}
	s.Status = statusExpired
	a.emit("checkout.session.expired", a.renderSession(s), nil, s.Livemode, by)
	return true
}

func (a *account) renderSession(s *Session) rendered {
	return rendered{
		"id":                                   s.ID,
		"object":                               "checkout.session",
		"after_expiration":                     nil,
		"allow_promotion_codes":                false,
		"amount_subtotal":                      s.AmountTotal,
		"amount_total":                         s.AmountTotal,
		"automatic_tax":                        rendered{"enabled": false, "liability": nil, "status": nil},
		"billing_address_collection":           "auto",
		"cancel_url":                           noReturnFromPage,
		"client_reference_id":                  nullable(s.ClientReferenceID),
		"client_secret":                        nil,
		"consent":                              nil,
		"consent_collection":                   rendered{"payment_method_reuse_agreement": nil, "promotions": "none", "terms_of_service": "none"},
		"created":                              s.Created.Unix(),
		"currency":                             s.Currency,
		"currency_conversion":                  nil,
		"custom_fields":                        []any{},
		"custom_text":                          noCustomText(),
		"customer":                             nil,
		"customer_creation":                    "if_required",
		"customer_details":                     s.customer.renderDetails(),
		"customer_email":                       nil,
		"expires_at":                           s.ExpiresAt.Unix(),
		"invoice":                              nil,
		"invoice_creation":                     noInvoice(),
		"livemode":                             s.Livemode,
		"locale":                               "auto",
		"metadata":                             metadata(s.Metadata),
		"mode":                                 "payment",
		"payment_intent":                       nullable(s.PaymentIntent),
		"payment_link":                         s.PaymentLink,
		"payment_method_collection":            "if_required",
		"payment_method_configuration_details": nil,
		"payment_method_options":               rendered{"card": rendered{"request_three_d_secure": "automatic"}},
		"payment_method_types":                 s.methods,
		"payment_status":                       s.PaymentStatus,
		"phone_number_collection":              rendered{"enabled": false},
		"recovered_from":                       nil,
		"setup_intent":                         nil,
		"shipping_address_collection":          nil,
		"shipping_cost":                        nil,
		"shipping_details":                     nil,
		"shipping_options":                     []any{},
		"status":                               s.Status,
		"submit_type":                          "auto",
		"subscription":                         nil,
		"success_url":                          cmp.Or(s.successURL, noReturnFromPage),
		"total_details":                        rendered{"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
		"ui_mode":                              "hosted",
		"url":                                  s.openURL(),
	}
}

// openURL is the page's address while there is something to do there.
func (s *Session) openURL() any {
	if s.Status != statusOpen {
		return nil
	}
	return s.URL
}

// takesDebit reports whether a bank debit is among the session's methods.
func (s *Session) takesDebit() bool { return slices.Contains(s.methods, debitMethod(s.Currency)) }

func (c *customer) renderDetails() any {
	if c == nil {
		return nil
	}
	return rendered{
		"address": c.renderAddress(), "email": nullable(c.email), "name": nullable(c.name),
		"phone": nil, "tax_exempt": "none", "tax_ids": []any{},
	}
}

func (c *customer) renderAddress() rendered {
	return rendered{
		"city": nullable(c.city), "country": nullable(c.country), "line1": nullable(c.line1),
		"line2": nullable(c.line2), "postal_code": nullable(c.postalCode), "state": nullable(c.state),
	}
}
