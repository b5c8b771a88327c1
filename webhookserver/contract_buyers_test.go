package webhookserver_test

import (
	"strings"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/checkout"
)

func readings() map[string]row {
	rows := map[string]row{
		"get: no token":            {calls: []call{getOrder("paid").as("")}, want: 401},
		"get: no right":            {calls: []call{getOrder("paid").as(fakeshop.OtherUser)}, want: 404},
		"get: no such order":       {calls: []call{getOrder("none")}, want: 404},
		"get: a wrong id":          {calls: []call{getOrder("a.b")}, want: 400},
		"get: many wrong tokens":   {calls: times(11, getOrder("paid").as("wrong")), want: 429},
		"get: tokens not reviewed": {before: noTokens, calls: []call{getOrder("paid")}, want: 503},
		"get: not read":            {options: noList, calls: []call{getOrder("paid")}, want: 503},
		"get: not ready yet": {before: (*fakeshop.Shop).Away, want: 200,
			calls: after(getOrder("own-1"), newOrder(`{"paymentLink":"lifetime","namespace":"shop","orderId":"own-1"}`))},
	}
	for _, id := range []string{"pending", "paid", "failed", "refunded"} {
		rows["get: "+id] = row{calls: []call{getOrder(id)}, want: 200}
	}
	return rows
}

func captures() map[string]row {
	rows := map[string]row{
		"capture: paid":          {calls: []call{capture("cs_test_paid")}, want: 200},
		"capture: unknown":       {calls: []call{capture("cs_test_none")}, want: 404},
		"capture: broken off":    {calls: []call{captureOf(`{"prov`).cut()}, want: 408},
		"capture: too large":     {calls: []call{captureOf(`{"provider":"` + strings.Repeat("a", 16<<10) + `"}`)}, want: 413},
		"capture: text":          {calls: []call{capture("cs_test_paid").with("Content-Type", "text/plain")}, want: 415},
		"capture: too often":     {options: rateLimited(2), calls: times(3, capture("cs_test_paid")), want: 429},
		"capture: not looked up": {options: noList, calls: []call{capture("cs_test_paid")}, want: 503},
	}
	for name, body := range map[string]string{
		"an empty session": `{"provider":"stripe","session_id":""}`, "a long session": `{"provider":"stripe","session_id":"cs_test_` + strings.Repeat("a", 248) + `"}`,
	} {
		rows["capture: "+name] = row{calls: []call{captureOf(body).with("Content-Type", "application/json")}, want: 400}
	}
	return rows
}

func pages() map[string]row {
	paid := get(billingPath + "cs_test_paid")
	rows := map[string]row{
		"page: paid":                  {calls: []call{paid.html()}, want: 200},
		"page: for a program":         {calls: []call{paid}, want: 200},
		"page: confirming":            {calls: []call{get(billingPath + "cs_test_silence").html()}, want: 200},
		"page: for the third time":    {calls: []call{get(billingPath + "cs_test_silence&try=3").html()}, want: 200},
		"page: for the umpteenth":     {calls: []call{get(billingPath + "cs_test_silence&try=umpteen").html()}, want: 200},
		"page: for the minus first":   {calls: []call{get(billingPath + "cs_test_silence&try=-1").html()}, want: 200},
		"page: with other parameters": {calls: []call{get(billingPath + "cs_test_paid&utm_source=mail").html()}, want: 200},
		"page: not looked up":         {options: noList, calls: []call{paid.html()}, want: 200},
		"page: unknown":               {calls: []call{get(billingPath + "cs_test_none").html()}, want: 404},
		"page: too often":             {options: rateLimited(2), calls: times(3, paid.html()), want: 429},
		"page: too often a program":   {options: rateLimited(2), calls: times(3, paid), want: 429},
	}
	for name, query := range map[string]string{"no session": "?provider=stripe", "a payment": "?provider=stripe&session_id=pi_1"} {
		rows["page: "+name] = row{calls: []call{get("/dashboard/billing" + query).html()}, want: 400}
		rows["page: to a program, "+name] = row{calls: []call{get("/dashboard/billing" + query)}, want: 400}
	}
	return rows
}

// limits are the default limits of the buy page with a change.
func limits(change func(*checkout.Limits)) fakeshop.Options {
	l := checkout.DefaultLimits()
	change(&l)
	return fakeshop.Options{Limits: l}
}

// purchases are answered as HTML to a browser, and as JSON to other clients.
func purchases() map[string]row {
	crossSite := buy(lifetimePath).with("Sec-Fetch-Site", "cross-site").with("Origin", "https://evil.example")
	rows := map[string]row{}
	for name, r := range map[string]row{
		"buy page":                        {calls: []call{get(lifetimePath)}, want: 200},
		"buy page: not public":            {calls: []call{get("/buy/shop/backstage")}, want: 404},
		"buy page: neither public, ready": {calls: []call{get("/buy/shop/later")}, want: 404},
		"buy page: none":                  {calls: []call{get("/buy/shop/none")}, want: 404},
		"buy page: no names":              {calls: []call{get("/buy/Shop/..%2Fx")}, want: 404},
		"buy page: not ready":             {calls: []call{get("/buy/shop/soon")}, want: 503},
		"buy page: not read":              {options: noGet, calls: []call{get(lifetimePath)}, want: 503},
		"buy":                             {calls: []call{buy(lifetimePath)}, want: 303},
		"buy: as a browser's form":        {calls: []call{buy(lifetimePath).with("Content-Type", "application/x-www-form-urlencoded").with("Sec-Fetch-Site", "same-origin")}, want: 303},
		"buy: from elsewhere":             {calls: []call{crossSite}, want: 403},
		"buy: not public":                 {calls: []call{buy("/buy/shop/backstage")}, want: 404},
		"buy: price changes":              {options: because(v1alpha1.ReasonPaymentLinkMismatch), calls: []call{buy(lifetimePath)}, want: 409},
		"buy: expires at once":            {options: because(v1alpha1.ReasonExpired), calls: []call{buy(lifetimePath)}, want: 409},
		"buy: one address's too many":     {options: limits(func(l *checkout.Limits) { l.PerAddress.Burst = 2 }), calls: times(3, buy(lifetimePath)), want: 429},
		"buy: one link's too many":        {options: limits(func(l *checkout.Limits) { l.PerLink.Burst = 2 }), calls: times(3, buy(lifetimePath)), want: 429},
		"buy: too many wait":              {options: limits(func(l *checkout.Limits) { l.Open = 2 }), calls: times(3, buy(lifetimePath)), want: 503},
		"buy: not ready":                  {calls: []call{buy("/buy/shop/soon")}, want: 503},
		"buy: orders not counted":         {options: noList, calls: []call{buy(lifetimePath)}, want: 503},
		"buy: not written":                {options: noCreate, calls: []call{buy(lifetimePath)}, want: 503},
		"buy: no controller":              {before: (*fakeshop.Shop).Away, calls: []call{buy(lifetimePath)}, want: 503},
	} {
		rows[name] = r
		shown := row{options: r.options, before: r.before, want: r.want}
		for _, c := range r.calls {
			shown.calls = append(shown.calls, c.html())
		}
		rows[name+", in a browser"] = shown
	}
	return rows
}
