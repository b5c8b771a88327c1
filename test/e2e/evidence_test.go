package e2e_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// keepEvidence saves the logs of all pods and, if the test fails, the objects of the cluster.
func (s *environment) keepEvidence(t *testing.T) {
	t.Helper()
	if *evidence == "" {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { s.followLogs(ctx, &following) })
	t.Cleanup(func() {
		defer following.Wait()
		defer stop()
		if !t.Failed() {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		var failures []error
		for _, namespace := range []string{systemNamespace, testNamespace, shopNamespace} {
			for name, list := range map[string]client.ObjectList{
				"pods": &corev1.PodList{}, "events": &corev1.EventList{}, "deployments": &appsv1.DeploymentList{},
				"orders": &v1alpha1.OrderList{}, "paymentlinks": &v1alpha1.PaymentLinkList{}, "stripeevents": &v1alpha1.StripeEventList{},
			} {
				failures = append(failures, s.saveList(ctx, namespace, name, list))
			}
		}
		t.Logf("logs and events are in %s", *evidence)
		if err := errors.Join(failures...); err != nil {
			t.Errorf("but not all: %v", err)
		}
	})
}

func (s *environment) saveList(ctx context.Context, namespace, name string, list client.ObjectList) error {
	if err := s.List(ctx, list, client.InNamespace(namespace)); meta.IsNoMatchError(err) {
		return nil // nothing is installed
	} else if err != nil {
		return err
	}
	content, err := yaml.Marshal(list)
	if err != nil {
		return err
	}
	f, err := create(namespace, name+".yaml")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// followLogs saves the log of every running container. It ignores errors.
func (s *environment) followLogs(ctx context.Context, following *sync.WaitGroup) {
	followed := map[string]bool{}
	for ctx.Err() == nil {
		for _, namespace := range []string{systemNamespace, testNamespace} {
			var pods corev1.PodList
			_ = s.List(ctx, &pods, client.InNamespace(namespace))
			for _, p := range pods.Items {
				for _, container := range p.Status.ContainerStatuses {
					if container.State.Running != nil && !followed[container.ContainerID] {
						followed[container.ContainerID] = true
						following.Go(func() { _ = s.followLog(ctx, &p, container) })
					}
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (s *environment) followLog(ctx context.Context, pod *corev1.Pod, container corev1.ContainerStatus) error {
	options := &corev1.PodLogOptions{Container: container.Name, Follow: true, Timestamps: true}
	log, err := s.pods.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	f, err := create(pod.Namespace, pod.Name+"-"+container.Name+"-"+container.ContainerID[len(container.ContainerID)-8:]+".log")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, log)
	return errors.Join(err, f.Close())
}

// create makes a file of evidence.
func create(namespace, name string) (*os.File, error) {
	folder := filepath.Join(*evidence, namespace)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(folder, name))
}
