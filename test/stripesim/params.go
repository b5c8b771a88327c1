package stripesim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params are the form fields of a request, nested the way Stripe nests them:
// line_items[0][price_data][unit_amount]. A handler reads what it knows and then
// asks for the problem; a field that nobody read is one of them.
type params struct {
	values url.Values
	read   map[string]bool
	first  *APIError
	// pageLimit cuts pages short; 0 does not.
	pageLimit int
}

func newParams(values url.Values) *params {
	return &params{values: values, read: map[string]bool{}}
}

// key joins a path of names into a field's name.
func key(path ...string) string {
	name := path[0]
	for _, part := range path[1:] {
		name += "[" + part + "]"
	}
	return name
}

func (p *params) fail(err *APIError) {
	if p.first == nil {
		p.first = err
	}
}

// problem is the first thing that is wrong with the request, or nil.
func (p *params) problem() error {
	if p.first != nil {
		return p.first
	}
	names := make([]string, 0, len(p.values))
	for name := range p.values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !p.read[name] {
			return errInvalid(name, "parameter_unknown", "Received unknown parameter: %s", name)
		}
	}
	return nil
}

func (p *params) has(path ...string) bool {
	_, ok := p.values[key(path...)]
	return ok
}

// text is the field's value, or "" where it is absent.
func (p *params) text(path ...string) string {
	name := key(path...)
	p.read[name] = true
	return p.values.Get(name)
}

// required is a text that must be there.
func (p *params) required(path ...string) string {
	value := p.text(path...)
	if value == "" {
		p.fail(errRequired(key(path...)))
	}
	return value
}

// oneOf is a text of a closed set. The first is the default.
func (p *params) oneOf(allowed []string, path ...string) string {
	value := p.text(path...)
	if value == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, value) {
		p.fail(errInvalid(key(path...), "", "Invalid %s: must be one of %s", key(path...), strings.Join(allowed, ", ")))
	}
	return value
}

// integer is a number of at least min, or the fallback where it is absent.
func (p *params) integer(least, fallback int64, path ...string) int64 {
	value := p.text(path...)
	if value == "" {
		return fallback
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		p.fail(errInvalid(key(path...), "parameter_invalid_integer", "Invalid integer: %s", value))
		return fallback
	}
	if n < least {
		p.fail(errInvalid(key(path...), "parameter_invalid_integer", "This value must be greater than or equal to %d.", least))
	}
	return n
}

// flag is a boolean, or the fallback where it is absent.
func (p *params) flag(fallback bool, path ...string) bool {
	switch value := p.text(path...); value {
	case "":
		return fallback
	case "true":
		return true
	case "false":
		return false
	default:
		p.fail(errInvalid(key(path...), "", "Invalid boolean: %s", value))
		return fallback
	}
}

// mustBeOff refuses a feature that the simulator does not have and that would change the price.
func (p *params) mustBeOff(path ...string) {
	if p.flag(false, path...) {
		p.fail(errInvalid(key(path...), "", "The simulator does not support %s.", key(path...)))
	}
}

// list is every value of name, name[] and name[0], name[1], ….
func (p *params) list(name string) []string {
	var all []string
	for _, spelling := range []string{name, name + "[]"} {
		if values, ok := p.values[spelling]; ok {
			p.read[spelling] = true
			all = append(all, values...)
		}
	}
	for _, index := range p.indices(name) {
		if value := p.text(name, index); value != "" {
			all = append(all, value)
		}
	}
	return all
}

// hash is every name[key] under a path.
func (p *params) hash(path ...string) map[string]string {
	labels := map[string]string{}
	prefix := key(path...) + "["
	for name := range p.values {
		label, ok := strings.CutPrefix(name, prefix)
		if !ok || !strings.HasSuffix(label, "]") || strings.ContainsAny(label[:len(label)-1], "[]") {
			continue
		}
		p.read[name] = true
		labels[label[:len(label)-1]] = p.values.Get(name)
	}
	return labels
}

// indices are the positions 0, 1, … that occur under a name, in order.
func (p *params) indices(name string) []string {
	var numbers []int
	for field := range p.values {
		rest, ok := strings.CutPrefix(field, name+"[")
		if !ok {
			continue
		}
		index, _, _ := strings.Cut(rest, "]")
		if n, err := strconv.Atoi(index); err == nil && n >= 0 && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	found := make([]string, len(numbers))
	for i, n := range numbers {
		found[i] = strconv.Itoa(n)
	}
	return found
}
