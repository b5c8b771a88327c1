// Package status handles failed patches of a status.
package status

import (
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
)

// afterConflict is the time until a write is repeated after a conflict. The next state of the cache usually comes earlier.
const afterConflict = time.Second

// HandlePatchError returns the result of a reconciliation whose status patch failed. A deleted object needs no status. A
// conflict is retried even if the cache brings no change: a proxy or an admission webhook can answer with a conflict too.
func HandlePatchError(name string, err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsNotFound(err):
		return ctrl.Result{}, nil
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: afterConflict}, nil
	default:
		return ctrl.Result{}, fmt.Errorf("patch %s: %w", name, err)
	}
}
