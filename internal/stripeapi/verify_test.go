package stripeapi_test

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

	"github.com/paylink-dev/paylink/internal/stripeapi"
	"github.com/paylink-dev/paylink/test/stripeevents"
)

const (
	liveSecret stripeapi.Secret = "whsec_live"
	testSecret stripeapi.Secret = "whsec_test"
	oldSecret  stripeapi.Secret = "whsec_rolled"
)

var signedAt = time.Unix(1760000061, 0)

// signature is a v1 or v0 as Stripe's documentation has it, made without Stripe's library.
func signature(secret stripeapi.Secret, seconds int64, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", seconds, body)
	return hex.EncodeToString(mac.Sum(nil))
}

// header signs a body with each secret.
func header(body []byte, at time.Time, secrets ...stripeapi.Secret) string {
	parts := []string{fmt.Sprintf("t=%d", at.Unix())}
	for _, s := range secrets {
		parts = append(parts, "v1="+signature(s, at.Unix(), body))
	}
	return strings.Join(parts, ",")
}

func verify(at time.Time, body []byte, header string, secrets ...stripeapi.Secret) error {
	v := &stripeapi.Verifier{Secrets: inForce(secrets...), Clock: testingclock.NewFakePassiveClock(at)}
	return v.Verify(body, header)
}

// inForce names secrets by their position.
func inForce(secrets ...stripeapi.Secret) *stripeapi.SigningSecrets {
	list := make([]stripeapi.NamedSecret, len(secrets))
	for i, s := range secrets {
		list[i] = stripeapi.NamedSecret{Name: strconv.Itoa(i + 1), Secret: s}
	}
	return stripeapi.NewSigningSecrets(list)
}

