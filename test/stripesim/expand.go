package stripesim

import (
	"slices"
	"strings"
)

// deepestExpansion is how many fields an expand path may name.
const deepestExpansion = 4

// expandable are the fields whose id can be replaced by the object.
var expandable = []string{"payment_intent", "latest_charge", "charge", "payment_link", "product"}

// expandAll replaces ids by objects, as expand[]=payment_intent.latest_charge asks.
func (a *account) expandAll(shown rendered, paths []string) error {
	for _, path := range paths {
		fields := strings.Split(path, ".")
		if len(fields) > deepestExpansion {
			return errInvalid("expand", "", "You cannot expand more than %d levels of a property. Property: %s", deepestExpansion, path)
		}
		if !a.expand(shown, fields) {
			return errInvalid("expand", "", "This property cannot be expanded (%s).", path)
		}
	}
	return nil
}

func (a *account) expand(node any, fields []string) bool {
	if len(fields) == 0 {
		return true
	}
	switch node := node.(type) {
	case nil:
		return true
	case []any:
		for _, item := range node {
			if !a.expand(item, fields) {
				return false
			}
		}
		return true
	case rendered:
		return a.expandField(node, fields)
	}
	return false
}

func (a *account) expandField(node rendered, fields []string) bool {
	field := fields[0]
	if attached := a.attachedList(node, field); attached != nil {
		node[field] = attached
	}
	value, present := node[field]
	if id, isID := value.(string); isID {
		if !slices.Contains(expandable, field) {
			return false
		}
		found := a.lookUp(id)
		if found == nil {
			return false
		}
		node[field], value = found, found
	}
	return present && a.expand(value, fields[1:])
}

// attachedList is a list that the API shows only where it was asked for.
func (a *account) attachedList(node rendered, field string) any {
	id, _ := node["id"].(string)
	switch kind := node["object"]; {
	case kind == "checkout.session" && field == "line_items":
		if s, ok := a.sessions.get(id); ok {
			return renderLineItems(s.items, "/v1/checkout/sessions/"+id+"/line_items")
		}
	case kind == "payment_link" && field == "line_items":
		if l, ok := a.links.get(id); ok {
			return renderLineItems(l.items, "/v1/payment_links/"+id+"/line_items")
		}
	case kind == "charge" && field == "refunds":
		if c, ok := a.charges.get(id); ok {
			return renderRefunds(c)
		}
	}
	return nil
}

// lookUp renders the object of an id that another object refers to. Both are
// always of one mode.
func (a *account) lookUp(id string) any {
	prefix, _, _ := strings.Cut(id, "_")
	switch prefix {
	case "pi":
		if intent, ok := a.intents.get(id); ok {
			return renderIntent(intent)
		}
	case "ch":
		if c, ok := a.charges.get(id); ok {
			return renderCharge(c)
		}
	case "plink":
		if link, ok := a.links.get(id); ok {
			return a.renderPaymentLink(link)
		}
	case "prod":
		if p, ok := a.products.get(id); ok {
			return renderProduct(p)
		}
	}
	return nil
}
