package checkout_test

import (
	"net/http"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeshop"
)

// TestCreate: product, price and mode come from the PaymentLink, and the ids from the request.
func TestCreate(t *testing.T) {
	const uid = "00000000-0000-4000-8000-000000000001"
	for name, row := range map[string]struct {
		body string
		want order
		spec func(*v1alpha1.OrderSpec)
	}{
		"plain": {lifetime, order{OrderID: uid}, func(*v1alpha1.OrderSpec) {}},
		"with an id": {`{"paymentLink":"lifetime","namespace":"shop","orderId":"shop-77_A"}`, order{OrderID: "shop-77_A"},
			func(s *v1alpha1.OrderSpec) { s.OrderID = "shop-77_A" }},
		"with the longest id": {`{"paymentLink":"lifetime","namespace":"shop","orderId":"` + strings.Repeat("a", 200) + `"}`, order{OrderID: strings.Repeat("a", 200)},
			func(s *v1alpha1.OrderSpec) { s.OrderID = strings.Repeat("a", 200) }},
		"with a customer": {`{"paymentLink":"lifetime","namespace":"shop","customerId":"c ü 1"}`, order{OrderID: uid},
			func(s *v1alpha1.OrderSpec) { s.CustomerID = "c ü 1" }},
		"with the longest customer": {`{"paymentLink":"lifetime","namespace":"shop","customerId":"` + strings.Repeat("ü", 200) + `"}`, order{OrderID: uid},
			func(s *v1alpha1.OrderSpec) { s.CustomerID = strings.Repeat("ü", 200) }},
		"with empty ones":   {`{"paymentLink":"lifetime","namespace":"shop","orderId":"","customerId":""}`, order{OrderID: uid}, func(*v1alpha1.OrderSpec) {}},
		"with nulls":        {`{"paymentLink":"lifetime","namespace":"shop","orderId":null,"customerId":null}`, order{OrderID: uid}, func(*v1alpha1.OrderSpec) {}},
		"of a private link": {`{"paymentLink":"back.stage","namespace":"shop"}`, order{OrderID: uid}, func(s *v1alpha1.OrderSpec) { s.PaymentLinkRef.Name = "back.stage" }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, fakeshop.Options{}, fakeshop.Link("back.stage", private))
			got := created(t, s.Send(asked(t, row.body)), false)
			orders := s.Orders()
			if len(orders) != 1 {
				t.Fatalf("got %d orders, want 1", len(orders))
			}
			o, want := orders[0], row.want
			want.Status, want.Namespace, want.Name, want.Amount, want.Currency = "pending", "shop", o.Name, 19900, "USD"
			want.CheckoutURL = "https://buy.stripe.com/test_a?client_reference_id=" + want.OrderID
			check.Equal(t, want, got, "result")
			live := false
			spec := v1alpha1.OrderSpec{
				ProductID: "lifetime", ProductName: "Lifetime", Amount: 19900, Currency: "USD", Livemode: &live,
				PaymentLinkRef: &v1alpha1.LocalObjectReference{Name: "lifetime"},
			}
			row.spec(&spec)
			check.Equal(t, spec, o.Spec, "spec")
			wantMetadata(t, o, spec.PaymentLinkRef.Name+"-", "api")
			check.Equal(t, 1, s.Counted()[`orders_created_total{checkout="api"}`], "orders counted")
		})
	}
}

// TestLinkDecides: an order has the mode, the price and the currency of its PaymentLink.
func TestLinkDecides(t *testing.T) {
	s := fakeshop.New(t, fakeshop.Options{}, fakeshop.Link("lifetime", func(l *v1alpha1.PaymentLink) {
		l.Spec.ProductID, l.Spec.ProductName, l.Spec.Amount, l.Spec.Currency, l.Spec.Livemode = "yen", "", 0, "jpy", nil
	}))
	got := created(t, s.Send(asked(t, lifetime)), false)
	o := s.Orders()[0]
	if got.Amount != 0 || got.Currency != "jpy" || o.Spec.ProductID != "yen" || o.Spec.ProductName != "" || !*o.Spec.Livemode || o.Spec.ExpiresAfter != nil {
		t.Errorf("got %+v of spec %+v, want that of the link", got, o.Spec)
	}
}

