package stripesim

import "time"

// product is what is sold.
type product struct {
	Object
	name, description string
	active            bool
	metadata          map[string]string
	updated           time.Time
}

func (w *world) addProduct(p product, livemode bool, by cause) *product {
	p.Object = w.newObject("prod_", livemode)
	p.active, p.updated = true, p.Created
	w.products.put(&p)
	w.emit("product.created", renderProduct(&p), nil, livemode, by)
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

func createProduct(w *world, r *request) (rendered, error) {
	made := readProduct(r.params)
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	return renderProduct(w.addProduct(made, r.livemode, r.cause)), nil
}

func retrieveProduct(w *world, r *request) (rendered, error) {
	if err := r.params.problem(); err != nil {
		return nil, err
	}
	p, err := find(&w.products, r.id, r.livemode, "product", "id")
	if err != nil {
		return nil, err
	}
	return renderProduct(p), nil
}

func updateProduct(w *world, r *request) (rendered, error) {
	p, err := find(&w.products, r.id, r.livemode, "product", "id")
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
	p.updated = w.clock.Now()
	w.emit("product.updated", renderProduct(p), nil, p.Livemode, r.cause)
	return renderProduct(p), nil
}

func listProducts(w *world, r *request) (rendered, error) {
	within, active := createdWithin(r.params), activeFilter(r.params)
	return page(r, &w.products, "product", func(p *product) bool { return within(p.Created) && active(p.active) }, renderProduct)
}

// activeFilter reads the parameter that several lists share.
func activeFilter(p *params) func(bool) bool {
	asked, wanted := p.has("active"), p.flag(true, "active")
	return func(active bool) bool { return !asked || active == wanted }
}
