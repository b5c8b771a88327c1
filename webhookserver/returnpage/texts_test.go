package returnpage_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/webhookserver/page"
	"github.com/paylink-dev/paylink/webhookserver/returnpage"
)

// states are all states of a payment.
var states = []returnpage.State{
	returnpage.Confirming, returnpage.Received, returnpage.Processing, returnpage.Paid, returnpage.Failed, returnpage.Refunded, returnpage.RefundFailed,
	returnpage.Review, returnpage.Duplicate, returnpage.Unfinished, returnpage.SessionExpired, returnpage.Unknown, returnpage.Invalid,
}

// TestTexts: each state has its own title and message, in sentences. The script of the page detects a change by the message.
func TestTexts(t *testing.T) {
	sentences := regexp.MustCompile(`^([A-Z][^<>&.]+[.?] ?)+$`)
	titles, messages := map[string]string{}, map[string]string{}
	texts := []page.Text{page.TooManyRequests}
	for _, state := range states {
		texts = append(texts, returnpage.TextOf(state))
		check.Equal(t, string(state), returnpage.TextOf(state).State, "%s: text of", state)
	}
	for _, text := range texts {
		if text.Title == "" || strings.HasSuffix(text.Title, ".") || !sentences.MatchString(text.Message) || (text.Next != "" && !sentences.MatchString(text.Next)) {
			t.Errorf("got %+v, want a title without a full stop, and sentences", text)
		}
		if other, ok := titles[text.Title]; ok {
			t.Errorf("%s and %s have the same title %q, want different ones", text.State, other, text.Title)
		}
		if other, ok := messages[text.Message]; ok {
			t.Errorf("%s and %s have the same message %q, want different ones", text.State, other, text.Message)
		}
		titles[text.Title], messages[text.Message] = text.State, text.State
	}
	check.Equal(t, returnpage.TextOf(returnpage.Confirming), returnpage.TextOf("future"), "for a state without a text")
}

// TestTextsDoNotAskToPayAgain: if the buyer may have paid, no text asks him to pay again.
func TestTextsDoNotAskToPayAgain(t *testing.T) {
	for _, state := range []returnpage.State{returnpage.Confirming, returnpage.Received, returnpage.Processing, returnpage.Paid, returnpage.Review} {
		text := returnpage.TextOf(state)
		if words := text.Title + text.Message + text.Next; strings.Contains(words, "try again") || strings.Contains(words, "Try again") || strings.Contains(words, "Order again") {
			t.Errorf("%s: got %q, want no advice to pay again", state, words)
		}
	}
	for _, text := range []page.Text{returnpage.TextOf(returnpage.Unknown), returnpage.TextOf(returnpage.Invalid), page.TooManyRequests} {
		check.Contains(t, text.Next, "If you have paid, ")
	}
}
