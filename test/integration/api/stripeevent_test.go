package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

const (
	oneFact   = "set exactly one of session, refund, failedRefund and dispute"
	ofPayment = "a refund or dispute names its payment: set paymentIntentId"
	saidOnce  = "a StripeEvent's spec is what Stripe said and is immutable: delete the StripeEvent if it is of no use"
)

var stripeEventRefusals = map[string]refusal{
	"nothing said at all":           {`{spec: null}`, "spec", "Required"},
	"no fact":                       {`{spec: {session: null}}`, "spec", oneFact},
	"session and refund":            {`{spec: {refund: {amountRefunded: 1}}}`, "spec", oneFact},
	"session and failed refund":     {`{spec: {failedRefund: {id: re_1}}}`, "spec", oneFact},
	"session and dispute":           {`{spec: {dispute: {id: du_1}}}`, "spec", oneFact},
	"refund and dispute":            {`{spec: {session: null, refund: {amountRefunded: 1}, dispute: {id: du_1}}}`, "spec", oneFact},
	"all four":                      {`{spec: {refund: {amountRefunded: 1}, failedRefund: {id: re_1}, dispute: {id: du_1}}}`, "spec", oneFact},
	"refund of no payment":          {`{spec: {session: null, paymentIntentId: null, refund: {amountRefunded: 1}}}`, "spec", ofPayment},
	"refund of an empty payment":    {`{spec: {session: null, paymentIntentId: "", refund: {amountRefunded: 1}}}`, "spec", ofPayment},
	"failed refund of no payment":   {`{spec: {session: null, paymentIntentId: null, failedRefund: {id: re_1}}}`, "spec", ofPayment},
	"dispute of no payment":         {`{spec: {session: null, paymentIntentId: null, dispute: {id: du_1}}}`, "spec", ofPayment},
	"no id":                         {`{spec: {eventId: null}}`, "spec.eventId", "Required"},
	"empty id":                      {`{spec: {eventId: ""}}`, "spec.eventId", "at least 1 chars long"},
	"id too long":                   {`{spec: {eventId: "` + long(256) + `"}}`, "spec.eventId", "may not be more than 255"},
	"no type":                       {`{spec: {type: null}}`, "spec.type", "Required"},
	"type too long":                 {`{spec: {type: "` + long(101) + `"}}`, "spec.type", "may not be more than 100"},
	"created at no time":            {`{spec: {created: yesterday}}`, "spec.created", "date-time"},
	"reference too long":            {`{spec: {clientReferenceId: "` + long(201) + `"}}`, "spec.clientReferenceId", "may not be more than 200"},
	"payment too long":              {`{spec: {paymentIntentId: "` + long(256) + `"}}`, "spec.paymentIntentId", "may not be more than 255"},
	"session of no id":              {`{spec: {session: {id: null}}}`, "spec.session.id", "Required"},
	"session of an empty id":        {`{spec: {session: {id: ""}}}`, "spec.session.id", "at least 1 chars long"},
	"session's id too long":         {`{spec: {session: {id: "` + long(256) + `"}}}`, "spec.session.id", "may not be more than 255"},
	"session of no outcome":         {`{spec: {session: {outcome: null}}}`, "spec.session.outcome", "Required"},
	"session of another outcome":    {`{spec: {session: {outcome: complete}}}`, "spec.session.outcome", `supported values: "Unpaid", "Failed", "Paid"`},
	"session's currency too long":   {`{spec: {session: {currency: "` + long(17) + `"}}}`, "spec.session.currency", "may not be more than 16"},
	"session's link too long":       {`{spec: {session: {paymentLinkId: "` + long(256) + `"}}}`, "spec.session.paymentLinkId", "may not be more than 255"},
	"failed refund of no id":        {`{spec: {session: null, failedRefund: {amount: 5}}}`, "spec.failedRefund.id", "Required"},
	"failed refund's id too long":   {`{spec: {session: null, failedRefund: {id: "` + long(256) + `"}}}`, "spec.failedRefund.id", "may not be more than 255"},
	"dispute of no id":              {`{spec: {session: null, dispute: {status: won}}}`, "spec.dispute.id", "Required"},
	"dispute's id too long":         {`{spec: {session: null, dispute: {id: "` + long(256) + `"}}}`, "spec.dispute.id", "may not be more than 255"},
	"dispute's status too long":     {`{spec: {session: null, dispute: {id: du_1, status: "` + long(65) + `"}}}`, "spec.dispute.status", "may not be more than 64"},
	"dispute's reason too long":     {`{spec: {session: null, dispute: {id: du_1, reason: "` + long(65) + `"}}}`, "spec.dispute.reason", "may not be more than 64"},
	"session created at no time":    {`{spec: {session: {created: yesterday}}}`, "spec.session.created", "date-time"},
	"dispute reported at no time":   {`{spec: {session: null, dispute: {id: du_1, reportedAt: yesterday}}}`, "spec.dispute.reportedAt", "date-time"},
	"an amount that is no amount":   {`{spec: {session: {amount: "19900"}}}`, "spec.session.amount", "must be of type integer"},
	"a refund that is no amount":    {`{spec: {session: null, refund: {amountRefunded: "1"}}}`, "spec.refund.amountRefunded", "must be of type integer"},
	"a livemode that is not yes/no": {`{spec: {livemode: "true"}}`, "spec.livemode", "must be of type boolean"},
}

