// Package cluster runs a local Kubernetes API: a real kube-apiserver and etcd, built from source as Go modules
// and started on loopback, for tests and for trying Paylink out. There are no nodes and no controllers of
// Kubernetes' own: no pod runs, and a deleted namespace stays in Terminating. It needs a Unix system.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Options say how a cluster is started. The zero value is a plain, quiet cluster.
type Options struct {
	// Log receives a few lines for people: a build's progress above all. Nil: nothing is printed.
	Log io.Writer
	// Audit has the API server record every request, for AuditEvents.
	Audit bool
	// APIServerFlags are added to the API server's own, each as "--name=value".
	APIServerFlags []string
}

func (o Options) log() io.Writer {
	if o.Log == nil {
		return io.Discard
	}
	return o.Log
}

// A Cluster is a Kubernetes API to work with: one that Start started, or one that Connect found running.
type Cluster struct {
	options    Options
	guard      *guard
	plane      *envtest.ControlPlane // nil: the cluster is not ours
	kubectl    string
	config     *rest.Config
	kubeconfig string
	logs       []*os.File

	mutex   sync.Mutex // guards what follows, and the API server's stops and starts
	stopped bool
	granted []client.Object // made in a cluster that is not ours, removed at Stop
	audit   auditTrail
}

// Start starts a cluster. Its data are in a temporary folder; Stop, or the end of this process in whatever
// way, removes the folder and ends the processes. Cancelling ctx ends a start under way, not a started cluster.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	assets, err := Binaries(ctx, options.log())
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		c, err := start(ctx, assets, options)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("start the cluster: %w", ctx.Err())
		}
		// A port that was free a moment ago may have been taken by the time the server binds it.
		if attempt == 3 || !strings.Contains(err.Error(), "address already in use") {
			return nil, fmt.Errorf("start the cluster: %w", err)
		}
	}
}

func start(ctx context.Context, assets string, options Options) (_ *Cluster, err error) {
	c, err := newCluster(options)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.serverLogs(), c.Stop())
		}
	}()
	c.kubectl = filepath.Join(assets, "kubectl")
	if c.plane, err = c.controlPlane(assets); err != nil {
		return nil, err
	}
	stopKilling := context.AfterFunc(ctx, func() { _ = c.guard.killAll() })
	defer stopKilling()
	if err := c.plane.Start(); err != nil {
		return nil, err
	}
	admin, err := c.addCertificateUser("admin", "system:masters")
	if err != nil {
		return nil, err
	}
	c.config, c.kubeconfig = admin.Config, admin.Kubeconfig
	return c, nil
}

// newCluster makes the guarded folder that every cluster has.
func newCluster(options Options) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "paylink-cluster-")
	if err != nil {
		return nil, err
	}
	g, err := newGuard(dir)
	if err != nil {
		return nil, err
	}
	return &Cluster{options: options, guard: g}, nil
}

// Stop stops the processes of Start and removes the folder. A cluster found by Connect keeps running and loses only the roles of
// AddServiceUser. Stop can be called again.
func (c *Cluster) Stop() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	var errs []error
	if c.plane != nil {
		_ = c.guard.resume("kube-apiserver") // or one that is paused would not hear that it is to end
		errs = append(errs, c.plane.Stop())
	}
	errs = append(errs, c.revoke(), c.guard.killAll())
	for _, file := range c.logs {
		errs = append(errs, file.Close())
	}
	errs = append(errs, c.guard.release())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop the cluster: %w", err)
	}
	return nil
}

// Config returns the configuration of an administrator. It is a copy, which the caller can change.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Kubeconfig returns the path of an administrator's kubeconfig. It goes away with the cluster.
func (c *Cluster) Kubeconfig() string { return c.kubeconfig }

// Kubectl returns the path of a kubectl, or "" where a cluster found by Connect comes without one.
func (c *Cluster) Kubectl() string { return c.kubectl }

// Dir returns the cluster's temporary folder. Files put there go away with the cluster.
func (c *Cluster) Dir() string { return c.guard.dir }

// EtcdURL is the address of etcd, which needs no credentials; empty if Start did not start it.
func (c *Cluster) EtcdURL() string {
	if !c.Embedded() {
		return ""
	}
	return c.plane.Etcd.URL.String()
}

// Embedded reports whether Start started this cluster, so that Stop stops it.
func (c *Cluster) Embedded() bool { return c.plane != nil }

// startTimeout is long for the sake of busy machines; a start takes some 5 s.
const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 20 * time.Second
)
