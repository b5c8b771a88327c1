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

// pageSize is the largest page that Stripe returns.
const pageSize = 100

// page is one page of a list.
type page[T any] struct {
	// Data is nil if the response is not a list.
	Data    []T  `json:"data"`
	HasMore bool `json:"has_more"`
}

// getPage reads the first page of a list, or the page after the form's starting_after. Like do, it returns the time of the
// response.
func getPage[T any](ctx context.Context, c *Client, r request) (page[T], time.Time, error) {
	r.method = http.MethodGet
	r.form.Set("limit", strconv.Itoa(pageSize))
	var got page[T]
	date, err := c.do(ctx, r, &got)
	if err == nil && got.Data == nil { // an empty list has Data
		err = fmt.Errorf("%w: the response to %s is not a list", ErrCallFailed, r.operation)
	}
	return got, date, err
}

// list calls each with every item of a list, newest first, until each returns an error. It reads page after page. If
// a page fails, each has received the items of the pages before.
func list[T any](ctx context.Context, c *Client, r request, each func(*T) error) error {
	for after := ""; ; {
		got, _, err := getPage[json.RawMessage](ctx, c, r)
		if err != nil {
			return err
		}
		var last struct {
			ID string `json:"id"`
		}
		for _, raw := range got.Data {
			item := new(T)
			if err := json.Unmarshal(raw, item); err != nil {
				return itemError(r, err)
			}
			if err := each(item); err != nil {
				return err
			}
			if err := json.Unmarshal(raw, &last); err != nil {
				return itemError(r, err)
			}
		}
		if !got.HasMore {
			return nil
		}
		if last.ID == "" || last.ID == after {
			return fmt.Errorf("%w: the response to %s says that there is more, but not where to continue", ErrCallFailed, r.operation)
		}
		after = last.ID
		r.form.Set("starting_after", after)
	}
}

func itemError(r request, err error) error {
	return fmt.Errorf("%w: an item of the response to %s: %s", ErrCallFailed, r.operation, webhook.DescribeJSON(err))
}

// formatUnix formats a time as Stripe's parameters expect it.
func formatUnix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
