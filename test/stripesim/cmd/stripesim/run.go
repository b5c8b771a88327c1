package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paylink-dev/paylink/test/stripesim"
)

// errUsage is a mistake on the command line that was already explained there.
var errUsage = errors.New("wrong usage")

// settings are the values of the command line.
type settings struct {
	addr       string
	url        string
	endpoints  []string
	secret     string
	links      []stripesim.PaymentLinkParams
	live       bool
	debitDelay time.Duration
	wait       time.Duration
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("stripesim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:0", "`address` to listen on; port 0 is a free one. The operator's page has no password: stay on loopback")
	flags.StringVar(&s.url, "url", "", "`URL` that others reach it by, in links and pages; default: http:// and the address")
	flags.Func("endpoint", "`URL` to post webhooks to; may be repeated", func(value string) error {
		parsed, err := url.Parse(value)
		if err != nil || parsed.Host == "" {
			return errors.New("write a whole URL, as http://127.0.0.1:8080/api/webhooks/stripe")
		}
		s.endpoints = append(s.endpoints, value)
		return nil
	})
	flags.StringVar(&s.secret, "endpoint-secret", "", "signing `secret` of every endpoint, whsec_…; default: a new one for each")
	flags.Func("link", "payment link to make, as 'name=Lifetime,amount=19900,currency=usd'; also limit=1 and, as the last, redirect=URL; may be repeated",
		func(value string) error {
			link, err := parseLink(value)
			s.links = append(s.links, link)
			return err
		})
	flags.BoolVar(&s.live, "live", false, "make links and endpoints in live mode; default: test mode")
	flags.DurationVar(&s.debitDelay, "debit-delay", 0, "settle each bank debit after so long; 0 leaves it to the operator's page")
	flags.DurationVar(&s.wait, "redirect-wait", 10*time.Second, "how long a buyer may wait after paying for the webhook to be accepted, as at Stripe")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument %q: every setting is a flag\n", flags.Arg(0))
		return s, errUsage
	}
	return s, nil
}

// parseLink reads comma-separated name=value pairs. A redirect is the last of
// them, for its URL may contain commas itself.
func parseLink(value string) (stripesim.PaymentLinkParams, error) {
	var link stripesim.PaymentLinkParams
	for value != "" {
		var pair string
		if strings.HasPrefix(value, "redirect=") {
			pair, value = value, ""
		} else {
			pair, value, _ = strings.Cut(value, ",")
		}
		name, text, _ := strings.Cut(pair, "=")
		var err error
		switch strings.TrimSpace(name) {
		case "name":
			link.ProductName = text
		case "currency":
			link.Currency = text
		case "redirect":
			link.RedirectURL = text
		case "amount":
			link.Amount, err = strconv.ParseInt(text, 10, 64)
		case "limit":
			link.CompletedSessionsLimit, err = strconv.ParseInt(text, 10, 64)
		default:
			return link, fmt.Errorf("%q is not one of name, amount, currency, redirect, limit", name)
		}
		if err != nil || link.Amount < 0 || link.CompletedSessionsLimit < 0 {
			return link, fmt.Errorf("%s=%s: write a whole number, in minor units where it is an amount", name, text)
		}
	}
	return link, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	sim, err := stripesim.Start(stripesim.Options{Addr: s.addr, URL: strings.TrimSuffix(s.url, "/"), DebitDelay: s.debitDelay, RedirectWait: s.wait})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	secrets := make([]string, 0, len(s.endpoints))
	for _, address := range s.endpoints {
		made := sim.AddEndpoint(stripesim.EndpointParams{URL: address, Livemode: s.live, Secret: s.secret})
		secrets = append(secrets, made.Secret)
	}
	apiKey := stripesim.TestKey
	if s.live {
		apiKey = stripesim.LiveKey
	}
	fmt.Fprintf(stdout, "STRIPE_API_BASE=%s\nSTRIPE_SECRET_KEY=%s\n", sim.URL(), apiKey)
	if len(secrets) > 0 {
		fmt.Fprintf(stdout, "STRIPE_WEBHOOK_SECRET=%s\n", strings.Join(slices.Compact(secrets), ","))
	}
	for _, params := range s.links {
		params.Livemode = s.live
		link := sim.CreatePaymentLink(params)
		fmt.Fprintf(stdout, "payment link %s (%s): %s\n", link.ID, link.ProductName, link.URL)
	}
	fmt.Fprintf(stdout, "operator's page: %s/\n", sim.URL())
	<-ctx.Done()
	return sim.Close()
}
