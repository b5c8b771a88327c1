package ordercache

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// usedLabels are the labels that the servers read. They read no annotations.
var usedLabels = map[string]bool{v1alpha1.LabelCheckout: true}

// StripMetadata removes the metadata that the servers do not use from an object of any kind. Users may put 256 KiB of
// annotations on each object, which must not fill the memory of the servers. It is a transform of a cache.
func StripMetadata(o any) (any, error) {
	object, err := meta.Accessor(o)
	if err != nil {
		return nil, fmt.Errorf("strip metadata of a %T: %w", o, err)
	}
	stripObject(object)
	return o, nil
}

func stripObject(o metav1.Object) {
	o.SetManagedFields(nil)
	o.SetAnnotations(nil)
	o.SetOwnerReferences(nil)
	o.SetFinalizers(nil)
	o.SetGenerateName("")
	o.SetSelfLink("")
	if labels := o.GetLabels(); labels != nil {
		maps.DeleteFunc(labels, func(name, _ string) bool { return !usedLabels[name] })
		if len(labels) == 0 {
			o.SetLabels(nil)
		}
	}
}