func TestVerifySecrets(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	for name, row := range map[string]struct {
		configured []stripeapi.Secret
		signed     []stripeapi.Secret
		want       error
	}{
		"the one secret":                          {[]stripeapi.Secret{liveSecret}, []stripeapi.Secret{liveSecret}, nil},
		"live beside test, from live":             {[]stripeapi.Secret{liveSecret, testSecret}, []stripeapi.Secret{liveSecret}, nil},
		"live beside test, from test":             {[]stripeapi.Secret{liveSecret, testSecret}, []stripeapi.Secret{testSecret}, nil},
		"rolling, only the old one known here":    {[]stripeapi.Secret{oldSecret}, []stripeapi.Secret{liveSecret, oldSecret}, nil},
		"rolling, only the new one known here":    {[]stripeapi.Secret{liveSecret}, []stripeapi.Secret{oldSecret, liveSecret}, nil},
		"rolled, the old one still used":          {[]stripeapi.Secret{liveSecret}, []stripeapi.Secret{oldSecret}, stripeapi.ErrSignature},
		"an endpoint that nobody configured":      {[]stripeapi.Secret{liveSecret, testSecret}, []stripeapi.Secret{"whsec_other"}, stripeapi.ErrSignature},
		"no secret":                               {nil, []stripeapi.Secret{liveSecret}, stripeapi.ErrSignature},
		"no secret, signed with the empty one":    {nil, []stripeapi.Secret{""}, stripeapi.ErrSignature},
		"an empty secret never verifies":          {[]stripeapi.Secret{""}, []stripeapi.Secret{""}, stripeapi.ErrSignature},
		"an empty secret beside a good one":       {[]stripeapi.Secret{"", liveSecret}, []stripeapi.Secret{""}, stripeapi.ErrSignature},
		"a good secret beside an empty one":       {[]stripeapi.Secret{"", liveSecret}, []stripeapi.Secret{liveSecret}, nil},
		"the placeholder that a secret prints as": {[]stripeapi.Secret{liveSecret}, []stripeapi.Secret{"[secret]"}, stripeapi.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(signedAt, body, header(body, signedAt, row.signed...), row.configured...); !errors.Is(err, row.want) {
				t.Errorf("%v, not %v", err, row.want)
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
		"as Stripe sends it in live mode":       {stamp + ",v1=" + good, nil},
		"as Stripe sends it in test mode":       {stamp + ",v1=" + good + ",v0=" + signature("v0", seconds, body), nil},
		"signature first":                       {"v1=" + good + "," + stamp, nil},
		"a scheme to come":                      {stamp + ",v1=" + good + ",v2=abc", nil},
		"upper-case hex":                        {stamp + ",v1=" + strings.ToUpper(good), nil},
		"bad hex beside a good one":             {stamp + ",v1=zz,v1=" + good, nil},
		"5000 forged ones, then the good one":   {stamp + bogus + ",v1=" + good, nil},
		"5000 forged ones":                      {stamp + bogus, stripeapi.ErrSignature},
		"none":                                  {"", stripeapi.ErrSignature},
		"blank":                                 {"   ", stripeapi.ErrSignature},
		"v0 alone, though right":                {stamp + ",v0=" + good, stripeapi.ErrSignature},
		"bad hex":                               {stamp + ",v1=zz" + good[2:], stripeapi.ErrSignature},
		"cut short":                             {stamp + ",v1=" + good[:62], stripeapi.ErrSignature},
		"too long":                              {stamp + ",v1=" + good + "00", stripeapi.ErrSignature},
		"one digit changed":                     {stamp + ",v1=" + flip(good), stripeapi.ErrSignature},
		"no time":                               {"v1=" + good, stripeapi.ErrSignature},
		"no time, signed for none":              {"v1=" + signature(liveSecret, time.Time{}.Unix(), body), stripeapi.ErrStale},
		"no signature":                          {stamp, stripeapi.ErrSignature},
		"an empty signature":                    {stamp + ",v1=", stripeapi.ErrSignature},
		"another time than signed":              {fmt.Sprintf("t=%d,v1=%s", seconds+1, good), stripeapi.ErrSignature},
		"time twice, the last one signed":       {"t=1," + stamp + ",v1=" + good, nil},
		"time twice, the first one signed":      {stamp + ",t=1,v1=" + good, stripeapi.ErrSignature},
		"time twice, an old one signed at last": {stamp + ",t=1,v1=" + signature(liveSecret, 1, body), stripeapi.ErrStale},
		"time in words":                         {"t=now,v1=" + good, stripeapi.ErrSignature},
		"space after the comma":                 {stamp + ", v1=" + good, stripeapi.ErrSignature},
		"space before the time":                 {" " + stamp + ",v1=" + good, stripeapi.ErrSignature},
		"a comma at the end":                    {stamp + ",v1=" + good + ",", stripeapi.ErrSignature},
		"= twice":                               {stamp + ",v1==" + good, stripeapi.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(signedAt, body, row.header, liveSecret); !errors.Is(err, row.want) {
				t.Errorf("%v, not %v", err, row.want)
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

// TestVerifyBody: the signature is over the very bytes, so a proxy that reformats a body breaks it.
func TestVerifyBody(t *testing.T) {
	body := append(stripeevents.FromStripe(t, stripeevents.SessionPaid), '\n')
	signed := header(body, signedAt, liveSecret)
	if err := verify(signedAt, body, signed, liveSecret); err != nil {
		t.Fatalf("the body itself: %v", err)
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
			if err := verify(signedAt, other, signed, liveSecret); !errors.Is(err, stripeapi.ErrSignature) {
				t.Errorf("%v, not %v", err, stripeapi.ErrSignature)
			}
		})
	}
}

func TestVerifyTime(t *testing.T) {
	body := stripeevents.FromStripe(t, stripeevents.SessionPaid)
	for name, row := range map[string]struct {
		age    time.Duration
		secret stripeapi.Secret
		want   error
	}{
		"now":                     {0, liveSecret, nil},
		"299 s old":               {299 * time.Second, liveSecret, nil},
		"300 s old":               {300 * time.Second, liveSecret, nil},
		"a little over 300 s old": {300*time.Second + time.Millisecond, liveSecret, stripeapi.ErrStale},
		"301 s old":               {301 * time.Second, liveSecret, stripeapi.ErrStale},
		"a replay of last year":   {365 * 24 * time.Hour, liveSecret, stripeapi.ErrStale},
		"299 s ahead":             {-299 * time.Second, liveSecret, nil},
		"300 s ahead":             {-300 * time.Second, liveSecret, nil},
		"301 s ahead":             {-301 * time.Second, liveSecret, stripeapi.ErrFuture},
		"ten years ahead":         {-10 * 365 * 24 * time.Hour, liveSecret, stripeapi.ErrFuture},
		"old and forged":          {301 * time.Second, "whsec_forged", stripeapi.ErrSignature},
		"ahead and forged":        {-301 * time.Second, "whsec_forged", stripeapi.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(signedAt.Add(row.age), body, header(body, signedAt, row.secret), liveSecret); !errors.Is(err, row.want) {
				t.Errorf("%v, not %v", err, row.want)
			}
		})
	}
	for name, seconds := range map[string]int64{"the last second there is": math.MaxInt64, "the first one": math.MinInt64} {
		t.Run(name, func(t *testing.T) {
			signed := fmt.Sprintf("t=%d,v1=%s", seconds, signature(liveSecret, seconds, body))
			if err := verify(signedAt, body, signed, liveSecret); !errors.Is(err, stripeapi.ErrStale) && !errors.Is(err, stripeapi.ErrFuture) {
				t.Errorf("%v", err)
			}
		})
	}
}
