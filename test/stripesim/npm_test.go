package stripesim_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/paylink-dev/paylink/test/missing"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// installed is a directory with Stripe's official library for Node in it.
func installed(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing.Tool(t, tool+" is missing: install Node.js 20 or newer (https://nodejs.org, or apt-get install nodejs npm)")
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "npm"))); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Logf("npm ci: %v\n%s", err, out)
		missing.Tool(t, "npm cannot install the stripe package: it needs the npm registry or a filled cache")
	}
	return dir
}

// TestOfficialNodeLibrary has Stripe's library for Node verify a webhook, sign
// one, and call the API.
func TestOfficialNodeLibrary(t *testing.T) {
	dir := installed(t)
	sim := start(t, stripesim.Options{})
	shop := newShop(t, nil)
	endpoint := sim.AddEndpoint(stripesim.EndpointParams{URL: shop.URL, Events: completed})
	sim.RollSecret(endpoint.ID) // so that the header carries two signatures
	session := pay(t, sim, sim.CreatePaymentLink(stripesim.PaymentLinkParams{ProductName: "Straße & Söhne", Amount: 19900}))
	delivered(t, sim)
	got := shop.received()[0]
	at := time.Unix(1760000000, 0)
	given, err := json.Marshal(map[string]any{
		"base": sim.URL(), "key": stripesim.TestKey, "body": string(got.body), "secret": endpoint.Secret,
		"header": got.header.Get("Stripe-Signature"), "intent": session.PaymentIntent, "timestamp": at.Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(t.Context(), "node", "client.mjs")
	script.Dir, script.Stdin, script.Stderr = dir, bytes.NewReader(given), t.Output()
	out, err := script.Output()
	if err != nil {
		t.Fatal(err)
	}
	var saw struct {
		Event, Type, Forged, Link, Session, Item, Refused, Signed string
		Events                                                    []string
	}
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if saw.Event != got.id || saw.Type != "checkout.session.completed" || saw.Forged != "StripeSignatureVerificationError" {
		t.Errorf("as a receiver it saw %+v", saw)
	}
	if want := stripesim.SignatureHeader([]string{endpoint.Secret}, at, got.body); saw.Signed != want {
		t.Errorf("it signs %s, the simulator %s", saw.Signed, want)
	}
	if _, ok := sim.PaymentLink(saw.Link); !ok || saw.Session != session.ID || saw.Item != "Straße & Söhne" {
		t.Errorf("as a client it saw %+v", saw)
	}
	if want := []string{"checkout.session.completed", "charge.succeeded"}; !slices.Equal(saw.Events, want) || saw.Refused != "StripeInvalidRequestError amount" {
		t.Errorf("as a client it saw %+v", saw)
	}
}
