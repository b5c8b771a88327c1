package chart_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/freeport"
)

// timeout is how long a test waits for a condition.
const timeout = 2 * time.Minute

// server is a pod of a Deployment, run as a process.
type server struct {
	name                   string
	url, metrics, probes   string // url is that of a webhook server
	process                *exec.Cmd
	output                 *bytes.Buffer
	ended                  chan struct{}
	exit                   error
	t                      *testing.T
	terminationGracePeriod time.Duration
}

// mounted are a container's arguments, with temporary folders in place of the mount paths of its Secrets.
func mounted(t *testing.T, container corev1.Container, secrets map[string]map[string]string) []string {
	t.Helper()
	args := slices.Clone(container.Args)
	for _, mount := range container.VolumeMounts {
		folder := t.TempDir()
		for name, content := range secrets[mount.MountPath] {
			check.Must(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
		}
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], mount.MountPath, folder)
		}
	}
	return args
}

// environment is the environment of a container.
func environment(container corev1.Container, namespace string) []string {
	env := []string{}
	for _, e := range container.Env {
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil && e.ValueFrom.FieldRef.FieldPath == "metadata.namespace" {
			e.Value = namespace
		}
		env = append(env, e.Name+"="+e.Value)
	}
	return env
}

// token is a token of a ServiceAccount.
func token(t *testing.T, namespace, account string) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account}}
	check.Must(t, admin.SubResource("token").Create(t.Context(), owner, request))
	return request.Status.Token
}

// kubeconfig is the path of a ServiceAccount's kubeconfig.
func kubeconfig(t *testing.T, namespace, account string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: shared.Config().Host, CertificateAuthorityData: shared.Config().CAData}
	config.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: token(t, namespace, account)}
	config.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "x"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	check.Must(t, clientcmd.WriteToFile(*config, path))
	return path
}

// content is the contents of a pod's Secrets, by mount path.
func content(t *testing.T, namespace string, pod corev1.PodSpec) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		at := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		var secret corev1.Secret
		check.Must(t, admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: pod.Volumes[at].Secret.SecretName}, &secret))
		found[mount.MountPath] = map[string]string{}
		for key, value := range secret.Data {
			found[mount.MountPath][key] = string(value)
		}
	}
	return found
}

// command is the command of a pod, with the rights of its ServiceAccount.
func command(t *testing.T, name, namespace string, pod corev1.PodSpec, more ...string) *exec.Cmd {
	t.Helper()
	container := pod.Containers[0]
	words := slices.Concat(container.Command[1:], mounted(t, container, content(t, namespace, pod)), more)
	words = append(words, "--kubeconfig="+kubeconfig(t, namespace, pod.ServiceAccountName))
	cmd, err := shared.Process(name, filepath.Join(bin, filepath.Base(container.Command[0])), words...)
	check.Must(t, err)
	cmd.Env = append(environment(container, namespace), "HOME="+t.TempDir())
	return cmd
}

func address(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address(t.Context())
	check.Must(t, err)
	return address
}

// start runs a pod of a Deployment, and returns when it is ready. Its addresses alone differ.
func start(t *testing.T, d *appsv1.Deployment) *server {
	t.Helper()
	pod := d.Spec.Template.Spec
	s := &server{t: t, name: pod.Containers[0].Name, probes: address(t), metrics: address(t), output: &bytes.Buffer{}, ended: make(chan struct{})}
	s.terminationGracePeriod = time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	flags := []string{"--health-probe-bind-address=" + s.probes, "--metrics-bind-address=" + s.metrics}
	if s.name == "webhookserver" {
		s.url = address(t)
		flags = append(flags, "--bind-address="+s.url)
	}
	s.process = command(t, s.name, d.Namespace, pod, flags...)
	s.process.Stdout, s.process.Stderr = s.output, s.output
	check.Must(t, s.process.Start())
	go func() { s.exit = s.process.Wait(); close(s.ended) }()
	t.Cleanup(s.stop)
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		select {
		case <-s.ended:
			return false, fmt.Errorf("it ended: %w", s.exit)
		default:
		}
		status, err := get(ctx, http.DefaultClient, "http://"+s.probes+"/readyz", "")
		return err == nil && status == http.StatusOK, nil
	})
	if err != nil {
		s.stop()
		t.Fatalf("%s does not become ready: %v\n%s", s.name, err, s.output)
	}
	return s
}

// stop ends a server as a kubelet does.
func (s *server) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(s.terminationGracePeriod):
		_ = s.process.Process.Kill()
		<-s.ended
		s.t.Errorf("%s did not end in time", s.name)
	}
	if s.exit != nil {
		s.t.Errorf("%s: %v\n%s", s.name, s.exit, s.output)
	}
}

func get(ctx context.Context, c *http.Client, url, token string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	request.Close = true
	answer, err := c.Do(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// runTests runs the pods of helm test until the context ends, and writes their phase.
func runTests(ctx context.Context, t *testing.T, namespace string, services map[string]string) {
	_ = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		if err := admin.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{"app.kubernetes.io/component": "test"}); err != nil {
			return false, nil // tried again
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			if pod.Status.Phase != "" && pod.Status.Phase != corev1.PodPending {
				continue
			}
			for name, address := range services {
				for i, arg := range pod.Spec.Containers[0].Args {
					pod.Spec.Containers[0].Args[i] = strings.Replace(arg, "http://"+name+"/", "http://"+address+"/", 1)
				}
			}
			out, err := command(t, "selftest", namespace, pod.Spec).CombinedOutput()
			t.Logf("%s: %s", pod.Name, out)
			phase := corev1.PodSucceeded
			if err != nil {
				phase = corev1.PodFailed
			}
			before := pod.DeepCopy()
			pod.Status.Phase = phase
			if err := admin.Status().Patch(ctx, pod, client.MergeFrom(before)); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
		return false, nil
	})
}

// services are the local addresses of a release's Services, by their addresses in the cluster.
func services(t *testing.T, namespace string, webhookserver *server) map[string]string {
	t.Helper()
	var service corev1.Service
	check.Must(t, admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: chart.Release + "-webhookserver"}, &service))
	found := map[string]string{}
	for _, port := range service.Spec.Ports {
		found[fmt.Sprintf("%s.%s.svc:%d", service.Name, namespace, port.Port)] = webhookserver.url
	}
	if len(found) != 1 {
		t.Fatalf("got the ports %v of the Service, want one", slices.Collect(maps.Keys(found)))
	}
	return found
}
