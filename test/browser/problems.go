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

// recordProblem records an error of a page. The caller holds the lock.
func (tab *Tab) recordProblem(event any) {
	record := func(format string, args ...any) {
		tab.problems = append(tab.problems, fmt.Sprintf(format, args...))
	}
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			record("console.%s: %s", e.Type, consoleText(e.Args))
		}
	case *runtime.EventExceptionThrown:
		details := e.ExceptionDetails
		record("%s at %s:%d: %s", details.Text, details.URL, details.LineNumber+1, consoleText([]*runtime.RemoteObject{details.Exception}))
	case *log.EventEntryAdded:
		// The browser requests this icon by itself.
		if e.Entry.Level == log.EntryLevelError && !strings.HasSuffix(e.Entry.URL, "/favicon.ico") {
			record("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		if policy := e.Issue.Details.ContentSecurityPolicyIssueDetails; policy != nil {
			record("the page's policy refused something: %s, %s", policy.ViolatedDirective, policy.BlockedURL)
		}
	case *inspector.EventTargetCrashed:
		record("the page crashed")
	}
}

// consoleText is the text of values in the console.
func consoleText(values []*runtime.RemoteObject) string {
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

// ExpectProblem expects problems with these words, as of a page that is answered
// with an error on purpose. The test fails where none comes.
func (tab *Tab) ExpectProblem(words string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.expected = append(tab.expected, words)
}

// checkProblems fails the test for every unexpected problem.
func (tab *Tab) checkProblems() {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	for _, problem := range tab.problems {
		if !slices.ContainsFunc(tab.expected, func(words string) bool { return strings.Contains(problem, words) }) {
			tab.t.Errorf("got the problem %s, want none", problem)
		}
	}
	for _, words := range tab.expected {
		if !slices.ContainsFunc(tab.problems, func(problem string) bool { return strings.Contains(problem, words) }) && !tab.t.Failed() {
			tab.t.Errorf("got no problem with %q, want one", words)
		}
	}
}
