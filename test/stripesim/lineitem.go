package stripesim

import "slices"

// lineItem is a price and how many of it.
type lineItem struct {
	id       string
	price    *price
	quantity int64
}

func total(items []lineItem) (sum int64) {
	for _, item := range items {
		sum += item.price.amount * item.quantity
	}
	return sum
}

func renderLineItem(item lineItem) rendered {
	amount := item.price.amount * item.quantity
	return rendered{
		"id":              item.id,
		"object":          "item",
		"amount_discount": 0,
		"amount_subtotal": amount,
		"amount_tax":      0,
		"amount_total":    amount,
		"currency":        item.price.currency,
		"description":     item.price.product.name,
		"price":           renderPrice(item.price),
		"quantity":        item.quantity,
	}
}

// renderLineItems is the list inside an expanded link or session.
func renderLineItems(items []lineItem, path string) rendered {
	data := make([]any, 0, len(items))
	for _, item := range items {
		data = append(data, renderLineItem(item))
	}
	return listOf(path, data, false)
}

// pageLineItems answers the list at its own path. Line items keep their order, and a link has at most twenty.
func pageLineItems(r *request, items []lineItem) (rendered, error) {
	asked, err := readCursor(r.params)
	if err != nil {
		return nil, err
	}
	place := func(id string) int {
		return slices.IndexFunc(items, func(item lineItem) bool { return item.id == id })
	}
	if i := place(asked.after); i >= 0 {
		items = items[i+1:]
	}
	if i := place(asked.before); i >= 0 {
		items = items[max(0, i-asked.limit):i]
	}
	shown := items[:min(asked.limit, len(items))]
	list := renderLineItems(shown, r.path)
	list["has_more"] = len(shown) < len(items)
	return list, nil
}

// lineItemParams is a line item that a request describes.
type lineItemParams struct {
	priceID  string
	data     priceParams
	quantity int64
	param    string
}

// readLineItems reads line_items[0], line_items[1], ….
func readLineItems(p *params) []lineItemParams {
	const field = "line_items"
	var items []lineItemParams
	for _, index := range p.indices(field) {
		read := lineItemParams{
			param:    key(field, index, "price"),
			priceID:  p.text(field, index, "price"),
			quantity: p.integer(1, 1, field, index, "quantity"),
		}
		if read.priceID == "" {
			read.data = readPrice(p, field, index, "price_data")
		}
		p.mustBeOff(field, index, "adjustable_quantity", "enabled")
		items = append(items, read)
	}
	if len(items) == 0 {
		p.fail(errRequired(field))
	}
	return items
}

// checkLineItems refuses items before any price is made for them: items that name missing objects, or that differ in currency.
// An empty currency is any.
func checkLineItems(a *account, reads []lineItemParams, currency string, livemode bool) error {
	currencies := map[string]bool{}
	for _, read := range reads {
		if read.priceID == "" {
			if _, err := read.data.findProduct(a, livemode); err != nil {
				return err
			}
			currencies[read.data.price.currency] = true
			continue
		}
		named, err := find(&a.prices, read.priceID, livemode, "price", read.param)
		if err != nil {
			return err
		}
		currencies[named.currency] = true
	}
	if len(currencies) > 1 {
		return errInvalid("line_items", "", "All line items must have the same currency.")
	}
	if currency != "" && !currencies[currency] {
		return errInvalid("currency", "", "The price has no %s option.", currency)
	}
	return nil
}

// makeLineItems makes the prices that checked items describe.
func makeLineItems(a *account, reads []lineItemParams, currency string, livemode bool, by cause) ([]lineItem, error) {
	if err := checkLineItems(a, reads, currency, livemode); err != nil {
		return nil, err
	}
	items := make([]lineItem, 0, len(reads))
	for _, read := range reads {
		asked, ok := a.prices.get(read.priceID)
		if !ok {
			made, err := read.data.make(a, livemode, by)
			if err != nil {
				return nil, err
			}
			asked = made
		}
		items = append(items, lineItem{id: randomID("li_1", 23), price: asked, quantity: read.quantity})
	}
	return items, nil
}
