package stripesim

import (
	"net/url"
	"strings"
)

// readLink reads the parameters of both creation and update over the present values of a link.
func readLink(p *params, link PaymentLink) PaymentLink {
	readAfterCompletion(p, &link)
	readIntentData(p, &link)
	if labels := p.hash("metadata"); len(labels) > 0 {
		link.Metadata = mergeMetadata(link.Metadata, labels)
	}
	if p.has("inactive_message") {
		link.inactiveMessage = p.text("inactive_message")
	}
	limited := []string{"restrictions", "completed_sessions", "limit"}
	link.CompletedSessionsLimit = p.integer(1, link.CompletedSessionsLimit, limited...)
	if methods := p.list("payment_method_types"); len(methods) > 0 {
		link.terms.methods = methods
	}
	keepFirst := func(present string, others ...string) []string { return append([]string{present}, others...) }
	link.terms.billingAddress = p.oneOf(keepFirst(link.terms.billingAddress, "auto", "required"), "billing_address_collection")
	link.terms.customerCreation = p.oneOf(keepFirst(link.terms.customerCreation, "if_required", "always"), "customer_creation")
	link.terms.methodCollection = p.oneOf(keepFirst(link.terms.methodCollection, "if_required", "always"), "payment_method_collection")
	p.mustBeOff("allow_promotion_codes")
	p.mustBeOff("automatic_tax", "enabled")
	p.mustBeOff("invoice_creation", "enabled")
	return link
}

func readAfterCompletion(p *params, link *PaymentLink) {
	const field = "after_completion"
	address, thanks := p.text(field, "redirect", "url"), p.text(field, "hosted_confirmation", "custom_message")
	if !p.has(field, "type") {
		if address != "" || thanks != "" {
			p.fail(errRequired(key(field, "type")))
		}
		return
	}
	link.RedirectURL, link.thanks = "", ""
	if p.oneOf([]string{"hosted_confirmation", "redirect"}, field, "type") != "redirect" {
		link.thanks = thanks
		return
	}
	p.required(field, "redirect", "url")
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || !strings.HasPrefix(parsed.Scheme, "http") {
		p.fail(errInvalid(key(field, "redirect", "url"), "url_invalid", "Not a valid URL"))
	}
	link.RedirectURL = address
}

func readIntentData(p *params, link *PaymentLink) {
	const field = "payment_intent_data"
	if labels := p.hash(field, "metadata"); len(labels) > 0 {
		link.IntentMetadata = mergeMetadata(link.IntentMetadata, labels)
	}
	if p.has(field, "description") {
		link.terms.intentDescription = p.text(field, "description")
	}
	if method := p.text(field, "capture_method"); method != "" && method != "automatic" {
		p.fail(errInvalid(key(field, "capture_method"), "", "The simulator captures automatically."))
	}
}

func createPaymentLink(a *account, r *request) (rendered, error) {
	link := readLink(r.params, PaymentLink{terms: usualTerms()})
	link.terms.submitType = r.params.oneOf([]string{"auto", "book", "donate", "pay"}, "submit_type")
	r.params.mustBeOff("phone_number_collection", "enabled")
	r.params.mustBeOff("tax_id_collection", "enabled")
	currency := r.params.text("currency")
	described := readLineItems(r.params)
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	items, err := makeLineItems(a, described, currency, r.livemode, r.cause)
	if err != nil {
		return nil, err
	}
	return a.renderPaymentLink(a.addPaymentLink(link, items, r.livemode, r.cause)), nil
}

func retrievePaymentLink(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	link, err := find(&a.links, r.id, r.livemode, "payment_link", "payment_link")
	if err != nil {
		return nil, err
	}
	return a.renderPaymentLink(link), nil
}

func updatePaymentLink(a *account, r *request) (rendered, error) {
	link, err := find(&a.links, r.id, r.livemode, "payment_link", "payment_link")
	if err != nil {
		return nil, err
	}
	changed := readLink(r.params, *link)
	changed.Active = r.params.flag(link.Active, "active")
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	*link = changed
	a.emit("payment_link.updated", a.renderPaymentLink(link), nil, link.Livemode, r.cause)
	return a.renderPaymentLink(link), nil
}

func listPaymentLinks(a *account, r *request) (rendered, error) {
	active := activeFilter(r.params)
	return page(r, &a.links, "payment_link", func(l *PaymentLink) bool { return active(l.Active) }, a.renderPaymentLink)
}

func listPaymentLinkItems(a *account, r *request) (rendered, error) {
	link, err := find(&a.links, r.id, r.livemode, "payment_link", "payment_link")
	if err != nil {
		return nil, err
	}
	return pageLineItems(r, link.items)
}
