package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/paylink-dev/paylink/internal/stripe/webhook"
)

// pageSize is the most that Stripe returns at once.
const pageSize = 100

// page is a part of a list.
type page[T any] struct {
	// Data is nil where the answer was no list.
	Data    []T  `json:"data"`
	HasMore bool `json:"has_more"`
}

// askPage asks for the newest of a list, or for what comes next where the form says starting_after. It returns when
// Stripe answered, as ask does.
func askPage[T any](ctx context.Context, c *Client, one call) (page[T], time.Time, error) {
	one.method = http.MethodGet
	one.form.Set("limit", strconv.Itoa(pageSize))
	var got page[T]
	answered, err := c.ask(ctx, one, &got)
	if err == nil && got.Data == nil { // which is not a list with nothing in it
		err = fmt.Errorf("%w: it answered %s with something else than a list", ErrUnanswered, one.operation)
	}
	return got, answered, err
}

// list calls each with what a list has, page after page, newest first, until it returns an error. Where an error comes
// between pages, what came before was passed on.
func list[T any](ctx context.Context, c *Client, one call, each func(*T) error) error {
	for after := ""; ; {
		got, _, err := askPage[json.RawMessage](ctx, c, one)
		if err != nil {
			return err
		}
		var last struct {
			ID string `json:"id"`
		}
		for _, item := range got.Data {
			read := new(T)
			if err := json.Unmarshal(item, read); err != nil {
				return fmt.Errorf("%w: an item of its answer to %s is %s", ErrUnanswered, one.operation, webhook.DescribeJSON(err))
			}
			if err := each(read); err != nil {
				return err
			}
			if err := json.Unmarshal(item, &last); err != nil {
				return fmt.Errorf("%w: an item of its answer to %s is %s", ErrUnanswered, one.operation, webhook.DescribeJSON(err))
			}
		}
		if !got.HasMore {
			return nil
		}
		if last.ID == "" || last.ID == after {
			return fmt.Errorf("%w: its answer to %s says that there is more, and not what comes next", ErrUnanswered, one.operation)
		}
		after = last.ID
		one.form.Set("starting_after", after)
	}
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
