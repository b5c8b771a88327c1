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
	saidOnce  = "a StripeEvent's spec is what Stripe said and is immutable, but for assignTo and acknowledged: delete the StripeEvent if it is of no use"
	follow    = "assign or acknowledge the StripeEvent of the session: refunds and disputes follow their payment"
	assigned  = "the payment is in an Order's status already: assignTo cannot be changed any more"
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
	"assigned to no name":           {`{spec: {assignTo: {namespace: shop}}}`, "spec.assignTo.name", "Required"},
	"assigned to no namespace":      {`{spec: {assignTo: {name: lifetime}}}`, "spec.assignTo.namespace", "Required"},
	"assigned to a name too long":   {`{spec: {assignTo: {namespace: shop, name: "` + long(254) + `"}}}`, "spec.assignTo.name", "may not be more than 253"},
	"assigned to a namespace, too":  {`{spec: {assignTo: {namespace: "` + long(64) + `", name: lifetime}}}`, "spec.assignTo.namespace", "may not be more than 63"},
	"a refund, assigned":            {`{spec: {session: null, refund: {amountRefunded: 1}, assignTo: {namespace: shop, name: lifetime}}}`, "spec", follow},
	"a refund, acknowledged":        {`{spec: {session: null, refund: {amountRefunded: 1}, acknowledged: true}}`, "spec", follow},
	"a failed refund, assigned":     {`{spec: {session: null, failedRefund: {id: re_1}, assignTo: {namespace: shop, name: lifetime}}}`, "spec", follow},
	"a dispute, acknowledged":       {`{spec: {session: null, dispute: {id: du_1}, acknowledged: true}}`, "spec", follow},
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
		"a session, assigned":               `{spec: {assignTo: {namespace: shop, name: lifetime}}}`,
		"a session, acknowledged":           `{spec: {acknowledged: true}}`,
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

// What StripeEvents are made with, beside a session's.
const (
	aRefund       = `{spec: {session: null, refund: {amountRefunded: 1, full: true}}}`
	aFailedRefund = `{spec: {session: null, failedRefund: {id: re_1, amount: 5}}}`
	aDispute      = `{spec: {session: null, dispute: {id: du_1, status: needs_response, reportedAt: "2026-01-02T03:04:05Z"}}}`
	ofLittle      = `{spec: {created: null, livemode: null, clientReferenceId: null, paymentIntentId: null, session: {amount: null, currency: null}}}`
	toAnOrder     = `{spec: {assignTo: {namespace: shop, name: lifetime}}}`
	toAnother     = `{spec: {assignTo: {name: lifetime-2}}}`
	toNone        = `{spec: {assignTo: null}}`
	applied       = `{status: {phase: Applied}}`
	orphaned      = `{status: {phase: Orphaned}}`
)

