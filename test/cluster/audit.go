package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// auditPolicy records who asked for what, without the content. The API server's requests to itself, and
// those for no resource, would only be noise.
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
	// User is the name of who asked.
	User string
	// UserAgent is what the client called itself.
	UserAgent string
	// Code is the HTTP status of the answer.
	Code int
}

// Write tells whether the request asked for a change.
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

// AuditEvents returns every request answered so far, in the order of the answers: what an earlier call
// returned is the beginning of what a later one returns, so events[len(before):] are the new ones. It waits
// until each request that had been received when it was called has been answered (watches excepted, which
// appear when they end), because the log may lag behind an answer that a client has already seen.
func (c *Cluster) AuditEvents(ctx context.Context) ([]AuditEvent, error) {
	if !c.options.Audit {
		return nil, errors.New("read the audit log: the cluster was started without Options.Audit")
	}
	first, err := c.readAudit()
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for log := first; ; {
		if log.answeredAll(first.received) {
			return log.events, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the audit log to be complete: %w", ctx.Err())
		case <-tick.C:
		}
		if log, err = c.readAudit(); err != nil {
			return nil, err
		}
	}
}

// An auditTrail is what the audit log held when it was read.
type auditTrail struct {
	events   []AuditEvent
	received map[string]struct{} // ids of requests that should be answered soon
	answered map[string]struct{}
}

func (t auditTrail) answeredAll(received map[string]struct{}) bool {
	for id := range received {
		if _, ok := t.answered[id]; !ok {
			return false
		}
	}
	return true
}

func (c *Cluster) readAudit() (auditTrail, error) {
	trail := auditTrail{received: map[string]struct{}{}, answered: map[string]struct{}{}}
	content, err := os.ReadFile(c.auditLog())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return trail, fmt.Errorf("read the audit log: %w", err)
	}
	c.mutex.Lock()
	floor := c.auditFloor
	c.mutex.Unlock()
	var offset int64
	for line := range bytes.Lines(content) {
		begin := offset
		offset += int64(len(line))
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // still being written
		}
		var record auditLine
		if err := json.Unmarshal(line, &record); err != nil {
			if begin < floor {
				continue // cut off when the API server was killed
			}
			return trail, fmt.Errorf("parse the audit log: %w", err)
		}
		trail.add(record, begin >= floor)
	}
	return trail, nil
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

func (t *auditTrail) add(line auditLine, mayComplete bool) {
	switch line.Stage {
	case "RequestReceived":
		if mayComplete && line.Verb != "watch" {
			t.received[line.AuditID] = struct{}{}
		}
	case "ResponseComplete", "Panic":
		t.answered[line.AuditID] = struct{}{}
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

// raiseAuditFloor notes that the API server is gone: what it received and did not answer stays unanswered.
// An unfinished last line is completed, so that the next server's first line stands alone.
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
	c.auditFloor = info.Size()
	if c.auditFloor == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, c.auditFloor-1); err != nil {
		return fmt.Errorf("mark the audit log: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	c.auditFloor++
	_, err = file.WriteString("\n")
	return err
}
