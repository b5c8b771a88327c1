package browser

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// noteComplaint takes down what is wrong with a page; the lock is held.
func (tab *Tab) noteComplaint(event any) {
	complain := func(format string, args ...any) {
		tab.complaints = append(tab.complaints, fmt.Sprintf(format, args...))
	}
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			complain("console.%s: %s", e.Type, spoken(e.Args))
		}
	case *runtime.EventExceptionThrown:
		details := e.ExceptionDetails
		complain("%s at %s:%d: %s", details.Text, details.URL, details.LineNumber+1, spoken([]*runtime.RemoteObject{details.Exception}))
	case *log.EventEntryAdded:
		// For that icon the browser asks by itself, whatever the page is.
		if e.Entry.Level == log.EntryLevelError && !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			complain("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if policy := e.Issue.Details.ContentSecurityPolicyIssueDetails; policy != nil {
			complain("the page's policy refused something: %s, %s", policy.ViolatedDirective, policy.BlockedURL)
		}
	case *inspector.EventTargetCrashed:
		complain("the page crashed")
	}
}

// spoken is what a console shows of some values.
func spoken(values []*runtime.RemoteObject) string {
	words := make([]string, 0, len(values))
	for _, value := range values {
		switch {
		case value == nil:
		case value.Description != "":
			words = append(words, value.Description)
		default:
			words = append(words, strings.Trim(string(value.Value), `"`))
		}
	}
	return strings.Join(words, " ")
}

// Pardon expects complaints with these words in them, as of a page that is
// answered with an error on purpose. That none comes fails the test.
func (tab *Tab) Pardon(words string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.pardons = append(tab.pardons, words)
}

// judge fails the test for every complaint that was not expected.
func (tab *Tab) judge() {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	for _, complaint := range tab.complaints {
		if !slices.ContainsFunc(tab.pardons, func(words string) bool { return strings.Contains(complaint, words) }) {
			tab.t.Errorf("the page complained: %s", complaint)
		}
	}
	for _, words := range tab.pardons {
		if !slices.ContainsFunc(tab.complaints, func(complaint string) bool { return strings.Contains(complaint, words) }) && !tab.t.Failed() {
			tab.t.Errorf("the page did not complain about %q, as it should", words)
		}
	}
}
