package api_test

import (
	"cmp"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// kinds are the cases of each kind, by its plural.
var kinds = map[string]struct {
	manifest                 string
	refusals, statusRefusals map[string]refusal
	accepted                 map[string]string
	revisions                map[string]revision
}{
	"orders":       {order, orderRefusals, orderStatusRefusals, orderAccepted, orderRevisions},
	"paymentlinks": {paymentLink, paymentLinkRefusals, paymentLinkStatusRefusals, paymentLinkAccepted, paymentLinkRevisions},
	"stripeevents": {stripeEvent, stripeEventRefusals, stripeEventStatusRefusals, stripeEventAccepted, stripeEventRevisions},
}

func TestRefused(t *testing.T) {
	for plural, k := range kinds {
		for name, row := range k.refusals {
			t.Run(plural+", "+name, func(t *testing.T) {
				create := func(o *unstructured.Unstructured) error { return api.Create(t.Context(), o) }
				refused(t, send(t, object(t, k.manifest, row.change), create), row.field, row.says)
			})
		}
		for name, row := range k.statusRefusals {
			t.Run(plural+", status, "+name, func(t *testing.T) {
				o := created(t, k.manifest, `{}`)
				refused(t, patchStatus(t, o, types.MergePatchType, `{status: `+row.change+`}`), row.field, row.says)
			})
		}
	}
}

func TestAccepted(t *testing.T) {
	for plural, k := range kinds {
		for name, change := range k.accepted {
			t.Run(plural+", "+name, func(t *testing.T) { created(t, k.manifest, change) })
		}
	}
}

// TestRevised sends each change as a patch, and then as the whole object with the change in it.
func TestRevised(t *testing.T) {
	for plural, k := range kinds {
		for name, row := range k.revisions {
			for how, change := range map[string]func(*testing.T, *unstructured.Unstructured, string) error{"patched": patch, "replaced": replace} {
				t.Run(plural+", "+name+", "+how, func(t *testing.T) {
					o := withStatus(t, k.manifest, cmp.Or(row.from, `{}`), cmp.Or(row.status, `{}`))
					err := change(t, o, row.change)
					if row.field != "" {
						refused(t, err, row.field, row.says)
					} else if err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}
