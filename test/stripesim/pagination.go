package stripesim

import (
	"slices"
	"time"
)

const (
	defaultPage = 10
	largestPage = 100
)

// cursor is which part of a list was asked for.
type cursor struct {
	limit         int
	after, before string
}

func readCursor(p *params) (cursor, error) {
	c := cursor{
		limit: int(p.integer(1, defaultPage, "limit")),
		after: p.text("starting_after"), before: p.text("ending_before"),
	}
	if c.limit > largestPage {
		p.fail(errInvalid("limit", "parameter_invalid_integer", "This value must be less than or equal to %d.", largestPage))
	}
	if c.after != "" && c.before != "" {
		p.fail(errInvalid("ending_before", "", "You can only specify one of these parameters: starting_after, ending_before."))
	}
	if p.pageLimit > 0 {
		c.limit = min(c.limit, p.pageLimit)
	}
	return c, p.problem()
}

// page answers a list request by limit, starting_after and ending_before. The records that keep accepts come newest first. It reads
// a request's last parameters, so it also refuses unknown ones.
func page[T any, P entity[T]](r *request, s *store[T, P], noun string, keep func(P) bool, render func(P) rendered) (rendered, error) {
	asked, err := readCursor(r.params)
	if err != nil {
		return nil, err
	}
	for param, id := range map[string]string{"starting_after": asked.after, "ending_before": asked.before} {
		if id == "" {
			continue
		}
		if _, err := find(s, id, r.livemode, noun, param); err != nil {
			return nil, err
		}
	}
	kept := between(s, asked, func(record P) bool { return record.head().Livemode == r.livemode && keep(record) })
	more := len(kept) > asked.limit
	switch {
	case more && asked.before != "":
		kept = kept[len(kept)-asked.limit:]
	case more:
		kept = kept[:asked.limit]
	}
	data := make([]any, 0, len(kept))
	for _, record := range kept {
		data = append(data, render(record))
	}
	return listOf(r.path, data, more), nil
}

// between are the records on the asked side of the cursor. The cursor need not
// pass the filter itself: it only marks a place.
func between[T any, P entity[T]](s *store[T, P], asked cursor, keep func(P) bool) (kept []P) {
	for record := range s.newestFirst() {
		switch id := record.head().ID; {
		case id == asked.before:
			return kept
		case id == asked.after:
			kept = kept[:0]
		case keep(record):
			kept = append(kept, record)
		}
	}
	return kept
}

func listOf(path string, data []any, more bool) rendered {
	return rendered{"object": "list", "url": path, "has_more": more, "data": data}
}

// everything is a filter for lists that have none.
func everything[P any](P) bool { return true }

// createdWithin reads created, created[gt], created[gte], created[lt] and
// created[lte] into a filter.
func createdWithin(p *params) func(time.Time) bool {
	const absent = -1
	exact := p.integer(0, absent, "created")
	gt, gte := p.integer(0, absent, "created", "gt"), p.integer(0, absent, "created", "gte")
	lt, lte := p.integer(0, absent, "created", "lt"), p.integer(0, absent, "created", "lte")
	return func(t time.Time) bool {
		at := t.Unix()
		return (exact == absent || at == exact) &&
			(gt == absent || at > gt) && (gte == absent || at >= gte) &&
			(lt == absent || at < lt) && (lte == absent || at <= lte)
	}
}

// equals reads a parameter into a filter on one field; absent lets all through.
func equals(p *params, name string) func(string) bool {
	wanted := p.text(name)
	return func(value string) bool { return wanted == "" || value == wanted }
}

// among reads a repeated parameter into a filter on one field.
func among(p *params, name string) func(string) bool {
	wanted := p.list(name)
	return func(value string) bool { return len(wanted) == 0 || slices.Contains(wanted, value) }
}
