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
	"github.com/paylink-dev/paylink/test/freeport"
)

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// server is what the stand-in for a kubelet made of a pod.
type server struct {
	name                   string
	url, metrics, probes   string // its addresses; url is that of a webhook server
	process                *exec.Cmd
	output                 *bytes.Buffer
	ended                  chan struct{}
	exit                   error
	t                      *testing.T
	terminationGracePeriod time.Duration
}

// mounted are a container's arguments, with the folders that its Secrets are mounted at in place of those that it has.
func mounted(t *testing.T, container corev1.Container, secrets map[string]map[string]string) []string {
	t.Helper()
	args := slices.Clone(container.Args)
	for _, mount := range container.VolumeMounts {
		folder := t.TempDir()
		for name, content := range secrets[mount.MountPath] {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], mount.MountPath, folder)
		}
	}
	return args
}

// environment is a container's.
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

// token is one of a ServiceAccount.
func token(t *testing.T, namespace, account string) string {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: account}}
	if err := admin.SubResource("token").Create(t.Context(), owner, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// wayIn is the kubeconfig of a ServiceAccount.
func wayIn(t *testing.T, namespace, account string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: shared.Config().Host, CertificateAuthorityData: shared.Config().CAData}
	config.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: token(t, namespace, account)}
	config.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "x"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// content is what the Secrets of a pod's hold, by where they are mounted.
func content(t *testing.T, namespace string, pod corev1.PodSpec) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	for _, mount := range pod.Containers[0].VolumeMounts {
		at := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		var secret corev1.Secret
		if err := admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: pod.Volumes[at].Secret.SecretName}, &secret); err != nil {
			t.Fatal(err)
		}
		found[mount.MountPath] = map[string]string{}
		for key, value := range secret.Data {
			found[mount.MountPath][key] = string(value)
		}
	}
	return found
}

// command is a pod's, with the rights of its ServiceAccount.
func command(t *testing.T, name, namespace string, pod corev1.PodSpec, more ...string) *exec.Cmd {
	t.Helper()
	container := pod.Containers[0]
	words := slices.Concat(container.Command[1:], mounted(t, container, content(t, namespace, pod)), more)
	words = append(words, "--kubeconfig="+wayIn(t, namespace, pod.ServiceAccountName))
	cmd, err := shared.Process(name, filepath.Join(bin, filepath.Base(container.Command[0])), words...)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(environment(container, namespace), "HOME="+t.TempDir())
	return cmd
}

func address(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// start runs a Deployment's pod once, and returns when it is ready. Only its addresses are others.
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
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.exit = s.process.Wait(); close(s.ended) }()
	t.Cleanup(s.stop)
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
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

// stop ends a server as a kubelet does, once.
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

// runTests runs the pods that helm test makes until the context ends, and says what became of them.
func runTests(ctx context.Context, t *testing.T, namespace string, services map[string]string) {
	_ = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		if err := admin.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{"app.kubernetes.io/component": "test"}); err != nil {
			return false, nil // it is asked again
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
			t.Logf("%s says %s", pod.Name, out)
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

// services are the addresses of a release's Services, as a pod knows them, and where they lead to here.
func services(t *testing.T, namespace string, webhookserver *server) map[string]string {
	t.Helper()
	var service corev1.Service
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: chart.Release + "-webhookserver"}, &service); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, port := range service.Spec.Ports {
		found[fmt.Sprintf("%s.%s.svc:%d", service.Name, namespace, port.Port)] = webhookserver.url
	}
	if len(found) != 1 {
		t.Fatalf("the Service has the ports %v", slices.Collect(maps.Keys(found)))
	}
	return found
}
