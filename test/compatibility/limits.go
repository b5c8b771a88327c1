package compatibility

import "strconv"

// limits compares the limits of a value. A limit can be removed, or moved so that it accepts more.
func (f field) limits() {
	b, a := f.before, f.after
	const atMost, atLeast = 1, -1
	for _, limit := range []struct {
		name          string
		direction     float64
		before, after *float64
		excluded      bool // the limit itself was accepted, and is not any more
	}{
		{"maximum", atMost, b.Maximum, a.Maximum, a.ExclusiveMaximum && !b.ExclusiveMaximum},
		{"minimum", atLeast, b.Minimum, a.Minimum, a.ExclusiveMinimum && !b.ExclusiveMinimum},
		{"maxLength", atMost, number(b.MaxLength), number(a.MaxLength), false},
		{"minLength", atLeast, number(b.MinLength), number(a.MinLength), false},
		{"maxItems", atMost, number(b.MaxItems), number(a.MaxItems), false},
		{"minItems", atLeast, number(b.MinItems), number(a.MinItems), false},
		{"maxProperties", atMost, number(b.MaxProperties), number(a.MaxProperties), false},
		{"minProperties", atLeast, number(b.MinProperties), number(a.MinProperties), false},
	} {
		switch {
		case limit.after == nil:
		case limit.before == nil:
			f.refuse("it had no %s, and has one of %s", limit.name, decimal(*limit.after))
		case limit.direction**limit.after < limit.direction**limit.before:
			f.refuse("its %s was %s and is %s", limit.name, decimal(*limit.before), decimal(*limit.after))
		case *limit.after == *limit.before && limit.excluded:
			f.refuse("its %s of %s is itself no longer accepted", limit.name, decimal(*limit.after))
		}
	}
}

func number(n *int64) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
