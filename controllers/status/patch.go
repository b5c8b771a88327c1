// Package status writes the status of resources.
package status

import (
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
)

// afterConflict is how long a status waits that met a conflict. The cache's next state usually comes before.
const afterConflict = time.Second

// HandlePatchError says what becomes of a status that could not be written. What is gone needs none. A conflict is tried again even
// if the cache brings nothing: a proxy or an admission webhook can answer so though nobody has changed anything.
func HandlePatchError(what string, err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsNotFound(err):
		return ctrl.Result{}, nil
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: afterConflict}, nil
	default:
		return ctrl.Result{}, fmt.Errorf("patch %s: %w", what, err)
	}
}
