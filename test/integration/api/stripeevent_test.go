package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/paylink-dev/paylink/test/check"
)

const (
	oneFact   = "set exactly one of session, refund, failedRefund and dispute"
	ofPayment = "a refund or dispute names its payment: set paymentIntentId"
	saidOnce  = "spec.fact is Stripe's statement and is immutable: decide in spec.resolution, or delete the StripeEvent if it is of no use"
	follow    = "set the resolution of the StripeEvent of the session: refunds and disputes follow their payment"
	assigned  = "the payment is in an Order's status already: spec.resolution.assignTo cannot be changed any more"
)

var stripeEventRefusals = map[string]refusal{
	"nothing said at all":           {`{spec: null}`, "spec", "Required"},
	"no fact at all":                {`{spec: {fact: null}}`, "spec.fact", "Required"},
	"no fact":                       {`{spec: {fact: {session: null}}}`, "spec.fact", oneFact},
	"session and refund":            {`{spec: {fact: {refund: {amountRefunded: 1}}}}`, "spec.fact", oneFact},
	"session and failed refund":     {`{spec: {fact: {failedRefund: {id: re_1}}}}`, "spec.fact", oneFact},
	"session and dispute":           {`{spec: {fact: {dispute: {id: du_1}}}}`, "spec.fact", oneFact},
	"refund and dispute":            {`{spec: {fact: {session: null, refund: {amountRefunded: 1}, dispute: {id: du_1}}}}`, "spec.fact", oneFact},
	"all four":                      {`{spec: {fact: {refund: {amountRefunded: 1}, failedRefund: {id: re_1}, dispute: {id: du_1}}}}`, "spec.fact", oneFact},
	"refund of no payment":          {`{spec: {fact: {session: null, paymentIntentId: null, refund: {amountRefunded: 1}}}}`, "spec.fact", ofPayment},
	"refund of an empty payment":    {`{spec: {fact: {session: null, paymentIntentId: "", refund: {amountRefunded: 1}}}}`, "spec.fact", ofPayment},
	"failed refund of no payment":   {`{spec: {fact: {session: null, paymentIntentId: null, failedRefund: {id: re_1}}}}`, "spec.fact", ofPayment},
	"dispute of no payment":         {`{spec: {fact: {session: null, paymentIntentId: null, dispute: {id: du_1}}}}`, "spec.fact", ofPayment},
	"no id":                         {`{spec: {fact: {eventId: null}}}`, "spec.fact.eventId", "Required"},
	"empty id":                      {`{spec: {fact: {eventId: ""}}}`, "spec.fact.eventId", "at least 1 chars long"},
	"id too long":                   {`{spec: {fact: {eventId: "` + long(256) + `"}}}`, "spec.fact.eventId", "may not be more than 255"},
	"no type":                       {`{spec: {fact: {type: null}}}`, "spec.fact.type", "Required"},
	"type too long":                 {`{spec: {fact: {type: "` + long(101) + `"}}}`, "spec.fact.type", "may not be more than 100"},
	"created at no time":            {`{spec: {fact: {created: yesterday}}}`, "spec.fact.created", "date-time"},
	"reference too long":            {`{spec: {fact: {clientReferenceId: "` + long(201) + `"}}}`, "spec.fact.clientReferenceId", "may not be more than 200"},
	"payment too long":              {`{spec: {fact: {paymentIntentId: "` + long(256) + `"}}}`, "spec.fact.paymentIntentId", "may not be more than 255"},
	"session of no id":              {`{spec: {fact: {session: {id: null}}}}`, "spec.fact.session.id", "Required"},
	"session of an empty id":        {`{spec: {fact: {session: {id: ""}}}}`, "spec.fact.session.id", "at least 1 chars long"},
	"session's id too long":         {`{spec: {fact: {session: {id: "` + long(256) + `"}}}}`, "spec.fact.session.id", "may not be more than 255"},
	"session of no outcome":         {`{spec: {fact: {session: {outcome: null}}}}`, "spec.fact.session.outcome", "Required"},
	"session of another outcome":    {`{spec: {fact: {session: {outcome: complete}}}}`, "spec.fact.session.outcome", `supported values: "Unpaid", "Failed", "Paid"`},
	"session's currency too long":   {`{spec: {fact: {session: {currency: "` + long(17) + `"}}}}`, "spec.fact.session.currency", "may not be more than 16"},
	"session's link too long":       {`{spec: {fact: {session: {paymentLinkId: "` + long(256) + `"}}}}`, "spec.fact.session.paymentLinkId", "may not be more than 255"},
	"failed refund of no id":        {`{spec: {fact: {session: null, failedRefund: {amount: 5}}}}`, "spec.fact.failedRefund.id", "Required"},
	"failed refund's id too long":   {`{spec: {fact: {session: null, failedRefund: {id: "` + long(256) + `"}}}}`, "spec.fact.failedRefund.id", "may not be more than 255"},
	"dispute of no id":              {`{spec: {fact: {session: null, dispute: {status: won}}}}`, "spec.fact.dispute.id", "Required"},
	"dispute's id too long":         {`{spec: {fact: {session: null, dispute: {id: "` + long(256) + `"}}}}`, "spec.fact.dispute.id", "may not be more than 255"},
	"dispute's status too long":     {`{spec: {fact: {session: null, dispute: {id: du_1, status: "` + long(65) + `"}}}}`, "spec.fact.dispute.status", "may not be more than 64"},
	"dispute's reason too long":     {`{spec: {fact: {session: null, dispute: {id: du_1, reason: "` + long(65) + `"}}}}`, "spec.fact.dispute.reason", "may not be more than 64"},
	"session created at no time":    {`{spec: {fact: {session: {created: yesterday}}}}`, "spec.fact.session.created", "date-time"},
	"dispute reported at no time":   {`{spec: {fact: {session: null, dispute: {id: du_1, reportedAt: yesterday}}}}`, "spec.fact.dispute.reportedAt", "date-time"},
	"an amount that is no amount":   {`{spec: {fact: {session: {amount: "19900"}}}}`, "spec.fact.session.amount", "must be of type integer"},
	"a refund that is no amount":    {`{spec: {fact: {session: null, refund: {amountRefunded: "1"}}}}`, "spec.fact.refund.amountRefunded", "must be of type integer"},
	"a livemode that is not yes/no": {`{spec: {fact: {livemode: "true"}}}`, "spec.fact.livemode", "must be of type boolean"},
	"assigned to no name":           {`{spec: {resolution: {assignTo: {namespace: shop}}}}`, "spec.resolution.assignTo.name", "Required"},
	"assigned to no namespace":      {`{spec: {resolution: {assignTo: {name: lifetime}}}}`, "spec.resolution.assignTo.namespace", "Required"},
	"assigned to a name too long":   {`{spec: {resolution: {assignTo: {namespace: shop, name: "` + long(254) + `"}}}}`, "spec.resolution.assignTo.name", "may not be more than 253"},
	"assigned to a namespace, too":  {`{spec: {resolution: {assignTo: {namespace: "` + long(64) + `", name: lifetime}}}}`, "spec.resolution.assignTo.namespace", "may not be more than 63"},
	"a refund, assigned":            {`{spec: {fact: {session: null, refund: {amountRefunded: 1}}, resolution: {assignTo: {namespace: shop, name: lifetime}}}}`, "spec", follow},
	"a refund, acknowledged":        {`{spec: {fact: {session: null, refund: {amountRefunded: 1}}, resolution: {acknowledged: true}}}`, "spec", follow},
	"a failed refund, assigned":     {`{spec: {fact: {session: null, failedRefund: {id: re_1}}, resolution: {assignTo: {namespace: shop, name: lifetime}}}}`, "spec", follow},
	"a refund, resolved by nothing": {`{spec: {fact: {session: null, refund: {amountRefunded: 1}}, resolution: {}}}`, "spec", follow},
	"a dispute, acknowledged":       {`{spec: {fact: {session: null, dispute: {id: du_1}}, resolution: {acknowledged: true}}}`, "spec", follow},
}

