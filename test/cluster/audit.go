package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// auditPolicy records requests without their content. The API server's requests to itself, and requests of no resource, are left
// out.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  users: [system:apiserver]
- level: None
  nonResourceURLs: ["*"]
- level: Metadata
`

// An AuditEvent is one request that the API server has answered.
type AuditEvent struct {
	// Verb is the Kubernetes verb: get, list, watch, create, update, patch, delete, deletecollection.
	Verb string
	// Resource is the plural with its group, as in "orders.payments.paylink.dev"; the core group has none.
	Resource string
	// Subresource is "status", for example; empty for the resource itself.
	Subresource string
	// Namespace and Name name the object; Name is empty where the request did not.
	Namespace, Name string
	// User is the name of the user.
	User string
	// UserAgent is the User-Agent of the client.
	UserAgent string
	// Code is the HTTP status of the answer.
	Code int
}

// Write reports whether the request was for a change.
func (e AuditEvent) Write() bool {
	switch e.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return true
	}
	return false
}

func (c *Cluster) auditLog() string { return filepath.Join(c.guard.dir, "audit.log") }

func (c *Cluster) configureAudit(server *envtest.APIServer) error {
	policy := filepath.Join(c.guard.dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	server.Configure().
		Set("audit-policy-file", policy).
		Set("audit-log-path", c.auditLog()).
		Set("audit-log-mode", "blocking").
		Set("audit-log-maxsize", "10000") // in MB: never rotated
	return nil
}

// AuditEvents returns all requests answered so far, in the order of their answers. The result of an earlier call is the beginning
// of that of a later one, so events[len(before):] are the new ones. It waits until the requests that were received before the call
// are answered, except watches: the log can lag behind an answer that a client has seen. A watch appears when it ends.
func (c *Cluster) AuditEvents(ctx context.Context) ([]AuditEvent, error) {
	if !c.options.Audit {
		return nil, errors.New("read the audit log: the cluster was started without Options.Audit")
	}
	var awaited []string
	err := c.readAudit(func(t *auditTrail) { awaited = slices.Collect(maps.Keys(t.open)) })
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var events []AuditEvent
		err := c.readAudit(func(t *auditTrail) {
			awaited = slices.DeleteFunc(awaited, t.answered)
			events = slices.Clip(t.events)
		})
		if err != nil || len(awaited) == 0 {
			return events, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the audit log to be complete: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// An auditTrail is the content of the audit log when it was last read. Each read starts at the end of the one before: a log of many
// tests is long.
type auditTrail struct {
	read   int64 // bytes
	floor  int64 // requests before this will not complete any more
	events []AuditEvent
	open   map[string]struct{} // ids of requests that should be answered soon
}

// answered reports whether a request that was open is no more.
func (t *auditTrail) answered(id string) bool {
	_, open := t.open[id]
	return !open
}

// readAudit reads the new lines, and calls look with the trail.
func (c *Cluster) readAudit(look func(*auditTrail)) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := c.audit.readOn(c.auditLog()); err != nil {
		return err
	}
	look(&c.audit)
	return nil
}

func (t *auditTrail) readOn(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.NewSectionReader(file, t.read, math.MaxInt64-t.read))
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	for line := range bytes.Lines(content) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // still being written
		}
		var record auditLine
		err := json.Unmarshal(line, &record)
		if err == nil {
			t.add(record)
		} else if t.read >= t.floor { // before it, a line may have been cut off when the API server was killed
			return fmt.Errorf("parse the audit log: %w", err)
		}
		t.read += int64(len(line))
	}
	return nil
}

// An auditLine is the part of an audit.k8s.io/v1 Event that is read here.
type auditLine struct {
	AuditID   string `json:"auditID"`
	Stage     string `json:"stage"`
	Verb      string `json:"verb"`
	UserAgent string `json:"userAgent"`
	User      struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		APIGroup    string `json:"apiGroup"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

func (t *auditTrail) add(line auditLine) {
	switch line.Stage {
	case "RequestReceived":
		if t.read >= t.floor && line.Verb != "watch" {
			if t.open == nil {
				t.open = map[string]struct{}{}
			}
			t.open[line.AuditID] = struct{}{}
		}
	case "ResponseComplete", "Panic":
		delete(t.open, line.AuditID)
		t.events = append(t.events, line.event())
	}
}

func (l auditLine) event() AuditEvent {
	resource := l.ObjectRef.Resource
	if l.ObjectRef.APIGroup != "" {
		resource += "." + l.ObjectRef.APIGroup
	}
	return AuditEvent{
		Verb:        l.Verb,
		Resource:    resource,
		Subresource: l.ObjectRef.Subresource,
		Namespace:   l.ObjectRef.Namespace,
		Name:        l.ObjectRef.Name,
		User:        l.User.Username,
		UserAgent:   l.UserAgent,
		Code:        l.ResponseStatus.Code,
	}
}

// raiseAuditFloor marks the end of an API server: the requests that it did not answer stay unanswered. It completes an unfinished
// last line, so that the next server's first line is separate.
func (c *Cluster) raiseAuditFloor() error {
	if !c.options.Audit {
		return nil
	}
	file, err := os.OpenFile(c.auditLog(), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("mark the audit log: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("mark the audit log: %w", err)
	}
	c.audit.floor = info.Size()
	c.audit.open = nil
	if c.audit.floor == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, c.audit.floor-1); err != nil {
		return fmt.Errorf("mark the audit log: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	c.audit.floor++
	_, err = file.WriteString("\n")
	return err
}
