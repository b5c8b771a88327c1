package stripesim

import "time"

// product is a product of the catalogue.
type product struct {
	Object
	name, description string
	active            bool
	metadata          map[string]string
	updated           time.Time
}

func (a *account) addProduct(p product, livemode bool, by cause) *product {
	p.Object = a.newObject("prod_", livemode)
	p.active, p.updated = true, p.Created
	a.products.put(&p)
	a.emit("product.created", renderProduct(&p), nil, livemode, by)
	return &p
}

func renderProduct(p *product) rendered {
	return rendered{
		"id":                   p.ID,
		"object":               "product",
		"active":               p.active,
		"created":              p.Created.Unix(),
		"default_price":        nil,
		"description":          nullable(p.description),
		"features":             []any{},
		"images":               []any{},
		"livemode":             p.Livemode,
		"metadata":             metadata(p.metadata),
		"name":                 p.name,
		"package_dimensions":   nil,
		"shippable":            nil,
		"statement_descriptor": nil,
		"tax_code":             nil,
		"unit_label":           nil,
		"updated":              p.updated.Unix(),
		"url":                  nil,
	}
}

// readProduct reads product_data, or the body of POST /v1/products itself.
func readProduct(p *params, path ...string) product {
	field := func(name string) []string { return append(append([]string{}, path...), name) }
	return product{
		name:        p.required(field("name")...),
		description: p.text(field("description")...),
		metadata:    p.hash(field("metadata")...),
	}
}

func createProduct(a *account, r *request) (rendered, error) {
	made := readProduct(r.params)
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	return renderProduct(a.addProduct(made, r.livemode, r.cause)), nil
}

func retrieveProduct(a *account, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	p, err := find(&a.products, r.id, r.livemode, "product", "id")
	if err != nil {
		return nil, err
	}
	return renderProduct(p), nil
}

func updateProduct(a *account, r *request) (rendered, error) {
	p, err := find(&a.products, r.id, r.livemode, "product", "id")
	if err != nil {
		return nil, err
	}
	name, active, labels := r.params.text("name"), r.params.flag(p.active, "active"), r.params.hash("metadata")
	description := p.description
	if r.params.has("description") {
		description = r.params.text("description")
	}
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	if name != "" {
		p.name = name
	}
	p.active, p.description, p.metadata = active, description, mergeMetadata(p.metadata, labels)
	p.updated = a.clock.Now()
	a.emit("product.updated", renderProduct(p), nil, p.Livemode, r.cause)
	return renderProduct(p), nil
}

func listProducts(a *account, r *request) (rendered, error) {
	within, active := createdWithin(r.params), activeFilter(r.params)
	return page(r, &a.products, "product", func(p *product) bool { return within(p.Created) && active(p.active) }, renderProduct)
}

// activeFilter reads the parameter that several lists share.
func activeFilter(p *params) func(bool) bool {
	asked, wanted := p.has("active"), p.flag(true, "active")
	return func(active bool) bool { return !asked || active == wanted }
}
