package main

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/cluster"
	"github.com/paylink-dev/paylink/test/freeport"
	"github.com/paylink-dev/paylink/test/stack"
)

// namespace is the shop's.
const namespace = "shop"

// environment is Paylink on a real API server, with the processes of both.
type environment struct {
	cluster   *cluster.Cluster
	paylink   *stack.Stack
	client    client.Client
	processes map[string]process
	pprof     map[string]string
	ceiling   *cluster.User // whom the webhook server is compared with
	etcd      etcd
	templates templates
	batches   int
}

// programs are the programs whose usage is reported.
var programs = []string{"webhookserver", "kube-apiserver", "etcd", "controller"}

// startEnvironment starts a cluster whose API server has these flags beside its own, and Paylink on it.
func startEnvironment(ctx context.Context, flags ...string) (*environment, error) {
	return newEnvironment(ctx, cluster.Options{APIServerFlags: flags}, stack.Options{})
}

// startProfiledEnvironment is startEnvironment with servers that serve profiles.
func startProfiledEnvironment(ctx context.Context) (*environment, error) {
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeport.Address(ctx); err != nil {
			return nil, err
		}
	}
	w, err := newEnvironment(ctx, cluster.Options{}, stack.Options{
		WebhookFlags: []string{"--pprof-bind-address=" + addresses[0]}, ControllerFlags: []string{"--pprof-bind-address=" + addresses[1]},
	})
	if err != nil {
		return nil, err
	}
	w.pprof = map[string]string{"webhookserver": addresses[0], "controller": addresses[1]}
	return w, nil
}

func newEnvironment(ctx context.Context, on cluster.Options, o stack.Options) (_ *environment, err error) {
	w := &environment{processes: map[string]process{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.cluster, err = cluster.Start(ctx, on); err != nil {
		return nil, err
	}
	o.Cluster = w.cluster
	if w.paylink, err = stack.Start(ctx, o); err != nil {
		return nil, err
	}
	scheme, err := setup.Scheme()
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(w.cluster.Config())
	config.QPS = -1
	if w.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return nil, err
	}
	if err := w.paylink.MakeNamespace(ctx, namespace); err != nil {
		return nil, err
	}
	if w.ceiling, err = w.cluster.AddServiceUser(ctx, "bench", "config/rbac/webhookserver/role.yaml"); err != nil {
		return nil, err
	}
	w.etcd = newEtcd(w.cluster.EtcdURL())
	if err := w.find(programs...); err != nil {
		return nil, err
	}
	w.processes["bench"] = itself()
	return w, w.newTemplates(ctx)
}

// find finds the present processes of programs.
func (w *environment) find(names ...string) (err error) {
	for _, name := range names {
		if w.processes[name], err = findProcess(w.cluster.Dir(), name); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until all programs are idle.
func (w *environment) settle(ctx context.Context) error { return w.settleOf(ctx, programs...) }

// settleOf is settle for some programs.
func (w *environment) settleOf(ctx context.Context, names ...string) error {
	const look, quiet, rest = 250 * time.Millisecond, 4, 25 * time.Millisecond
	calm := 0
	last := map[string]time.Duration{}
	return wait.PollUntilContextCancel(ctx, look, true, func(context.Context) (bool, error) {
		calm++
		for _, name := range names {
			now, err := w.processes[name].usage()
			if err != nil {
				return false, err
			}
			if now.CPU-last[name] > rest {
				calm = 0
			}
			last[name] = now.CPU
		}
		return calm >= quiet, nil
	})
}

func (w *environment) close() error {
	var errs []error
	if w.paylink != nil {
		errs = append(errs, w.paylink.Stop())
	}
	if w.cluster != nil {
		errs = append(errs, w.cluster.Stop())
	}
	return errors.Join(errs...)
}

// cpu returns the CPU time that every program has used.
func (w *environment) cpu() (map[string]time.Duration, error) {
	used := map[string]time.Duration{}
	for name, p := range w.processes {
		u, err := p.usage()
		if err != nil {
			return nil, err
		}
		used[name] = u.CPU
	}
	return used, nil
}

// measured is timed with the CPU time of each program.
func (w *environment) measured(ctx context.Context, n, concurrency int, call func(ctx context.Context, i int) error) (timings, error) {
	before, err := w.cpu()
	if err != nil {
		return timings{}, err
	}
	l, err := timed(ctx, n, concurrency, call)
	if err != nil {
		return timings{}, err
	}
	if l.cpu, err = w.cpu(); err != nil {
		return timings{}, err
	}
	for name := range l.cpu {
		l.cpu[name] -= before[name]
	}
	return l, nil
}