var stripeEventRevisions = map[string]revision{
	"its id":                     {change: `{spec: {eventId: evt_2}}`, field: "spec.eventId", says: saidOnce},
	"its id, gone":               {change: `{spec: {eventId: null}}`, field: "spec.eventId", says: "Required"},
	"its type":                   {change: `{spec: {type: checkout.session.async_payment_failed}}`, field: "spec.type", says: saidOnce},
	"its type, gone":             {change: `{spec: {type: null}}`, field: "spec.type", says: "Required"},
	"its time":                   {change: `{spec: {created: "2026-01-02T03:04:06Z"}}`, field: "spec.created", says: saidOnce},
	"its time, gone":             {change: `{spec: {created: null}}`, field: "spec", says: saidOnce},
	"its time, new":              {from: ofLittle, change: `{spec: {created: "2026-01-02T03:04:05Z"}}`, field: "spec", says: saidOnce},
	"its mode":                   {change: `{spec: {livemode: false}}`, field: "spec.livemode", says: saidOnce},
	"its mode, gone":             {change: `{spec: {livemode: null}}`, field: "spec", says: saidOnce},
	"its mode, new":              {from: ofLittle, change: `{spec: {livemode: false}}`, field: "spec", says: saidOnce},
	"whose it is":                {change: `{spec: {clientReferenceId: order-2}}`, field: "spec.clientReferenceId", says: saidOnce},
	"whose it is, emptied":       {change: `{spec: {clientReferenceId: ""}}`, field: "spec.clientReferenceId", says: saidOnce},
	"whose it is, gone":          {change: `{spec: {clientReferenceId: null}}`, field: "spec", says: saidOnce},
	"whose it is, new":           {from: ofLittle, change: `{spec: {clientReferenceId: order-1}}`, field: "spec", says: saidOnce},
	"its payment":                {change: `{spec: {paymentIntentId: pi_2}}`, field: "spec.paymentIntentId", says: saidOnce},
	"its payment, gone":          {change: `{spec: {paymentIntentId: null}}`, field: "spec", says: saidOnce},
	"its payment, new":           {from: ofLittle, change: `{spec: {paymentIntentId: pi_1}}`, field: "spec", says: saidOnce},
	"another session":            {change: `{spec: {session: {id: cs_2}}}`, field: "spec.session", says: saidOnce},
	"what became of the session": {change: `{spec: {session: {outcome: Failed}}}`, field: "spec.session", says: saidOnce},
	"what was paid":              {change: `{spec: {session: {amount: 1}}}`, field: "spec.session", says: saidOnce},
	"what was paid, gone":        {change: `{spec: {session: {amount: null}}}`, field: "spec.session", says: saidOnce},
	"what was paid, new":         {from: ofLittle, change: `{spec: {session: {amount: 19900}}}`, field: "spec.session", says: saidOnce},
	"in what it was paid":        {change: `{spec: {session: {currency: eur}}}`, field: "spec.session", says: saidOnce},
	"through which link, new":    {change: `{spec: {session: {paymentLinkId: plink_1}}}`, field: "spec.session", says: saidOnce},
	"when the session began":     {change: `{spec: {session: {created: "2026-01-02T03:04:05Z"}}}`, field: "spec.session", says: saidOnce},
	"another fact":               {change: `{spec: {session: null, refund: {amountRefunded: 1}}}`, field: "spec", says: saidOnce},
	"a session instead":          {from: aRefund, change: `{spec: {refund: null, session: {id: cs_1, outcome: Paid}}}`, field: "spec", says: saidOnce},
	"a refund instead":           {from: aDispute, change: `{spec: {dispute: null, refund: {amountRefunded: 1}}}`, field: "spec", says: saidOnce},
	"a failed refund instead":    {from: aRefund, change: `{spec: {refund: null, failedRefund: {id: re_1}}}`, field: "spec", says: saidOnce},
	"a dispute instead":          {from: aFailedRefund, change: `{spec: {failedRefund: null, dispute: {id: du_1}}}`, field: "spec", says: saidOnce},
	"what was refunded":          {from: aRefund, change: `{spec: {refund: {amountRefunded: 2}}}`, field: "spec.refund", says: saidOnce},
	"whether all was refunded":   {from: aRefund, change: `{spec: {refund: {full: null}}}`, field: "spec.refund", says: saidOnce},
	"which refund failed":        {from: aFailedRefund, change: `{spec: {failedRefund: {id: re_2}}}`, field: "spec.failedRefund", says: saidOnce},
	"how much of it failed":      {from: aFailedRefund, change: `{spec: {failedRefund: {amount: null}}}`, field: "spec.failedRefund", says: saidOnce},
	"which dispute":              {from: aDispute, change: `{spec: {dispute: {id: du_2}}}`, field: "spec.dispute", says: saidOnce},
	"how the dispute stands":     {from: aDispute, change: `{spec: {dispute: {status: won}}}`, field: "spec.dispute", says: saidOnce},
	"why it is disputed, new":    {from: aDispute, change: `{spec: {dispute: {reason: fraudulent}}}`, field: "spec.dispute", says: saidOnce},
	"when it was disputed, gone": {from: aDispute, change: `{spec: {dispute: {reportedAt: null}}}`, field: "spec.dispute", says: saidOnce},
	"all of it":                  {change: `{spec: null}`, field: "spec", says: "Required"},
	"after it is applied":        {status: applied, change: `{spec: {eventId: evt_2}}`, field: "spec.eventId", says: saidOnce},
	"gone, after it is applied":  {status: applied, change: `{spec: {clientReferenceId: null}}`, field: "spec", says: saidOnce},
	"while it is assigned":       {change: `{spec: {clientReferenceId: null, assignTo: {namespace: shop, name: lifetime}}}`, field: "spec", says: saidOnce},
	"while it is acknowledged":   {change: `{spec: {session: {amount: 1}, acknowledged: true}}`, field: "spec.session", says: saidOnce},
	"a label":                    {change: `{metadata: {labels: {looked-at: "yes"}}}`},

	"assigned":                               {change: toAnOrder},
	"assigned, an orphan":                    {status: orphaned, change: toAnOrder},
	"assigned, expired":                      {status: `{status: {phase: Expired}}`, change: toAnOrder},
	"assigned, closed":                       {status: `{status: {phase: Closed}}`, change: toAnOrder},
	"assigned to another":                    {from: toAnOrder, status: orphaned, change: toAnother},
	"assigned to none any more":              {from: toAnOrder, status: orphaned, change: toNone},
	"assigned, applied":                      {status: applied, change: toAnOrder, says: assigned, field: "<nil>"},
	"assigned to another, applied":           {from: toAnOrder, status: applied, change: toAnother, says: assigned, field: "<nil>"},
	"assigned elsewhere, applied":            {from: toAnOrder, status: applied, change: `{spec: {assignTo: {namespace: shop-2}}}`, says: assigned, field: "<nil>"},
	"assigned to none any more, applied":     {from: toAnOrder, status: applied, change: toNone, says: assigned, field: "<nil>"},
	"assigned to the same, applied":          {from: toAnOrder, status: applied, change: toAnOrder},
	"assigned in part":                       {change: `{spec: {assignTo: {name: lifetime}}}`, field: "spec.assignTo.namespace", says: "Required"},
	"acknowledged":                           {change: `{spec: {acknowledged: true}}`},
	"acknowledged, an orphan":                {status: orphaned, change: `{spec: {acknowledged: true}}`},
	"acknowledged no more":                   {from: `{spec: {acknowledged: true}}`, status: orphaned, change: `{spec: {acknowledged: false}}`},
	"acknowledged no more, gone":             {from: `{spec: {acknowledged: true}}`, status: orphaned, change: `{spec: {acknowledged: null}}`},
	"acknowledged, applied":                  {status: applied, change: `{spec: {acknowledged: true}}`},
	"acknowledged no more, applied":          {from: `{spec: {acknowledged: true}}`, status: applied, change: `{spec: {acknowledged: null}}`},
	"acknowledged, assigned and applied":     {from: toAnOrder, status: applied, change: `{spec: {acknowledged: true}}`},
	"acknowledged while assigned elsewhere":  {from: toAnOrder, status: applied, change: `{spec: {acknowledged: true, assignTo: {name: lifetime-2}}}`, says: assigned, field: "<nil>"},
	"a refund, assigned":                     {from: aRefund, change: toAnOrder, field: "spec", says: follow},
	"a refund, acknowledged":                 {from: aRefund, change: `{spec: {acknowledged: true}}`, field: "spec", says: follow},
	"a refund of an orphan, acknowledged":    {from: aRefund, status: orphaned, change: `{spec: {acknowledged: true}}`, field: "spec", says: follow},
	"a failed refund, assigned":              {from: aFailedRefund, change: toAnOrder, field: "spec", says: follow},
	"a failed refund, acknowledged":          {from: aFailedRefund, change: `{spec: {acknowledged: true}}`, field: "spec", says: follow},
	"a dispute, assigned":                    {from: aDispute, change: toAnOrder, field: "spec", says: follow},
	"a dispute, acknowledged":                {from: aDispute, change: `{spec: {acknowledged: true}}`, field: "spec", says: follow},
	"a refund, acknowledged, but not really": {from: aRefund, change: `{spec: {acknowledged: false}}`, field: "spec", says: follow},
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
		sneaked := `{spec: {eventId: evt_9, acknowledged: true, assignTo: {namespace: shop, name: lifetime}}, status: ` + status + `}`
		if err := patchStatus(t, o, types.MergePatchType, sneaked); err != nil {
			t.Errorf("%s: %v", status, err)
		}
	}
	if diff := cmp.Diff(o.Object["spec"], live(t, o).Object["spec"]); diff != "" {
		t.Errorf("the status' writer changed the spec (-before +now)\n%s", diff)
	}
}

