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
	return page(r, &a.sessions, "checkout.session", func(s *Session) bool {
		return within(s.Created) && intent(s.PaymentIntent) && link(s.PaymentLink) && status(s.Status)
	}, a.renderSession)
}
