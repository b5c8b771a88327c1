package webhookserver_test

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/fakeapi"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/test/openapi"
	"github.com/paylink-dev/paylink/webhookserver"
	"github.com/paylink-dev/paylink/webhookserver/ratelimit"
)

// TestContract brings about every operation and response in openapi.yaml, and no other response.
func TestContract(t *testing.T) {
	c, ran, rows := contract(t), 0, exchanges()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			ran++
			synctest.Test(t, func(t *testing.T) {
				row.options.Contract = c
				s := open(t, row.options)
				if row.before != nil {
					row.before(s)
				}
				for i, call := range row.calls {
					answer := ask(t, s, call)
					if last := i == len(row.calls)-1; last && answer.Code != row.want {
						t.Errorf("%s %s: got %d %s, want %d", call.method, call.path, answer.Code, answer.Body, row.want)
					}
				}
			})
		})
	}
	if ran < len(rows) {
		return // -run selects some of them
	}
	if unseen := c.Unseen(); len(unseen) > 0 {
		t.Errorf("got no response of these in openapi.yaml, want each at least once:\n%s", strings.Join(unseen, "\n"))
	}
}

// contract is the description of the server, which has all routes of the calls.
func contract(t testing.TB) *openapi.Contract {
	t.Helper()
	c, err := openapi.Read(fakeshop.New(t, fakeshop.Options{}).Handler, webhookserver.OpenAPIPath)
	check.Must(t, err)
	c.Complete = true
	return c
}

// row is a series of calls. want is the status of the last one.
type row struct {
	options fakeshop.Options
	// before changes the shop before the calls; nil: nothing.
	before func(*fakeshop.Shop)
	calls  []call
	want   int
}

// Failures of the API server and of the cache.
var (
	noGet    = everywhere(fakeapi.FailGet(errUnreachable))
	noList   = everywhere(fakeapi.FailList(errUnreachable))
	noCreate = everywhere(fakeapi.FailCreate(errUnreachable))
)

func everywhere(f interceptor.Funcs) fakeshop.Options {
	return fakeshop.Options{Cached: f, Failures: f}
}

// because is a controller that never makes an order ready, for a reason.
func because(reason string) fakeshop.Options {
	return fakeshop.Options{Controller: func(o *v1alpha1.Order) {
		o.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason}}
	}}
}

// rateLimited limits the requests of one client a minute.
func rateLimited(n int) fakeshop.Options {
	return fakeshop.Options{Looks: ratelimit.Rate{Events: n, Per: time.Minute, Burst: n}}
}

// noTokens fails the TokenReviews.
func noTokens(s *fakeshop.Shop) { s.Users.AwayAfter(0, errUnreachable) }

// exchanges are all series of calls.
func exchanges() map[string]row {
	all := map[string]row{"the description": {calls: []call{get("/openapi.yaml")}, want: 200}}
	for _, some := range []map[string]row{creations(), wrongCreations(), readings(), captures(), pages(), purchases()} {
		maps.Copy(all, some)
	}
	return all
}

func creations() map[string]row {
	keyed := newOrder(lifetime).with("Idempotency-Key", "cart-4711")
	return map[string]row{
		"create: an order":            {calls: []call{newOrder(lifetime)}, want: 201},
		"create: with a charset":      {calls: []call{newOrder(lifetime).with("Content-Type", "application/json; charset=utf-8")}, want: 201},
		"create: the key again":       {calls: []call{keyed, keyed}, want: 201},
		"create: no token":            {calls: []call{newOrder(lifetime).as("")}, want: 401},
		"create: no right":            {calls: []call{newOrder(lifetime).as(fakeshop.OtherUser)}, want: 403},
		"create: another namespace":   {calls: []call{newOrder(`{"paymentLink":"lifetime","namespace":"annex"}`)}, want: 403},
		"create: no such link":        {calls: []call{newOrder(`{"paymentLink":"none","namespace":"shop"}`)}, want: 404},
		"create: broken off":          {calls: []call{newOrder(lifetime[:9]).cut()}, want: 408},
		"create: link not ready":      {calls: []call{newOrder(`{"paymentLink":"soon","namespace":"shop"}`)}, want: 409},
		"create: key of another body": {calls: []call{keyed, newOrder(`{"paymentLink":"backstage","namespace":"shop"}`).with("Idempotency-Key", "cart-4711")}, want: 409},
		"create: too large":           {calls: []call{newOrder(`{"paymentLink":"` + strings.Repeat("a", 16<<10) + `","namespace":"shop"}`)}, want: 413},
		"create: a form":              {calls: []call{newOrder("paymentLink=lifetime&namespace=shop").with("Content-Type", "application/x-www-form-urlencoded")}, want: 415},
		"create: of no type":          {calls: []call{newOrder(lifetime).with("Content-Type", "")}, want: 415},
		"create: many wrong tokens":   {calls: times(11, newOrder(lifetime).as("wrong")), want: 429},
		"create: tokens not reviewed": {before: noTokens, calls: []call{newOrder(lifetime)}, want: 503},
		"create: link not read":       {options: noGet, calls: []call{newOrder(lifetime)}, want: 503},
		"create: not written":         {options: noCreate, calls: []call{newOrder(lifetime)}, want: 503},
		"create: no controller":       {before: (*fakeshop.Shop).Away, calls: []call{newOrder(lifetime)}, want: 503},
	}
}

// wrongCreations are requests that are answered 400. The tests of checkout send those with a wrong value.
func wrongCreations() map[string]row {
	rows := map[string]row{}
	for name, body := range map[string]string{
		"blanks": " ", "a list": `[]`, "null": `null`, "a text": `"lifetime"`, "no JSON": `{`, "two objects": lifetime + lifetime,
		"an empty link": `{"paymentLink":"","namespace":"shop"}`, "an empty namespace": `{"paymentLink":"lifetime","namespace":""}`,
		"another case": `{"PaymentLink":"lifetime","namespace":"shop"}`, "a field twice": `{"paymentLink":"lifetime","namespace":"annex","namespace":"shop"}`,
		"a path":    `{"paymentLink":"../lifetime","namespace":"shop"}`,
		"not UTF-8": "{\"paymentLink\":\"lifetime\",\"namespace\":\"shop\",\"customerId\":\"\xff\"}",
	} {
		rows["create: "+name] = row{calls: []call{newOrder(body).with("Content-Type", "application/json")}, want: 400}
	}
	return rows
}
