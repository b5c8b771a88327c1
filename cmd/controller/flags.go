package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// stripeFlags are the flags of everything that calls Stripe's API.
type stripeFlags struct {
	rate            float64
	backfillPeriod  time.Duration
	backfillGrace   time.Duration
	reconcilePeriod time.Duration
	reconcileDays   int
	reconcileDryRun bool
	endpointPeriod  time.Duration
	manageEndpoint  bool
	webhookSecret   string
}

func (f *stripeFlags) bind(fs *flag.FlagSet) {
	fs.Float64Var(&f.rate, "stripe-api-rate", 10, "Limit of calls a second to Stripe's API. Stripe allows all programs of an account together 100, and 25 in test mode.")
	fs.DurationVar(&f.backfillPeriod, "backfill-period", 5*time.Minute, "Time from the end of a backfill of Stripe's events to the next. 0: no backfill, and a lost webhook stays lost.")
	fs.DurationVar(&f.backfillGrace, "backfill-grace", time.Minute, "Minimum age of an event or payment that counts as lost. The webhook of a younger one can still arrive.")
	fs.DurationVar(&f.reconcilePeriod, "reconcile-period", 24*time.Hour, "Time between two comparisons of Stripe's payments with the orders. 0: no comparison.")
	fs.IntVar(&f.reconcileDays, "reconcile-days", 30, "Age in days up to which Stripe's payments are compared.")
	fs.BoolVar(&f.reconcileDryRun, "reconcile-dry-run", false, "Only log and count the differences between Stripe and the orders; change nothing.")
	fs.DurationVar(&f.endpointPeriod, "endpoint-period", 5*time.Minute, "Time from the end of a check of the webhook endpoint at Stripe to the next. NEXT_PUBLIC_APP_URL gives its address. 0: no check.")
	fs.BoolVar(&f.manageEndpoint, "manage-webhook-endpoint", false, "Create the endpoint at Stripe if it is missing, with exactly the needed event types, and store its signing secret in --webhook-secret-name. The API key needs write access to Webhook Endpoints, and the controller the Role in config/rbac/controller/webhook_secret_role.yaml.")
	fs.StringVar(&f.webhookSecret, "webhook-secret-name", "paylink-webhook", "Secret in the controller's namespace in which --manage-webhook-endpoint stores the endpoint's signing secret. The webhook server reads it by --stripe-webhook-secret-dir. Another name needs another Role.")
}

// reconcileWindow is the maximum age of the sessions that are compared.
func (f *stripeFlags) reconcileWindow() time.Duration {
	return time.Duration(f.reconcileDays) * 24 * time.Hour
}

// check returns the first error in the flags.
func (f *stripeFlags) check() error {
	for _, period := range []struct {
		flag string
		time time.Duration
	}{{"--backfill-period", f.backfillPeriod}, {"--reconcile-period", f.reconcilePeriod}, {"--endpoint-period", f.endpointPeriod}} {
		if period.time != 0 && period.time < time.Second {
			return fmt.Errorf("%s must be at least 1s, or 0 for never", period.flag)
		}
	}
	switch {
	case f.rate <= 0:
		return errors.New("--stripe-api-rate must be more than 0")
	case f.backfillGrace < 0:
		return errors.New("--backfill-grace must not be less than 0s")
	case f.reconcileDays < 1:
		return errors.New("--reconcile-days must be at least 1")
	case f.manageEndpoint && f.endpointPeriod == 0:
		return errors.New("--manage-webhook-endpoint checks the endpoint: --endpoint-period must not be 0")
	}
	if problems := validation.IsDNS1123Subdomain(f.webhookSecret); len(problems) > 0 {
		return fmt.Errorf("--webhook-secret-name: %q is no name of a Secret: %s", f.webhookSecret, problems[0])
	}
	return nil
}
