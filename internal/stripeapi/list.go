package stripeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// pageSize is the most that Stripe returns at once.
const pageSize = 100

// list calls each with what a list has, page after page, newest first, until it returns an error. Where an error comes
// between pages, what came before was passed on.
func list[T any](ctx context.Context, c *Client, one call, each func(*T) error) error {
	one.method = http.MethodGet
	one.form.Add("limit", strconv.Itoa(pageSize))
	for {
		var page struct {
			Data    []json.RawMessage `json:"data"`
			HasMore bool              `json:"has_more"`
		}
		if _, err := c.ask(ctx, one, &page); err != nil {
			return err
		}
		var last struct {
			ID string `json:"id"`
		}
		for _, item := range page.Data {
			read := new(T)
			if err := json.Unmarshal(item, read); err != nil {
				return fmt.Errorf("%w: an item of its answer to %s is %s", ErrUnanswered, one.operation, describe(err))
			}
			if err := each(read); err != nil {
				return err
			}
			if err := json.Unmarshal(item, &last); err != nil {
				return fmt.Errorf("%w: an item of its answer to %s is %s", ErrUnanswered, one.operation, describe(err))
			}
		}
		if !page.HasMore {
			return nil
		}
		if last.ID == "" {
			return fmt.Errorf("%w: its answer to %s says that there is more, and not what comes next", ErrUnanswered, one.operation)
		}
		one.form.Set("starting_after", last.ID)
	}
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
