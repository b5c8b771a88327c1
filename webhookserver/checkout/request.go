package checkout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/webhookserver/problem"
)

// request is the body of POST /api/orders.
type request struct {
	PaymentLink string `json:"paymentLink"`
	Namespace   string `json:"namespace"`
	OrderID     string `json:"orderId"`
	CustomerID  string `json:"customerId"`
}

// reference is the form of an order's id, as the Order's CRD has it.
var reference = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// maxCustomerID is what the Order's CRD allows, in characters.
const maxCustomerID = 200

// check names every field that is wrong.
func (r request) check() *problem.Problem {
	var wrong []problem.Field
	add := func(field, detail string) { wrong = append(wrong, problem.Field{Name: field, Detail: detail}) }
	switch {
	case r.PaymentLink == "":
		add("paymentLink", "is missing: write the name of a PaymentLink.")
	case len(validation.IsDNS1123Subdomain(r.PaymentLink)) > 0:
		add("paymentLink", "is no name of a PaymentLink: such names hold lower-case letters, digits, - and . alone, 253 characters at most.")
	}
	switch {
	case r.Namespace == "":
		add("namespace", "is missing: write the PaymentLink's namespace.")
	case len(validation.IsDNS1123Label(r.Namespace)) > 0:
		add("namespace", "is no name of a namespace: such names hold lower-case letters, digits and - alone, 63 characters at most.")
	}
	switch {
	case r.OrderID == "capture":
		add("orderId", "is taken by the route "+OrdersPath+"/capture: choose another.")
	case r.OrderID != "" && !reference.MatchString(r.OrderID):
		add("orderId", "may hold only letters, digits, _ and -, 200 characters at most: Stripe drops any other. Leave it out to be given one.")
	}
	if len([]rune(r.CustomerID)) > maxCustomerID {
		add("customerId", fmt.Sprintf("may be at most %d characters long.", maxCustomerID))
	}
	if len(wrong) == 0 {
		return nil
	}
	return problem.New(http.StatusBadRequest, wrong[0].Name+": "+wrong[0].Detail, wrong...)
}

// madeBy reports whether the order is what this request asks for.
func (r request) madeBy(o *v1alpha1.Order) bool {
	return o.Namespace == r.Namespace && o.Spec.PaymentLinkRef != nil && o.Spec.PaymentLinkRef.Name == r.PaymentLink &&
		o.Spec.OrderID == r.OrderID && o.Spec.CustomerID == r.CustomerID
}

// visible is what an Idempotency-Key consists of.
var visible = regexp.MustCompile(`^[!-~]{1,255}$`)

// keyName returns the name of the order that a caller's Idempotency-Key stands for, or "" where there is no key. The
// name makes the API server the judge of which of several requests with one key was first. Two callers never share a
// key.
func keyName(h http.Header, user string) (string, *problem.Problem) {
	keys := h.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", nil
	}
	if len(keys) > 1 || !visible.MatchString(keys[0]) {
		return "", problem.Of(http.StatusBadRequest, "Idempotency-Key", "must be one key of visible ASCII characters without spaces, 255 at most, such as a UUID.")
	}
	sum := sha256.Sum256([]byte(user + "\x00" + keys[0]))
	return "order-" + hex.EncodeToString(sum[:16]), nil
}

// keyed is what keyName returns.
var keyed = regexp.MustCompile(`^order-[0-9a-f]{32}$`)