var stripeEventAccepted = map[string]string{
	"a session":                         `{}`,
	"a session with nothing due":        `{spec: {fact: {paymentIntentId: null, session: {amount: 0}}}}`,
	"a session of no order":             `{spec: {fact: {clientReferenceId: null, session: {paymentLinkId: plink_1}}}}`,
	"a session, assigned":               `{spec: {resolution: {assignTo: {namespace: shop, name: lifetime}}}}`,
	"a session, acknowledged":           `{spec: {resolution: {acknowledged: true}}}`,
	"a part of a refund":                `{spec: {fact: {session: null, refund: {amountRefunded: 1}}}}`,
	"a refund without an amount":        `{spec: {fact: {session: null, refund: {full: true}}}}`,
	"a refund that says nothing at all": `{spec: {fact: {session: null, refund: {}}}}`,
	"a refund that failed":              `{spec: {fact: {session: null, failedRefund: {id: re_1, amount: 5}}}}`,
	"a dispute":                         `{spec: {fact: {session: null, dispute: {id: du_1, status: needs_response, reason: fraudulent, amount: 5, reportedAt: "2026-01-02T03:04:05Z"}}}}`,
	"a dispute in words yet to come":    `{spec: {fact: {session: null, dispute: {id: du_1, status: escalated}}}}`,
}