// TestStripeEventDecided: what a person decided stays through whatever becomes of the event, and only who writes the spec
// decides.
func TestStripeEventDecided(t *testing.T) {
	for how, change := range map[string]func(*testing.T, *unstructured.Unstructured, string) error{"patched": patch, "replaced": replace} {
		t.Run(how, func(t *testing.T) {
			o := withStatus(t, stripeEvent, `{}`, orphaned)
			for _, decision := range []string{toAnOrder, toAnother, toNone, toAnOrder, `{spec: {acknowledged: true}}`} {
				if err := change(t, o, decision); err != nil {
					t.Fatalf("%s: %v", decision, err)
				}
			}
			decided := live(t, o)
			if decided.GetGeneration() != o.GetGeneration()+5 {
				t.Errorf("after five decisions the generation is %d; it was %d", decided.GetGeneration(), o.GetGeneration())
			}
			for _, status := range []string{applied, orphaned, `{spec: {assignTo: null, acknowledged: null}, status: {phase: Parked}}`} {
				if err := patchStatus(t, o, types.MergePatchType, status); err != nil {
					t.Errorf("%s: %v", status, err)
				}
			}
			if err := putStatus(t, o, map[string]any{"phase": "Closed"}); err != nil {
				t.Error(err)
			}
			now := live(t, o)
			if diff := cmp.Diff(decided.Object["spec"], now.Object["spec"]); diff != "" {
				t.Errorf("the status' writer changed the spec (-before +now)\n%s", diff)
			}
			if err := change(t, o, `{spec: {assignTo: null}, status: {phase: Applied}}`); err != nil {
				t.Errorf("not applied any more, it cannot be assigned anew: %v", err)
			}
			if phase, _, _ := unstructured.NestedString(live(t, o).Object, "status", "phase"); phase != "Closed" {
				t.Errorf("the spec's writer made the phase %s", phase)
			}
		})
	}
}

var stripeEventStatusRefusals = map[string]refusal{
	"another phase":           {`{phase: Done}`, "status.phase", `supported values: "Parked", "Applied", "Expired", "Orphaned", "Closed"`},
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
