package page_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/paylink-dev/paylink/test/fakeshop"
	"github.com/paylink-dev/paylink/webhookserver/page"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// states are all that the package declares, by their values.
func states(t *testing.T) []page.State {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "texts.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []page.State
	for node := range ast.Preorder(file) {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			continue
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "State" {
			continue
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.State(value))
	}
	if len(all) < 16 {
		t.Fatalf("found %d states: %v", len(all), all)
	}
	return all
}

// asset is a file that the pages use.
func asset(t *testing.T, name string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	page.Assets(answer, fakeshop.Request(t, http.MethodGet, page.BillingPath+"/"+name, ""))
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: %d", name, answer.Code)
	}
	return answer.Body.String()
}

// TestTexts: every state has words of its own, in whole sentences.
func TestTexts(t *testing.T) {
	sentences := regexp.MustCompile(`^([A-Z][^<>&.]+[.?] ?)+$`)
	titles, messages := map[string]page.State{}, map[string]page.State{}
	for _, state := range states(t) {
		text := page.TextOf(state)
		if text.Title == "" || strings.HasSuffix(text.Title, ".") || !sentences.MatchString(text.Message) || (text.Next != "" && !sentences.MatchString(text.Next)) {
			t.Errorf("%s: %+v", state, text)
		}
		if other, ok := titles[text.Title]; ok {
			t.Errorf("%s has the title of %s", state, other)
		}
		// The script of the page knows by the message alone whether there is news.
		if other, ok := messages[text.Message]; ok {
			t.Errorf("%s says the same as %s, so that nobody would see the one become the other", state, other)
		}
		titles[text.Title], messages[text.Message] = state, state
	}
	if got := page.TextOf("a state of tomorrow"); got != page.TextOf(page.Confirming) {
		t.Errorf("a state without a text is %+v", got)
	}
}

// TestNobodyPaysTwice: where money may have been taken, nothing tells a buyer to pay again.
func TestNobodyPaysTwice(t *testing.T) {
	for _, state := range []page.State{page.Confirming, page.Received, page.Processing, page.Paid, page.Review} {
		text := page.TextOf(state)
		if words := text.Title + text.Message + text.Next; strings.Contains(words, "try again") || strings.Contains(words, "Try again") || strings.Contains(words, "Order again") {
			t.Errorf("%s: %s", state, words)
		}
	}
	for _, state := range []page.State{page.Unknown, page.Invalid, page.Limited} {
		if text := page.TextOf(state); !strings.Contains(text.Next, "If you have paid, ") {
			t.Errorf("%s leaves who has paid alone: %s", state, text.Next)
		}
	}
}

// TestStates: every state has its look. One that the style sheet does not know would have no sign.
func TestStates(t *testing.T) {
	css := asset(t, "page.css")
	for _, state := range states(t) {
		if !strings.Contains(css, "[data-state="+string(state)+"]") {
			t.Errorf("page.css does not know %s", state)
		}
	}
	known := map[string]bool{}
	for _, state := range states(t) {
		known[string(state)] = true
	}
	for _, match := range regexp.MustCompile(`\[data-state=([^\]]*)\]`).FindAllStringSubmatch(css, -1) {
		if !known[match[1]] {
			t.Errorf("page.css knows %s, and nothing else does", match[1])
		}
	}
}

// TestSize: a page with all that it loads is under 16 KiB, in every state.
func TestSize(t *testing.T) {
	loaded := len(asset(t, "page.css")) + len(asset(t, "billing.js"))
	for _, state := range states(t) {
		answer := httptest.NewRecorder()
		pages(t, "https://shop.example.com").ShowBilling(answer, http.StatusOK, page.Billing{
			State: state, Poll: true, RefreshAfter: 30, RefreshURL: "?provider=stripe&session_id=" + strings.Repeat("a", 66) + "&try=10", CheckURL: "?provider=stripe&session_id=" + strings.Repeat("a", 66),
			Product: strings.Repeat("p", 250), Total: "9,999,999,999.99 USD", OrderID: strings.Repeat("o", 200), SessionID: "cs_live_" + strings.Repeat("a", 58),
			RetryURL: "https://buy.stripe.com/" + strings.Repeat("a", 200),
		})
		if size := answer.Body.Len() + loaded; size >= 16<<10 {
			t.Errorf("%s: %d bytes", state, size)
		}
	}
}