// What StripeEvents are made with, beside a session's.
const (
	aRefund       = `{spec: {fact: {session: null, refund: {amountRefunded: 1, full: true}}}}`
	aFailedRefund = `{spec: {fact: {session: null, failedRefund: {id: re_1, amount: 5}}}}`
	aDispute      = `{spec: {fact: {session: null, dispute: {id: du_1, status: needs_response, reportedAt: "2026-01-02T03:04:05Z"}}}}`
	ofLittle      = `{spec: {fact: {created: null, livemode: null, clientReferenceId: null, paymentIntentId: null, session: {amount: null, currency: null}}}}`
	toAnOrder     = `{spec: {resolution: {assignTo: {namespace: shop, name: lifetime}}}}`
	toAnother     = `{spec: {resolution: {assignTo: {name: lifetime-2}}}}`
	toNone        = `{spec: {resolution: {assignTo: null}}}`
	applied       = `{status: {phase: Applied}}`
	orphaned      = `{status: {phase: Orphaned}}`
)

var stripeEventRevisions = map[string]revision{
	"its id":                     {change: `{spec: {fact: {eventId: evt_2}}}`, field: "spec.fact", says: saidOnce},
	"its id, gone":               {change: `{spec: {fact: {eventId: null}}}`, field: "spec.fact.eventId", says: "Required"},
	"its type":                   {change: `{spec: {fact: {type: checkout.session.async_payment_failed}}}`, field: "spec.fact", says: saidOnce},
	"its type, gone":             {change: `{spec: {fact: {type: null}}}`, field: "spec.fact.type", says: "Required"},
	"its time":                   {change: `{spec: {fact: {created: "2026-01-02T03:04:06Z"}}}`, field: "spec.fact", says: saidOnce},
	"its time, gone":             {change: `{spec: {fact: {created: null}}}`, field: "spec.fact", says: saidOnce},
	"its time, new":              {from: ofLittle, change: `{spec: {fact: {created: "2026-01-02T03:04:05Z"}}}`, field: "spec.fact", says: saidOnce},
	"its mode":                   {change: `{spec: {fact: {livemode: false}}}`, field: "spec.fact", says: saidOnce},
	"its mode, gone":             {change: `{spec: {fact: {livemode: null}}}`, field: "spec.fact", says: saidOnce},
	"its mode, new":              {from: ofLittle, change: `{spec: {fact: {livemode: false}}}`, field: "spec.fact", says: saidOnce},
	"whose it is":                {change: `{spec: {fact: {clientReferenceId: order-2}}}`, field: "spec.fact", says: saidOnce},
	"whose it is, emptied":       {change: `{spec: {fact: {clientReferenceId: ""}}}`, field: "spec.fact", says: saidOnce},
	"whose it is, gone":          {change: `{spec: {fact: {clientReferenceId: null}}}`, field: "spec.fact", says: saidOnce},
	"whose it is, new":           {from: ofLittle, change: `{spec: {fact: {clientReferenceId: order-1}}}`, field: "spec.fact", says: saidOnce},
	"its payment":                {change: `{spec: {fact: {paymentIntentId: pi_2}}}`, field: "spec.fact", says: saidOnce},
	"its payment, gone":          {change: `{spec: {fact: {paymentIntentId: null}}}`, field: "spec.fact", says: saidOnce},
	"its payment, new":           {from: ofLittle, change: `{spec: {fact: {paymentIntentId: pi_1}}}`, field: "spec.fact", says: saidOnce},
	"another session":            {change: `{spec: {fact: {session: {id: cs_2}}}}`, field: "spec.fact", says: saidOnce},
	"what became of the session": {change: `{spec: {fact: {session: {outcome: Failed}}}}`, field: "spec.fact", says: saidOnce},
	"what was paid":              {change: `{spec: {fact: {session: {amount: 1}}}}`, field: "spec.fact", says: saidOnce},
	"what was paid, gone":        {change: `{spec: {fact: {session: {amount: null}}}}`, field: "spec.fact", says: saidOnce},
	"what was paid, new":         {from: ofLittle, change: `{spec: {fact: {session: {amount: 19900}}}}`, field: "spec.fact", says: saidOnce},
	"in what it was paid":        {change: `{spec: {fact: {session: {currency: eur}}}}`, field: "spec.fact", says: saidOnce},
	"through which link, new":    {change: `{spec: {fact: {session: {paymentLinkId: plink_1}}}}`, field: "spec.fact", says: saidOnce},
	"when the session began":     {change: `{spec: {fact: {session: {created: "2026-01-02T03:04:05Z"}}}}`, field: "spec.fact", says: saidOnce},
	"another fact":               {change: `{spec: {fact: {session: null, refund: {amountRefunded: 1}}}}`, field: "spec.fact", says: saidOnce},
	"a session instead":          {from: aRefund, change: `{spec: {fact: {refund: null, session: {id: cs_1, outcome: Paid}}}}`, field: "spec.fact", says: saidOnce},
	"a refund instead":           {from: aDispute, change: `{spec: {fact: {dispute: null, refund: {amountRefunded: 1}}}}`, field: "spec.fact", says: saidOnce},
	"a failed refund instead":    {from: aRefund, change: `{spec: {fact: {refund: null, failedRefund: {id: re_1}}}}`, field: "spec.fact", says: saidOnce},
	"a dispute instead":          {from: aFailedRefund, change: `{spec: {fact: {failedRefund: null, dispute: {id: du_1}}}}`, field: "spec.fact", says: saidOnce},
	"what was refunded":          {from: aRefund, change: `{spec: {fact: {refund: {amountRefunded: 2}}}}`, field: "spec.fact", says: saidOnce},
	"whether all was refunded":   {from: aRefund, change: `{spec: {fact: {refund: {full: null}}}}`, field: "spec.fact", says: saidOnce},
	"which refund failed":        {from: aFailedRefund, change: `{spec: {fact: {failedRefund: {id: re_2}}}}`, field: "spec.fact", says: saidOnce},
	"how much of it failed":      {from: aFailedRefund, change: `{spec: {fact: {failedRefund: {amount: null}}}}`, field: "spec.fact", says: saidOnce},
	"which dispute":              {from: aDispute, change: `{spec: {fact: {dispute: {id: du_2}}}}`, field: "spec.fact", says: saidOnce},
	"how the dispute stands":     {from: aDispute, change: `{spec: {fact: {dispute: {status: won}}}}`, field: "spec.fact", says: saidOnce},
	"why it is disputed, new":    {from: aDispute, change: `{spec: {fact: {dispute: {reason: fraudulent}}}}`, field: "spec.fact", says: saidOnce},
	"when it was disputed, gone": {from: aDispute, change: `{spec: {fact: {dispute: {reportedAt: null}}}}`, field: "spec.fact", says: saidOnce},
	"all of it":                  {change: `{spec: null}`, field: "spec", says: "Required"},
	"after it is applied":        {status: applied, change: `{spec: {fact: {eventId: evt_2}}}`, field: "spec.fact", says: saidOnce},
	"gone, after it is applied":  {status: applied, change: `{spec: {fact: {clientReferenceId: null}}}`, field: "spec.fact", says: saidOnce},
	"the whole fact":             {change: `{spec: {fact: null}}`, field: "spec.fact", says: "Required"},
	"decided anew, and no more":  {from: toAnOrder, status: orphaned, change: `{spec: {resolution: null}}`},
	"decided no more, applied":   {from: toAnOrder, status: applied, change: `{spec: {resolution: null}}`, says: assigned, field: "<nil>"},
	"while it is assigned":       {change: `{spec: {fact: {clientReferenceId: null}, resolution: {assignTo: {namespace: shop, name: lifetime}}}}`, field: "spec.fact", says: saidOnce},
	"while it is acknowledged":   {change: `{spec: {fact: {session: {amount: 1}}, resolution: {acknowledged: true}}}`, field: "spec.fact", says: saidOnce},
	"a label":                    {change: `{metadata: {labels: {looked-at: "yes"}}}`},

	"assigned":                               {change: toAnOrder},
	"assigned, an orphan":                    {status: orphaned, change: toAnOrder},
	"assigned, expired":                      {status: `{status: {phase: Expired}}`, change: toAnOrder},
	"assigned, closed":                       {status: `{status: {phase: Closed}}`, change: toAnOrder},
	"assigned to another":                    {from: toAnOrder, status: orphaned, change: toAnother},
	"assigned to none any more":              {from: toAnOrder, status: orphaned, change: toNone},
	"assigned, applied":                      {status: applied, change: toAnOrder, says: assigned, field: "<nil>"},
	"assigned to another, applied":           {from: toAnOrder, status: applied, change: toAnother, says: assigned, field: "<nil>"},
	"assigned elsewhere, applied":            {from: toAnOrder, status: applied, change: `{spec: {resolution: {assignTo: {namespace: shop-2}}}}`, says: assigned, field: "<nil>"},
	"assigned to none any more, applied":     {from: toAnOrder, status: applied, change: toNone, says: assigned, field: "<nil>"},
	"assigned to the same, applied":          {from: toAnOrder, status: applied, change: toAnOrder},
	"assigned in part":                       {change: `{spec: {resolution: {assignTo: {name: lifetime}}}}`, field: "spec.resolution.assignTo.namespace", says: "Required"},
	"acknowledged":                           {change: `{spec: {resolution: {acknowledged: true}}}`},
	"acknowledged, an orphan":                {status: orphaned, change: `{spec: {resolution: {acknowledged: true}}}`},
	"acknowledged no more":                   {from: `{spec: {resolution: {acknowledged: true}}}`, status: orphaned, change: `{spec: {resolution: {acknowledged: false}}}`},
	"acknowledged no more, gone":             {from: `{spec: {resolution: {acknowledged: true}}}`, status: orphaned, change: `{spec: {resolution: {acknowledged: null}}}`},
	"acknowledged, applied":                  {status: applied, change: `{spec: {resolution: {acknowledged: true}}}`},
	"acknowledged no more, applied":          {from: `{spec: {resolution: {acknowledged: true}}}`, status: applied, change: `{spec: {resolution: {acknowledged: null}}}`},
	"acknowledged, assigned and applied":     {from: toAnOrder, status: applied, change: `{spec: {resolution: {acknowledged: true}}}`},
	"acknowledged while assigned elsewhere":  {from: toAnOrder, status: applied, change: `{spec: {resolution: {acknowledged: true, assignTo: {name: lifetime-2}}}}`, says: assigned, field: "<nil>"},
	"a refund, assigned":                     {from: aRefund, change: toAnOrder, field: "spec", says: follow},
	"a refund, acknowledged":                 {from: aRefund, change: `{spec: {resolution: {acknowledged: true}}}`, field: "spec", says: follow},
	"a refund of an orphan, acknowledged":    {from: aRefund, status: orphaned, change: `{spec: {resolution: {acknowledged: true}}}`, field: "spec", says: follow},
	"a failed refund, assigned":              {from: aFailedRefund, change: toAnOrder, field: "spec", says: follow},
	"a failed refund, acknowledged":          {from: aFailedRefund, change: `{spec: {resolution: {acknowledged: true}}}`, field: "spec", says: follow},
	"a dispute, assigned":                    {from: aDispute, change: toAnOrder, field: "spec", says: follow},
	"a dispute, acknowledged":                {from: aDispute, change: `{spec: {resolution: {acknowledged: true}}}`, field: "spec", says: follow},
	"a refund, acknowledged, but not really": {from: aRefund, change: `{spec: {resolution: {acknowledged: false}}}`, field: "spec", says: follow},
}

