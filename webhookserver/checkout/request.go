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

// orderRequest is the body of POST /api/orders.
type orderRequest struct {
	PaymentLink string `json:"paymentLink"`
	Namespace   string `json:"namespace"`
	OrderID     string `json:"orderId"`
	CustomerID  string `json:"customerId"`
}

// referencePattern matches the id of an order, as in the Order's CRD.
var referencePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// maxCustomerID is the limit of the Order's CRD, in characters.
const maxCustomerID = 200

// validate returns a problem that names every invalid field.
func (r orderRequest) validate() error {
	var invalid []problem.Field
	add := func(field, detail string) { invalid = append(invalid, problem.Field{Name: field, Detail: detail}) }
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
	case r.OrderID != "" && !referencePattern.MatchString(r.OrderID):
		add("orderId", "may hold only letters, digits, _ and -, 200 characters at most: Stripe drops any other. Leave it out to be given one.")
	}
	if len([]rune(r.CustomerID)) > maxCustomerID {
		add("customerId", fmt.Sprintf("may be at most %d characters long.", maxCustomerID))
	}
	if len(invalid) == 0 {
		return nil
	}
	return problem.New(http.StatusBadRequest, invalid[0].Name+": "+invalid[0].Detail, invalid...)
}

// matches reports whether this request would create the order.
func (r orderRequest) matches(o *v1alpha1.Order) bool {
	return o.Namespace == r.Namespace && o.Spec.PaymentLinkRef != nil && o.Spec.PaymentLinkRef.Name == r.PaymentLink &&
		o.Spec.OrderID == r.OrderID && o.Spec.CustomerID == r.CustomerID
}

// keyPattern matches an Idempotency-Key.
var keyPattern = regexp.MustCompile(`^[!-~]{1,255}$`)

// orderNameOfKey returns the name of the order for a caller's Idempotency-Key, or "" if there is no key. Since names are
// unique, the API server decides which of several requests with one key is the first. Two callers never share a name.
func orderNameOfKey(h http.Header, user string) (string, error) {
	keys := h.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", nil
	}
	if len(keys) > 1 || !keyPattern.MatchString(keys[0]) {
		return "", problem.ForField(http.StatusBadRequest, "Idempotency-Key", "must be one key of visible ASCII characters without spaces, 255 at most, such as a UUID.")
	}
	sum := sha256.Sum256([]byte(user + "\x00" + keys[0]))
	return "order-" + hex.EncodeToString(sum[:16]), nil
}

// keyedName matches the names that orderNameOfKey returns.
var keyedName = regexp.MustCompile(`^order-[0-9a-f]{32}$`)
