package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/paylink-dev/paylink/internal/stripe/credentials"
	"github.com/paylink-dev/paylink/internal/stripe/webhook"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

const (
	liveSecret credentials.Secret = "whsec_live"
	testSecret credentials.Secret = "whsec_test"
	oldSecret  credentials.Secret = "whsec_rolled"
)

var signedAt = time.Unix(1760000061, 0)

// signature computes a v1 or v0 signature as Stripe's documentation describes it, without Stripe's library.
func signature(secret credentials.Secret, seconds int64, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", seconds, body)
	return hex.EncodeToString(mac.Sum(nil))
}

// header signs a body with each secret.
func header(body []byte, at time.Time, secrets ...credentials.Secret) string {
	parts := []string{fmt.Sprintf("t=%d", at.Unix())}
	for _, s := range secrets {
		parts = append(parts, "v1="+signature(s, at.Unix(), body))
	}
	return strings.Join(parts, ",")
}

func verify(at time.Time, body []byte, header string, secrets ...credentials.Secret) error {
	v := &webhook.Verifier{Secrets: inUse(secrets...), Clock: testingclock.NewFakePassiveClock(at)}
	return v.Verify(body, header)
}

// inUse returns secrets that are named by their position.
func inUse(secrets ...credentials.Secret) *credentials.SigningSecrets {
	list := make([]credentials.NamedSecret, len(secrets))
	for i, s := range secrets {
		list[i] = credentials.NamedSecret{Name: strconv.Itoa(i + 1), Secret: s}
	}
	return credentials.NewSigningSecrets(list)
}

func TestVerifySecrets(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	for name, row := range map[string]struct {
		configured []credentials.Secret
		signed     []credentials.Secret
		want       error
	}{
		"the one secret":                          {[]credentials.Secret{liveSecret}, []credentials.Secret{liveSecret}, nil},
		"live beside test, from live":             {[]credentials.Secret{liveSecret, testSecret}, []credentials.Secret{liveSecret}, nil},
		"live beside test, from test":             {[]credentials.Secret{liveSecret, testSecret}, []credentials.Secret{testSecret}, nil},
		"rotation, the old one configured":        {[]credentials.Secret{oldSecret}, []credentials.Secret{liveSecret, oldSecret}, nil},
		"rotation, the new one configured":        {[]credentials.Secret{liveSecret}, []credentials.Secret{oldSecret, liveSecret}, nil},
		"rotated, signed with the old one":        {[]credentials.Secret{liveSecret}, []credentials.Secret{oldSecret}, webhook.ErrSignature},
		"an unknown endpoint":                     {[]credentials.Secret{liveSecret, testSecret}, []credentials.Secret{"whsec_other"}, webhook.ErrSignature},
		"no secret":                               {nil, []credentials.Secret{liveSecret}, webhook.ErrSignature},
		"no secret, signed with the empty one":    {nil, []credentials.Secret{""}, webhook.ErrSignature},
		"an empty secret never verifies":          {[]credentials.Secret{""}, []credentials.Secret{""}, webhook.ErrSignature},
		"an empty secret beside a good one":       {[]credentials.Secret{"", liveSecret}, []credentials.Secret{""}, webhook.ErrSignature},
		"a good secret beside an empty one":       {[]credentials.Secret{"", liveSecret}, []credentials.Secret{liveSecret}, nil},
		"the placeholder that a secret prints as": {[]credentials.Secret{liveSecret}, []credentials.Secret{"[secret]"}, webhook.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(signedAt, body, header(body, signedAt, row.signed...), row.configured...); !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
		})
	}
}

func TestVerifyHeader(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	seconds := signedAt.Unix()
	good := signature(liveSecret, seconds, body)
	stamp := fmt.Sprintf("t=%d", seconds)
	bogus := strings.Repeat(",v1="+strings.Repeat("0", 64), 5000)
	for name, row := range map[string]struct {
		header string
		want   error
	}{
		"as Stripe sends it in live mode":     {stamp + ",v1=" + good, nil},
		"as Stripe sends it in test mode":     {stamp + ",v1=" + good + ",v0=" + signature("v0", seconds, body), nil},
		"signature first":                     {"v1=" + good + "," + stamp, nil},
		"a future scheme":                     {stamp + ",v1=" + good + ",v2=abc", nil},
		"upper-case hex":                      {stamp + ",v1=" + strings.ToUpper(good), nil},
		"bad hex beside a good one":           {stamp + ",v1=zz,v1=" + good, nil},
		"5000 forged ones and a valid one":    {stamp + bogus + ",v1=" + good, nil},
		"5000 forged ones":                    {stamp + bogus, webhook.ErrSignature},
		"no header":                           {"", webhook.ErrSignature},
		"blank":                               {"   ", webhook.ErrSignature},
		"a valid v0 alone":                    {stamp + ",v0=" + good, webhook.ErrSignature},
		"bad hex":                             {stamp + ",v1=zz" + good[2:], webhook.ErrSignature},
		"cut short":                           {stamp + ",v1=" + good[:62], webhook.ErrSignature},
		"too long":                            {stamp + ",v1=" + good + "00", webhook.ErrSignature},
		"one digit changed":                   {stamp + ",v1=" + flip(good), webhook.ErrSignature},
		"no time":                             {"v1=" + good, webhook.ErrSignature},
		"no time, signed with the zero time":  {"v1=" + signature(liveSecret, time.Time{}.Unix(), body), webhook.ErrStale},
		"no signature":                        {stamp, webhook.ErrSignature},
		"an empty signature":                  {stamp + ",v1=", webhook.ErrSignature},
		"another time than signed":            {fmt.Sprintf("t=%d,v1=%s", seconds+1, good), webhook.ErrSignature},
		"time twice, the last one signed":     {"t=1," + stamp + ",v1=" + good, nil},
		"time twice, the first one signed":    {stamp + ",t=1,v1=" + good, webhook.ErrSignature},
		"time twice, an old one last, signed": {stamp + ",t=1,v1=" + signature(liveSecret, 1, body), webhook.ErrStale},
		"time in words":                       {"t=now,v1=" + good, webhook.ErrSignature},
		"space after the comma":               {stamp + ", v1=" + good, webhook.ErrSignature},
		"space before the time":               {" " + stamp + ",v1=" + good, webhook.ErrSignature},
		"a comma at the end":                  {stamp + ",v1=" + good + ",", webhook.ErrSignature},
		"= twice":                             {stamp + ",v1==" + good, webhook.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(signedAt, body, row.header, liveSecret); !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
		})
	}
}

