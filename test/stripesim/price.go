package stripesim

import "strconv"

// price is the price of a product in minor units.
type price struct {
	Object
	product             *product
	amount              int64
	currency            string
	active              bool
	nickname, lookupKey string
	metadata            map[string]string
}

func (a *account) addPrice(p price, livemode bool, by cause) *price {
	p.Object = a.newObject("price_1", livemode)
	p.active = true
	a.prices.put(&p)
	a.emit("price.created", renderPrice(&p), nil, livemode, by)
	return &p
}

func renderPrice(p *price) rendered {
	return rendered{
		"id":                  p.ID,
		"object":              "price",
		"active":              p.active,
		"billing_scheme":      "per_unit",
		"created":             p.Created.Unix(),
		"currency":            p.currency,
		"custom_unit_amount":  nil,
		"livemode":            p.Livemode,
		"lookup_key":          nullable(p.lookupKey),
		"metadata":            metadata(p.metadata),
		"nickname":            nullable(p.nickname),
		"product":             p.product.ID,
		"recurring":           nil,
		"tax_behavior":        "unspecified",
		"tiers_mode":          nil,
		"transform_quantity":  nil,
		"type":                "one_time",
		"unit_amount":         p.amount,
		"unit_amount_decimal": strconv.FormatInt(p.amount, 10),
	}
}

// priceParams is a price that a request describes, beside the product that it
// describes or names.
type priceParams struct {
	price      price
	newProduct product
	productID  string
	path       []string
}

// readPrice reads price_data of a line item, or the body of POST /v1/prices.
func readPrice(p *params, path ...string) priceParams {
	field := func(names ...string) []string { return append(append([]string{}, path...), names...) }
	read := priceParams{path: field("product"), productID: p.text(field("product")...)}
	if read.productID == "" {
		read.newProduct = readProduct(p, field("product_data")...)
	}
	read.price.currency = p.required(field("currency")...)
	if code := read.price.currency; code != "" && !validCurrency(code) {
		p.fail(errInvalid(key(field("currency")...), "", "Invalid currency: %s", code))
	}
	decimal, whole := field("unit_amount_decimal"), field("unit_amount")
	if p.has(decimal...) && !p.has(whole...) {
		whole = decimal
	}
	p.required(whole...)
	read.price.amount = p.integer(0, 0, whole...)
	return read
}

// findProduct is the product that the request names; nil where it describes one.
func (read priceParams) findProduct(a *account, livemode bool) (*product, error) {
	if read.productID == "" {
		return nil, nil
	}
	return find(&a.products, read.productID, livemode, "product", key(read.path...))
}

// make creates the price, and its product if that is new.
func (read priceParams) make(a *account, livemode bool, by cause) (*price, error) {
	sold, err := read.findProduct(a, livemode)
	if err != nil {
		return nil, err
	}
	if sold == nil {
		sold = a.addProduct(read.newProduct, livemode, by)
	}
	made := read.price
	made.product = sold
	return a.addPrice(made, livemode, by), nil
}

func createPrice(a *account, r *request) (rendered, error) {
	read := readPrice(r.params)
	read.price.nickname, read.price.lookupKey = r.params.text("nickname"), r.params.text("lookup_key")
	read.price.metadata = r.params.hash("metadata")
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	made, err := read.make(a, r.livemode, r.cause)
	if err != nil {
		return nil, err
	}
	return renderPrice(made), nil
}

func retrievePrice(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	p, err := find(&a.prices, r.id, r.livemode, "price", "price")
	if err != nil {
		return nil, err
	}
	return renderPrice(p), nil
}

func updatePrice(a *account, r *request) (rendered, error) {
	p, err := find(&a.prices, r.id, r.livemode, "price", "price")
	if err != nil {
		return nil, err
	}
	active, labels := r.params.flag(p.active, "active"), r.params.hash("metadata")
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	p.active, p.metadata = active, mergeMetadata(p.metadata, labels)
	a.emit("price.updated", renderPrice(p), nil, p.Livemode, r.cause)
	return renderPrice(p), nil
}

func listPrices(a *account, r *request) (rendered, error) {
	within, active := createdWithin(r.params), activeFilter(r.params)
	product, currency, lookup := equals(r.params, "product"), equals(r.params, "currency"), among(r.params, "lookup_keys")
	return page(r, &a.prices, "price", func(p *price) bool {
		return within(p.Created) && active(p.active) && product(p.product.ID) && currency(p.currency) && lookup(p.lookupKey)
	}, renderPrice)
}
