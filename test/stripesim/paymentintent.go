package stripesim

// paymentIntent is a buyer's attempt, or several, to pay one session.
type paymentIntent struct {
	Object
	amount, received int64
	currency         string
	status           string
	latestCharge     string
	paymentMethod    string
	methodTypes      []string
	description      string
	metadata         map[string]string
	decline          *decline
	secret           string
}

// The states of a payment intent that occur here.
const (
	intentNeedsMethod = "requires_payment_method"
	intentProcessing  = "processing"
	intentSucceeded   = "succeeded"
)

// intentOf returns the session's payment intent, and makes it at the first
// attempt to pay. The session's own metadata is not copied to it: Stripe copies
// only the link's payment_intent_data.metadata.
func (a *account) intentOf(s *Session) *paymentIntent {
	if intent, ok := a.intents.get(s.PaymentIntent); ok {
		return intent
	}
	intent := &paymentIntent{
		Object:   a.newObject("pi_3", s.Livemode),
		amount:   s.AmountTotal,
		currency: s.Currency,
		status:   intentNeedsMethod,

		methodTypes: s.methods,
	}
	if link, ok := a.links.get(s.PaymentLink); ok {
		intent.metadata, intent.description = link.IntentMetadata, link.terms.intentDescription
	}
	intent.secret = randomID(intent.ID+"_secret_", 25)
	s.PaymentIntent = intent.ID
	a.intents.put(intent)
	a.emit("payment_intent.created", renderIntent(intent), nil, s.Livemode, cause{})
	return intent
}

func renderIntent(i *paymentIntent) rendered {
	options := rendered{"card": rendered{"installments": nil, "mandate_options": nil, "network": nil, "request_three_d_secure": "automatic"}}
	return rendered{
		"id":                                   i.ID,
		"object":                               "payment_intent",
		"amount":                               i.amount,
		"amount_capturable":                    0,
		"amount_details":                       rendered{"tip": rendered{}},
		"amount_received":                      i.received,
		"application":                          nil,
		"application_fee_amount":               nil,
		"automatic_payment_methods":            nil,
		"canceled_at":                          nil,
		"cancellation_reason":                  nil,
		"capture_method":                       "automatic",
		"client_secret":                        i.secret,
		"confirmation_method":                  "automatic",
		"created":                              i.Created.Unix(),
		"currency":                             i.currency,
		"customer":                             nil,
		"description":                          nullable(i.description),
		"invoice":                              nil,
		"last_payment_error":                   i.decline.renderError(i),
		"latest_charge":                        nullable(i.latestCharge),
		"livemode":                             i.Livemode,
		"metadata":                             metadata(i.metadata),
		"next_action":                          nil,
		"on_behalf_of":                         nil,
		"payment_method":                       nullable(i.paymentMethod),
		"payment_method_configuration_details": nil,
		"payment_method_options":               options,
		"payment_method_types":                 i.methodTypes,
		"processing":                           nil,
		"receipt_email":                        nil,
		"review":                               nil,
		"setup_future_usage":                   nil,
		"shipping":                             nil,
		"statement_descriptor":                 nil,
		"statement_descriptor_suffix":          nil,
		"status":                               i.status,
		"transfer_data":                        nil,
		"transfer_group":                       nil,
	}
}

func retrieveIntent(a *account, r *request) (rendered, error) {
	r.params.text("client_secret")
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	intent, err := find(&a.intents, r.id, r.livemode, "payment_intent", "intent")
	if err != nil {
		return nil, err
	}
	return renderIntent(intent), nil
}

func listIntents(a *account, r *request) (rendered, error) {
	within := createdWithin(r.params)
	return page(r, &a.intents, "payment_intent", func(i *paymentIntent) bool { return within(i.Created) }, renderIntent)
}
