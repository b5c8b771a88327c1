package stripesim

import (
	"net/url"
	"strings"
)

// PaymentLinkParams describes a link that sells one product at one price.
type PaymentLinkParams struct {
	// ProductName is the name on the page; default "Product".
	ProductName string
	// Amount is the price in minor units. 0 is a link with nothing to pay.
	Amount int64
	// Currency is a three-letter code, whatever the case; default "usd".
	Currency string
	// Livemode makes the link in live mode.
	Livemode bool
	// RedirectURL is where a buyer goes after paying, with {CHECKOUT_SESSION_ID}
	// replaced; default: a page of thanks.
	RedirectURL string
	// CompletedSessionsLimit deactivates the link after so many completed
	// sessions; 0 is no limit.
	CompletedSessionsLimit int64
	// Metadata is copied to each session, IntentMetadata to each payment intent
	// and from there to the charge.
	Metadata, IntentMetadata map[string]string
}

// PaymentLink is a page that sells.
type PaymentLink struct {
	Object
	// URL is the page's address.
	URL string
	// Active is false once the link was closed or has reached its limit.
	Active bool
	// ProductName, Amount and Currency are the first line item's name and the
	// total of all of them.
	ProductName string
	Amount      int64
	Currency    string
	// RedirectURL is where a buyer goes after paying.
	RedirectURL string
	// CompletedSessions counts towards CompletedSessionsLimit, where that is set.
	CompletedSessions, CompletedSessionsLimit int64
	// Metadata and IntentMetadata are copied to the objects of a payment.
	Metadata, IntentMetadata map[string]string

	items           []lineItem
	terms           linkTerms
	inactiveMessage string
	thanks          string
}

// linkTerms are settings of a link. Only methods changes the payment page.
type linkTerms struct {
	billingAddress, customerCreation, methodCollection, submitType string
	methods                                                        []string
	intentDescription                                              string
}

func usualTerms() linkTerms {
	return linkTerms{billingAddress: "auto", customerCreation: "if_required", methodCollection: "if_required", submitType: "auto"}
}

func (a *account) addPaymentLink(link PaymentLink, items []lineItem, livemode bool, by cause) *PaymentLink {
	link.Object = a.newObject("plink_1", livemode)
	link.URL = a.baseURL + "/pay/" + link.ID
	link.Active = true
	link.items = items
	link.ProductName, link.Amount, link.Currency = items[0].price.product.name, total(items), items[0].price.currency
	a.links.put(&link)
	a.emit("payment_link.created", a.renderPaymentLink(&link), nil, livemode, by)
	return &link
}

// countCompleted closes a link that has sold as often as it may. Sessions that
// are open by then can still be paid, as they can at Stripe.
func (a *account) countCompleted(link *PaymentLink) {
	if link.CompletedSessionsLimit == 0 {
		return
	}
	before := a.renderPaymentLink(link)
	link.CompletedSessions++
	link.Active = link.Active && link.CompletedSessions < link.CompletedSessionsLimit
	changed := rendered{"restrictions": before["restrictions"]}
	if before["active"] != link.Active {
		changed["active"] = before["active"]
	}
	a.emit("payment_link.updated", a.renderPaymentLink(link), changed, link.Livemode, cause{})
}

func (a *account) renderPaymentLink(l *PaymentLink) rendered {
	return rendered{
		"id":                          l.ID,
		"object":                      "payment_link",
		"active":                      l.Active,
		"after_completion":            l.renderAfterCompletion(),
		"allow_promotion_codes":       false,
		"application":                 nil,
		"application_fee_amount":      nil,
		"application_fee_percent":     nil,
		"automatic_tax":               rendered{"enabled": false, "liability": nil},
		"billing_address_collection":  l.terms.billingAddress,
		"consent_collection":          nil,
		"currency":                    l.Currency,
		"custom_fields":               []any{},
		"custom_text":                 noCustomText(),
		"customer_creation":           l.terms.customerCreation,
		"inactive_message":            nullable(l.inactiveMessage),
		"invoice_creation":            noInvoice(),
		"livemode":                    l.Livemode,
		"metadata":                    metadata(l.Metadata),
		"on_behalf_of":                nil,
		"payment_intent_data":         l.renderIntentData(),
		"payment_method_collection":   l.terms.methodCollection,
		"payment_method_types":        l.renderMethods(),
		"phone_number_collection":     rendered{"enabled": false},
		"restrictions":                l.renderRestrictions(),
		"shipping_address_collection": nil,
		"shipping_options":            []any{},
		"submit_type":                 l.terms.submitType,
		"subscription_data":           nil,
		"tax_id_collection":           rendered{"enabled": false},
		"transfer_data":               nil,
		"url":                         l.URL,
	}
}

func (l *PaymentLink) renderAfterCompletion() rendered {
	if l.RedirectURL != "" {
		return rendered{"type": "redirect", "redirect": rendered{"url": l.RedirectURL}}
	}
	return rendered{"type": "hosted_confirmation", "hosted_confirmation": rendered{"custom_message": nullable(l.thanks)}}
}

func (l *PaymentLink) renderIntentData() any {
	if len(l.IntentMetadata) == 0 && l.terms.intentDescription == "" {
		return nil
	}
	return rendered{
		"capture_method": nil, "description": nullable(l.terms.intentDescription), "metadata": metadata(l.IntentMetadata), "setup_future_usage": nil,
		"statement_descriptor": nil, "statement_descriptor_suffix": nil, "transfer_group": nil,
	}
}

func (l *PaymentLink) renderMethods() any {
	if len(l.terms.methods) == 0 {
		return nil
	}
	return l.terms.methods
}

// methods returns the payment methods of the sessions of a link: those that it names, or cards and bank debit.
func (l *PaymentLink) methods() []string {
	if len(l.terms.methods) > 0 {
		return l.terms.methods
	}
	return []string{methodCard, debitMethod(l.Currency)}
}

func (l *PaymentLink) renderRestrictions() any {
	if l.CompletedSessionsLimit == 0 {
		return nil
	}
	return rendered{"completed_sessions": rendered{"count": l.CompletedSessions, "limit": l.CompletedSessionsLimit}}
}

func noCustomText() rendered {
	return rendered{"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil}
}

func noInvoice() rendered {
	return rendered{"enabled": false, "invoice_data": rendered{
		"account_tax_ids": nil, "custom_fields": nil, "description": nil, "footer": nil,
		"issuer": nil, "metadata": rendered{}, "rendering_options": nil,
	}}
}

// returnURL is where the buyer of a session goes, with the campaign's utm_…
// parameters carried along. client_reference_id is not: Stripe does not either.
func (l *PaymentLink) returnURL(s *Session) string {
	address := strings.ReplaceAll(l.RedirectURL, "{CHECKOUT_SESSION_ID}", s.ID)
	if len(s.campaign) == 0 {
		return address
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := parsed.Query()
	for name, values := range s.campaign {
		query[name] = values
	}
	parsed.RawQuery = query.Encode()
	return parsed.String()
}