// flip changes the last digit of a hex number.
func flip(hexadecimal string) string {
	last := byte('0')
	if hexadecimal[len(hexadecimal)-1] == '0' {
		last = '1'
	}
	return hexadecimal[:len(hexadecimal)-1] + string(last)
}

// TestVerifyBody: the signature covers the exact bytes, so that a reformatted body is refused.
func TestVerifyBody(t *testing.T) {
	body := append(stripeevents.FromStripe(t, stripeevents.SessionPaid), '\n')
	signed := header(body, signedAt, liveSecret)
	if err := verify(signedAt, body, signed, liveSecret); err != nil {
		t.Fatalf("unchanged body: got error %v, want none", err)
	}
	changed := bytes.Clone(body)
	changed[bytes.IndexByte(changed, '9')] = '8'
	for name, other := range map[string][]byte{
		"one digit changed":        changed,
		"trailing newline trimmed": bytes.TrimRight(body, "\n"),
		"a space added":            append(bytes.Clone(body), ' '),
		"line ends changed":        bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n")),
		"empty":                    nil,
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(signedAt, other, signed, liveSecret); !errors.Is(err, webhook.ErrSignature) {
				t.Errorf("got error %v, want %v", err, webhook.ErrSignature)
			}
		})
	}
}

func TestVerifyTime(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	for name, row := range map[string]struct {
		age    time.Duration
		secret credentials.Secret
		want   error
	}{
		"now":                     {0, liveSecret, nil},
		"299 s old":               {299 * time.Second, liveSecret, nil},
		"300 s old":               {300 * time.Second, liveSecret, nil},
		"a little over 300 s old": {300*time.Second + time.Millisecond, liveSecret, webhook.ErrStale},
		"301 s old":               {301 * time.Second, liveSecret, webhook.ErrStale},
		"a replay of last year":   {365 * 24 * time.Hour, liveSecret, webhook.ErrStale},
		"299 s ahead":             {-299 * time.Second, liveSecret, nil},
		"300 s ahead":             {-300 * time.Second, liveSecret, nil},
		"301 s ahead":             {-301 * time.Second, liveSecret, webhook.ErrFuture},
		"ten years ahead":         {-10 * 365 * 24 * time.Hour, liveSecret, webhook.ErrFuture},
		"old and forged":          {301 * time.Second, "whsec_forged", webhook.ErrSignature},
		"ahead and forged":        {-301 * time.Second, "whsec_forged", webhook.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(signedAt.Add(row.age), body, header(body, signedAt, row.secret), liveSecret); !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
		})
	}
	for name, seconds := range map[string]int64{"the largest time": math.MaxInt64, "the smallest time": math.MinInt64} {
		t.Run(name, func(t *testing.T) {
			signed := fmt.Sprintf("t=%d,v1=%s", seconds, signature(liveSecret, seconds, body))
			if err := verify(signedAt, body, signed, liveSecret); !errors.Is(err, webhook.ErrStale) && !errors.Is(err, webhook.ErrFuture) {
				t.Errorf("got error %v, want %v or %v", err, webhook.ErrStale, webhook.ErrFuture)
			}
		})
	}
}

// TestSign: a signed body is verified with each of its secrets, and with no other.
func TestSign(t *testing.T) {
	body := []byte(`{"id":"evt_1"}`)
	signed := webhook.Sign(body, signedAt, inUse(oldSecret, liveSecret).Current())
	for secret, want := range map[credentials.Secret]error{oldSecret: nil, liveSecret: nil, "whsec_other": webhook.ErrSignature} {
		if err := verify(signedAt, body, signed, secret); !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", string(secret), err, want)
		}
	}
}
