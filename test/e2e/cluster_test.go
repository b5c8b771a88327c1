package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/internal/setup"
	"github.com/paylink-dev/paylink/test/check"
)

// The flags of the Makefile. The cluster has the images already.
var (
	kubeconfig     = flag.String("cluster", "", "kubeconfig of a cluster without Paylink; without it nothing is tested")
	image          = flag.String("image", "", "Paylink's image, with its tag")
	simulatorImage = flag.String("simulator-image", "", "the Stripe simulator's")
	nginxImage     = flag.String("nginx-image", "", "nginx's")
	evidence       = flag.String("evidence", "", "folder for logs and events if a test fails")
)

const (
	// timeout is how long a test waits for a condition. Only a failing test waits so long.
	timeout = 3 * time.Minute
	// limits is the Pod Security Standard that every namespace here enforces.
	limits = "restricted"
)

// clusterUnderTest is an administrator's client of the cluster.
type clusterUnderTest struct {
	client.Client
	config *rest.Config
	pods   kubernetes.Interface
}

// connect connects to a cluster without Paylink.
func connect(t *testing.T) *clusterUnderTest {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	check.Must(t, err)
	config.QPS, config.Burst = -1, -1
	scheme, err := setup.Scheme()
	check.Must(t, err)
	check.Must(t, apiextensionsv1.AddToScheme(scheme))
	c, err := client.New(config, client.Options{Scheme: scheme})
	check.Must(t, err)
	pods, err := kubernetes.NewForConfig(config)
	check.Must(t, err)
	if served, err := pods.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String()); err == nil && len(served.APIResources) > 0 {
		t.Fatalf("the cluster at %s has Paylink's resources already: use a cluster without Paylink, because this test removes them", config.Host)
	}
	return &clusterUnderTest{Client: c, config: config, pods: pods}
}

// makeNamespace makes a namespace of restricted pods, until the test ends.
func (c *clusterUnderTest) makeNamespace(t *testing.T, name string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": limits}}}
	check.Must(t, c.Create(t.Context(), ns))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		check.NoError(t, c.Delete(ctx, ns))
		until(ctx, t, "namespace "+name+" is gone", func(ctx context.Context) (bool, error) {
			err := c.Get(ctx, client.ObjectKeyFromObject(ns), ns)
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		})
	})
}

func (c *clusterUnderTest) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		check.Must(t, c.Create(t.Context(), o))
	}
}

// ready waits until a pod is ready.
func (c *clusterUnderTest) ready(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	until(t.Context(), t, "pod "+pod.Name+" is ready", func(ctx context.Context) (bool, error) {
		if err := c.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
			return false, err
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				return true, nil
			}
		}
		return false, fmt.Errorf("it is %+v", pod.Status.ContainerStatuses)
	})
}

// logs returns a pod's log.
func (c *clusterUnderTest) logs(ctx context.Context, pod *corev1.Pod, options corev1.PodLogOptions) ([]byte, error) {
	stream, err := c.pods.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &options).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	return io.ReadAll(stream)
}

// tunnel forwards a local port to a pod's, as kubectl port-forward does, until end is called. It returns the address.
func (c *clusterUnderTest) tunnel(t *testing.T, pod *corev1.Pod, port int) (address string, end func()) {
	t.Helper()
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	check.Must(t, err)
	to := c.pods.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, to)
	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.New(dialer, []string{fmt.Sprintf("0:%d", port)}, stop, ready, io.Discard, io.Discard)
	check.Must(t, err)
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case err := <-ended:
		t.Fatalf("forward to pod %s: %v", pod.Name, err)
	case <-ready:
	}
	ports, err := forwarder.GetPorts()
	check.Must(t, err)
	return fmt.Sprintf("127.0.0.1:%d", ports[0].Local), sync.OnceFunc(func() {
		close(stop)
		if err := <-ended; err != nil {
			fmt.Fprintf(os.Stderr, "the tunnel to pod %s: %v\n", pod.Name, err) // the test that opened it may be over
		}
	})
}

// until polls until a condition holds. It ignores errors until then; the failure reports the last one.
func until(ctx context.Context, t *testing.T, what string, is func(context.Context) (bool, error)) {
	t.Helper()
	var failure error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		var done bool
		done, failure = is(ctx)
		return done, nil
	})
	if err != nil {
		t.Fatalf("waiting until %s: %v (last error: %v)", what, err, failure)
	}
}
