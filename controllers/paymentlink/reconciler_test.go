package paymentlink

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// unjudged is a link as somebody applies it.
func unjudged(name string) *v1alpha1.PaymentLink {
	l := link(name)
	l.Status = v1alpha1.PaymentLinkStatus{}
	return l
}

// TestLinkBecomesReady in one write, is not written again, and follows its spec.
func TestLinkBecomesReady(t *testing.T) {
	s := newShop(t, interceptor.Funcs{}, unjudged("l"))
	l := link("l")
	look := func() {
		t.Helper()
		s.read(l)
		if result, err := s.links.Reconcile(t.Context(), l); err != nil || result.RequeueAfter != 0 {
			t.Errorf("%v, %+v", err, result)
		}
		s.read(l)
	}
	look()
	look()
	if s.writes != 1 || !l.Ready() || l.Status.URL != l.Spec.URL {
		t.Errorf("%d writes, and the link is %+v", s.writes, l.Status)
	}
	l.Generation++
	l.Spec.Amount = 24900
	s.must(s.api.Update(t.Context(), l))
	if l.Ready() {
		t.Error("ready, though its new price was not looked at")
	}
	look()
	if s.writes != 2 || !l.Ready() || l.Status.Price != "249.00 USD" {
		t.Errorf("%d writes, and the link is %+v", s.writes, l.Status)
	}
}

// TestLinkAndTrouble: a conflict, or a link that is gone, is no error; anything else is one.
func TestLinkAndTrouble(t *testing.T) {
	links := schema.GroupResource{Group: v1alpha1.GroupName, Resource: "paymentlinks"}
	away := errors.New("connection refused")
	for name, row := range map[string]struct{ trouble, want error }{
		"another writer was first": {apierrors.NewConflict(links, "l", away), nil},
		"deleted meanwhile":        {apierrors.NewNotFound(links, "l"), nil},
		"API server away":          {away, away},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, interceptor.Funcs{
				SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
					return row.trouble
				},
			}, unjudged("l"))
			if _, err := s.links.Reconcile(t.Context(), unjudged("l")); !errors.Is(err, row.want) {
				t.Errorf("%v, not %v", err, row.want)
			}
		})
	}
	t.Run("being deleted", func(t *testing.T) {
		s := newShop(t, interceptor.Funcs{}, unjudged("l"))
		l := unjudged("l")
		l.DeletionTimestamp = &metav1.Time{Time: now}
		if _, err := s.links.Reconcile(t.Context(), l); err != nil || s.writes != 0 {
			t.Errorf("%v, %d writes", err, s.writes)
		}
	})
}
