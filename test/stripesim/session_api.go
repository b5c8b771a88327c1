package stripesim

func retrieveSession(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	s, err := find(&a.sessions, r.id, r.livemode, "checkout.session", "session")
	if err != nil {
		return nil, err
	}
	return a.renderSession(s), nil
}

func listSessions(a *account, r *request) (rendered, error) {
	within := createdWithin(r.params)
	intent, link, status := equals(r.params, "payment_intent"), equals(r.params, "payment_link"), equals(r.params, "status")
	email := r.params.text("customer_details", "email")
	return page(r, &a.sessions, "checkout.session", func(s *Session) bool {
		return within(s.Created) && intent(s.PaymentIntent) && link(s.PaymentLink) && status(s.Status) &&
			(email == "" || s.customer != nil && s.customer.email == email)
	}, a.renderSession)
}

func listSessionItems(a *account, r *request) (rendered, error) {
	s, err := find(&a.sessions, r.id, r.livemode, "checkout.session", "session")
	if err != nil {
		return nil, err
	}
	return pageLineItems(r, s.items)
}

func expireSession(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	s, err := find(&a.sessions, r.id, r.livemode, "checkout.session", "session")
	if err != nil {
		return nil, err
	}
	if !a.expire(s, r.cause) {
		return nil, errNotOpen(s)
	}
	return a.renderSession(s), nil
}

func errNotOpen(s *Session) *APIError {
	return errInvalid("", "", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `%s`.", s.Status)
}