// TestInvalidRequest: every invalid field is named, and nothing is created.
func TestInvalidRequest(t *testing.T) {
	const noLink, noNamespace = "is no name of a PaymentLink: such names hold lower-case letters", "is no name of a namespace: such names hold lower-case letters"
	for name, row := range map[string]struct {
		body   string
		status int
		fields []string
		says   string
	}{
		"nothing":               {``, 400, nil, "The body is empty"},
		"no fields":             {`{}`, 400, []string{"paymentLink", "namespace"}, "paymentLink: is missing: write the name of a PaymentLink."},
		"no link":               {`{"namespace":"shop"}`, 400, []string{"paymentLink"}, "paymentLink: is missing"},
		"link of null":          {`{"namespace":"shop","paymentLink":null}`, 400, []string{"paymentLink"}, "paymentLink: is missing"},
		"no namespace":          {`{"paymentLink":"lifetime"}`, 400, []string{"namespace"}, "namespace: is missing: write the PaymentLink's namespace."},
		"link in capitals":      {`{"paymentLink":"Lifetime","namespace":"shop"}`, 400, []string{"paymentLink"}, noLink},
		"link with a slash":     {`{"paymentLink":"a/b","namespace":"shop"}`, 400, []string{"paymentLink"}, noLink},
		"link too long":         {`{"paymentLink":"` + strings.Repeat("a", 254) + `","namespace":"shop"}`, 400, []string{"paymentLink"}, noLink},
		"link as a number":      {`{"paymentLink":7,"namespace":"shop"}`, 400, []string{"paymentLink"}, "paymentLink: must be a string."},
		"namespace in capitals": {`{"paymentLink":"lifetime","namespace":"Shop"}`, 400, []string{"namespace"}, noNamespace},
		"namespace with a dot":  {`{"paymentLink":"lifetime","namespace":"a.b"}`, 400, []string{"namespace"}, noNamespace},
		"namespace too long":    {`{"paymentLink":"lifetime","namespace":"` + strings.Repeat("a", 64) + `"}`, 400, []string{"namespace"}, noNamespace},
		"namespace as an array": {`{"paymentLink":"lifetime","namespace":["shop"]}`, 400, []string{"namespace"}, "namespace: must be a string."},
		"id with a dot":         {`{"paymentLink":"lifetime","namespace":"shop","orderId":"a.b"}`, 400, []string{"orderId"}, "orderId: may hold only letters, digits, _ and -"},
		"id with a space":       {`{"paymentLink":"lifetime","namespace":"shop","orderId":"a b"}`, 400, []string{"orderId"}, "orderId: may hold only"},
		"id with a line break":  {`{"paymentLink":"lifetime","namespace":"shop","orderId":"a\n"}`, 400, []string{"orderId"}, "orderId: may hold only"},
		"id too long":           {`{"paymentLink":"lifetime","namespace":"shop","orderId":"` + strings.Repeat("a", 201) + `"}`, 400, []string{"orderId"}, "200 characters at most"},
		"id of a route":         {`{"paymentLink":"lifetime","namespace":"shop","orderId":"capture"}`, 400, []string{"orderId"}, "orderId: is taken by the route /api/orders/capture"},
		"customer too long":     {`{"paymentLink":"lifetime","namespace":"shop","customerId":"` + strings.Repeat("ü", 201) + `"}`, 400, []string{"customerId"}, "customerId: may be at most 200 characters long."},
		"all":                   {`{"paymentLink":"A","namespace":"B","orderId":".","customerId":"` + strings.Repeat("c", 201) + `"}`, 400, []string{"paymentLink", "namespace", "orderId", "customerId"}, "paymentLink: " + noLink},
		"a price":               {`{"paymentLink":"lifetime","namespace":"shop","amount":1}`, 400, []string{"amount"}, "amount: is not a field of this request"},
		"too large":             {`{"paymentLink":"` + strings.Repeat("a", 16<<10) + `"}`, 413, nil, "at most 16 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			p := fakeshop.Refused(t, newShop(t, readOnly(t)).Send(asked(t, row.body)), row.status, row.says)
			check.Equal(t, row.fields, p.Fields(), "fields")
		})
	}
}

// TestNoReadyLink: without a ready PaymentLink nothing is created.
func TestNoReadyLink(t *testing.T) {
	for name, row := range map[string]struct {
		namespaces []string
		body       string
		status     int
		says       string
	}{
		"no such link":         {nil, `{"paymentLink":"forever","namespace":"shop"}`, 404, "paymentLink: there is no PaymentLink of this name in the namespace."},
		"of another namespace": {nil, `{"paymentLink":"beyond","namespace":"shop"}`, 404, "paymentLink: there is no PaymentLink"},
		"not served":           {[]string{"annex"}, lifetime, 404, "paymentLink: there is no PaymentLink"},
		"not ready":            {nil, `{"paymentLink":"broken","namespace":"shop"}`, 409, "paymentLink: the PaymentLink is not Ready: its conditions say why."},
		"an id of another's":   {nil, `{"paymentLink":"lifetime","namespace":"shop","orderId":"mine"}`, 409, "orderId: another order has this id: choose another, or leave it out."},
		"a uid of another's":   {nil, `{"paymentLink":"lifetime","namespace":"shop","orderId":"uid-of-x"}`, 409, "orderId: another order has this id"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, fakeshop.Options{Failures: fakeshop.ReadOnly(t), Namespaces: row.namespaces},
				fakeshop.Link("broken", unready), fakeshop.Link("beyond", inAnnex), fakeshop.Order("mine", func(o *v1alpha1.Order) { o.Namespace = "annex" }),
				fakeshop.Order("x", func(o *v1alpha1.Order) { o.Spec.OrderID = "" }))
			fakeshop.Refused(t, s.Send(asked(t, row.body)), row.status, row.says)
		})
	}
	created(t, newShop(t, fakeshop.Options{Namespaces: []string{"annex", "shop"}}).Send(asked(t, lifetime)), false)
}

// TestLinkOfOlderGeneration: a PaymentLink whose present spec the controller has not reconciled is not ready.
func TestLinkOfOlderGeneration(t *testing.T) {
	s := newShop(t, readOnly(t))
	changed := fakeshop.Link("lifetime")
	check.Must(t, s.API.Get(t.Context(), client.ObjectKeyFromObject(changed), changed))
	changed.Generation++
	check.Must(t, s.API.Update(t.Context(), changed))
	fakeshop.Refused(t, s.Send(asked(t, lifetime)), http.StatusConflict, "the PaymentLink is not Ready")
}
