// Package billing tells buyers who come back from paying what became of it: as JSON at the capture route, and as a
// page. It only ever reads: a webhook settles an order, and nothing that a browser says does.
package billing

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// IndexSession finds orders by the Checkout Sessions of their payments.
const IndexSession = "sessionId"

// BySession is the IndexerFunc of IndexSession.
func BySession(o client.Object) []string {
	order, ok := o.(*v1alpha1.Order)
	if !ok {
		return nil
	}
	var sessions []string
	for i := range order.Status.Payments {
		sessions = append(sessions, order.Status.Payments[i].SessionID)
	}
	return sessions
}

// Index registers the index with a cache.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	if err := indexer.IndexField(ctx, &v1alpha1.Order{}, IndexSession, BySession); err != nil {
		return fmt.Errorf("index orders by session: %w", err)
	}
	return nil
}
