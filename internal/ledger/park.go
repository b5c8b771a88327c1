package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/payment"
)

// parkIfOurs parks a fact that no order has. It ignores a session of another shop, which names no order and did not come
// through a PaymentLink. A refund or dispute names only its payment, so it is parked: the event of its session can come
// later.
func (l *Ledger) parkIfOurs(ctx context.Context, fact payment.Fact) (Result, error) {
	if fact.OfSession() && fact.ClientReferenceID == "" {
		ours, err := l.hasPaymentLink(ctx, fact.Session.PaymentLinkID)
		if err != nil {
			return "", err
		}
		if !ours {
			if fact.Session.Outcome == v1alpha1.OutcomePaid && fact.Session.PaymentLinkID != "" {
				log.FromContext(ctx).Info("Ignored a payment that names no order and no PaymentLink",
					"session", fact.Session.ID, "paymentLinkId", fact.Session.PaymentLinkID)
			}
			return NotOurs, nil
		}
	}
	return l.park(ctx, fact)
}

// hasPaymentLink reports whether there is a PaymentLink with Stripe's id of a link.
func (l *Ledger) hasPaymentLink(ctx context.Context, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	for _, source := range []struct {
		reader client.Reader
		field  string
	}{{l.Cache, IndexPaymentLinkID}, {l.Live, fieldPaymentLinkID}} {
		for _, namespace := range l.namespaces() {
			var links v1alpha1.PaymentLinkList
			err := source.reader.List(ctx, &links, client.InNamespace(namespace), client.MatchingFields{source.field: id})
			if err != nil {
				return false, fmt.Errorf("find payment link: %w", err)
			}
			if len(links.Items) > 0 {
				return true, nil
			}
		}
	}
	return false, nil
}

// OwnsSession reports whether a session belongs to a sale of this installation: it came through one of its PaymentLinks, or
// names an order that exists.
func (l *Ledger) OwnsSession(ctx context.Context, fact payment.Fact) (bool, error) {
	if _, err := l.find(ctx, fact, nil); !errors.Is(err, ErrUnknown) {
		return err == nil, err
	}
	if _, err := l.ByReference(ctx, fact.ClientReferenceID); !errors.Is(err, ErrUnknown) {
		return err == nil, err
	}
	return l.hasPaymentLink(ctx, fact.Session.PaymentLinkID)
}

// park keeps the fact as a StripeEvent. A StripeEvent of the same name holds the same fact.
func (l *Ledger) park(ctx context.Context, fact payment.Fact) (Result, error) {
	event := &v1alpha1.StripeEvent{
		ObjectMeta: metav1.ObjectMeta{Namespace: l.EventNamespace, Name: EventName(fact.EventID)},
		Spec:       v1alpha1.StripeEventSpec{Fact: v1alpha1.StripeEventFact(fact)},
	}
	err := l.Writer.Create(ctx, event)
	switch {
	case apierrors.IsAlreadyExists(err):
		return Unchanged, nil
	case err != nil:
		return "", fmt.Errorf("keep event %s: %w", fact.EventID, err)
	}
	return Parked, nil
}

// EventName is the name of a Stripe event's StripeEvent. It is a hash: Stripe's ids can have upper-case letters and _,
// which names cannot have, and can differ by case alone.
func EventName(eventID string) string {
	sum := sha256.Sum256([]byte(eventID))
	return "evt-" + hex.EncodeToString(sum[:20])
}

// previewPark returns the expected result of parkIfOurs, and writes nothing.
func (l *Ledger) previewPark(ctx context.Context, fact payment.Fact) (Result, error) {
	if fact.OfSession() && fact.ClientReferenceID == "" {
		if ours, err := l.hasPaymentLink(ctx, fact.Session.PaymentLinkID); err != nil || !ours {
			return NotOurs, err
		}
	}
	err := l.Live.Get(ctx, client.ObjectKey{Namespace: l.EventNamespace, Name: EventName(fact.EventID)}, &v1alpha1.StripeEvent{})
	if apierrors.IsNotFound(err) {
		return Parked, nil
	}
	return Unchanged, err
}