func TestStripeEventRefused(t *testing.T) {
	for name, row := range stripeEventRefusals {
		t.Run(name, func(t *testing.T) {
			refused(t, send(t, object(t, stripeEvent, row.change), create(t)), row.field, row.says)
		})
	}
}

func TestStripeEventAccepted(t *testing.T) {
	for name, change := range map[string]string{
		"a session":                         `{}`,
		"a session with nothing due":        `{spec: {paymentIntentId: null, session: {amount: 0}}}`,
		"a session of no order":             `{spec: {clientReferenceId: null, session: {paymentLinkId: plink_1}}}`,
		"a part of a refund":                `{spec: {session: null, refund: {amountRefunded: 1}}}`,
		"a refund without an amount":        `{spec: {session: null, refund: {full: true}}}`,
		"a refund that says nothing at all": `{spec: {session: null, refund: {}}}`,
		"a refund that failed":              `{spec: {session: null, failedRefund: {id: re_1, amount: 5}}}`,
		"a dispute":                         `{spec: {session: null, dispute: {id: du_1, status: needs_response, reason: fraudulent, amount: 5, reportedAt: "2026-01-02T03:04:05Z"}}}`,
		"a dispute in words yet to come":    `{spec: {session: null, dispute: {id: du_1, status: escalated}}}`,
	} {
		t.Run(name, func(t *testing.T) { created(t, stripeEvent, change) })
	}
}

var stripeEventRevisions = map[string]revision{
	"its id":              {change: `{spec: {eventId: evt_2}}`, field: "spec", says: saidOnce},
	"what was paid":       {change: `{spec: {session: {amount: 1}}}`, field: "spec", says: saidOnce},
	"whose it is":         {change: `{spec: {clientReferenceId: order-2}}`, field: "spec", says: saidOnce},
	"its reference, gone": {change: `{spec: {clientReferenceId: null}}`, field: "spec", says: saidOnce},
	"its mode":            {change: `{spec: {livemode: false}}`, field: "spec", says: saidOnce},
	"another fact":        {change: `{spec: {session: null, refund: {amountRefunded: 1}}}`, field: "spec", says: saidOnce},
	"after it is applied": {status: `{status: {phase: Applied}}`, change: `{spec: {eventId: evt_2}}`, field: "spec", says: saidOnce},
	"a label":             {change: `{metadata: {labels: {looked-at: "yes"}}}`},
}

func TestStripeEventRevised(t *testing.T) { revised(t, stripeEvent, stripeEventRevisions) }

func TestStripeEventStatus(t *testing.T) {
	o := created(t, stripeEvent, `{status: {phase: Applied}}`)
	for _, got := range []*unstructured.Unstructured{o, live(t, o)} {
		if diff := cmp.Diff(map[string]any{"phase": "Parked"}, got.Object["status"]); diff != "" {
			t.Errorf("status (-want +got)\n%s", diff)
		}
	}
	for _, status := range []string{
		`{phase: Expired, message: "` + long(1024) + `", expiredAt: "2026-01-02T03:04:05Z"}`,
		`{phase: Applied, orderRef: {namespace: shop, name: lifetime-1}, appliedAt: "2026-01-02T03:04:05Z"}`,
		`{phase: Parked}`,
	} {
		if err := patchStatus(t, o, types.MergePatchType, `{spec: {eventId: evt_9}, status: `+status+`}`); err != nil {
			t.Errorf("%s: %v", status, err)
		}
	}
	if id, _, _ := unstructured.NestedString(live(t, o).Object, "spec", "eventId"); id != "evt_1" {
		t.Errorf("the status' writer set spec.eventId %s", id)
	}
}

var stripeEventStatusRefusals = map[string]refusal{
	"another phase":           {`{phase: Done}`, "status.phase", `supported values: "Parked", "Applied", "Expired"`},
	"message too long":        {`{message: "` + long(1025) + `"}`, "status.message", "may not be more than 1024"},
	"order of no name":        {`{orderRef: {namespace: shop}}`, "status.orderRef.name", "Required"},
	"order of no namespace":   {`{orderRef: {name: lifetime}}`, "status.orderRef.namespace", "Required"},
	"order's name too long":   {`{orderRef: {namespace: shop, name: "` + long(254) + `"}}`, "status.orderRef.name", "may not be more than 253"},
	"order's namespace, too":  {`{orderRef: {namespace: "` + long(64) + `", name: lifetime}}`, "status.orderRef.namespace", "may not be more than 63"},
	"applied at no time":      {`{appliedAt: yesterday}`, "status.appliedAt", "date-time"},
	"given up on at no time ": {`{expiredAt: yesterday}`, "status.expiredAt", "date-time"},
}

func TestStripeEventStatusRefused(t *testing.T) {
	for name, row := range stripeEventStatusRefusals {
		t.Run(name, func(t *testing.T) {
			o := created(t, stripeEvent, `{}`)
			refused(t, patchStatus(t, o, types.MergePatchType, `{status: `+row.change+`}`), row.field, row.says)
		})
	}
}