func TestStripeEventStatus(t *testing.T) {
	o := created(t, stripeEvent, `{status: {phase: Applied}}`)
	for _, got := range []*unstructured.Unstructured{o, live(t, o)} {
		check.Equal[any](t, map[string]any{"phase": "Parked"}, got.Object["status"], "status")
	}
	for _, status := range []string{
		`{phase: Expired, message: "` + long(1024) + `", expiredAt: "2026-01-02T03:04:05Z"}`,
		`{phase: Applied, orderRef: {namespace: shop, name: lifetime-1}, appliedAt: "2026-01-02T03:04:05Z"}`,
		`{phase: Parked}`,
	} {
		sneaked := `{spec: {fact: {eventId: evt_9}, resolution: {acknowledged: true, assignTo: {namespace: shop, name: lifetime}}}, status: ` + status + `}`
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
			for _, decision := range []string{toAnOrder, toAnother, toNone, toAnOrder, `{spec: {resolution: {acknowledged: true}}}`} {
				if err := change(t, o, decision); err != nil {
					t.Fatalf("%s: %v", decision, err)
				}
			}
			decided := live(t, o)
			if decided.GetGeneration() != o.GetGeneration()+5 {
				t.Errorf("after five decisions the generation is %d; it was %d", decided.GetGeneration(), o.GetGeneration())
			}
			for _, status := range []string{applied, orphaned, `{spec: {resolution: {assignTo: null, acknowledged: null}}, status: {phase: Parked}}`} {
				if err := patchStatus(t, o, types.MergePatchType, status); err != nil {
					t.Errorf("%s: %v", status, err)
				}
			}
			check.NoError(t, putStatus(t, o, map[string]any{"phase": "Closed"}))
			now := live(t, o)
			if diff := cmp.Diff(decided.Object["spec"], now.Object["spec"]); diff != "" {
				t.Errorf("the status' writer changed the spec (-before +now)\n%s", diff)
			}
			if err := change(t, o, `{spec: {resolution: {assignTo: null}}, status: {phase: Applied}}`); err != nil {
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
