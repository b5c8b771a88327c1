package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"text/template"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/paylink-dev/paylink/test/check"
)

// nginxConfig has the locations of an Ingress. It keeps connections to the webhook server, as ingress controllers do, and
// retries nothing, so that every failure is in the log.
var nginxConfig = template.Must(template.New("nginx.conf").Parse(`daemon off;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events {}
http {
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/a; uwsgi_temp_path /tmp/b; scgi_temp_path /tmp/c;
  log_format request escape=json '{"method":"$request_method","uri":"$request_uri","status":$status,"upstream":"$upstream_status"}';
  access_log /dev/stdout request;
  upstream webhookserver { server {{.Backend}}; keepalive 16; }
  # The tunnel is a load balancer that sets the client address.
  set_real_ip_from 127.0.0.0/8;
  real_ip_header X-Forwarded-For;
  server {
    listen 8443 ssl;
    server_name {{.Host}};
    ssl_certificate /etc/tls/tls.crt;
    ssl_certificate_key /etc/tls/tls.key;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    location / { return 404; }
    {{- range .Paths}}
    location = {{.Path}} { proxy_pass http://webhookserver; }
    {{- if .Below}}
    location {{.Path}}/ { proxy_pass http://webhookserver; }
    {{- end}}
    {{- end}}
  }
}
`))

// location is a path of an Ingress.
type location struct {
	Path  string
	Below bool
}

// locations reads the paths of the chart's Ingress, and the address of its Service.
func (s *environment) locations(t *testing.T) (paths []location, backend string) {
	t.Helper()
	var ingress networkingv1.Ingress
	var service corev1.Service
	check.Must(t, s.Get(t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: "paylink"}, &ingress))
	for _, path := range ingress.Spec.Rules[0].HTTP.Paths {
		paths = append(paths, location{path.Path, *path.PathType == networkingv1.PathTypePrefix})
		check.Must(t, s.Get(t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: path.Backend.Service.Name}, &service))
		for _, port := range service.Spec.Ports {
			if port.Name == path.Backend.Service.Port.Name {
				backend = fmt.Sprintf("%s:%d", service.Spec.ClusterIP, port.Port)
			}
		}
	}
	if ingress.Spec.Rules[0].Host != shopHost || ingress.Spec.TLS[0].SecretName != tlsSecret || backend == "" {
		t.Fatalf("the Ingress is %+v, for %q", ingress.Spec, backend)
	}
	return paths, backend
}

// openIngress starts nginx for the current Ingress, and a tunnel to it.
func (s *environment) openIngress(t *testing.T) {
	t.Helper()
	paths, backend := s.locations(t)
	var config bytes.Buffer
	check.Must(t, nginxConfig.Execute(&config, map[string]any{"Backend": backend, "Host": shopHost, "Paths": paths}))
	name := fmt.Sprintf("nginx-%d", s.opened)
	s.opened, s.seen = s.opened+1, 0
	s.nginx = pod(name, ingressName, corev1.Container{
		Name: "nginx", Image: *nginxImage, Command: []string{"nginx", "-e", "stderr", "-c", "/etc/nginx-conf/nginx.conf"},
		Ports:          []corev1.ContainerPort{{ContainerPort: 8443}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8443)}}, PeriodSeconds: 1},
	}, map[string]corev1.VolumeSource{
		"/tmp":            {EmptyDir: &corev1.EmptyDirVolumeSource{}},
		"/etc/tls":        {Secret: &corev1.SecretVolumeSource{SecretName: tlsSecret}},
		"/etc/nginx-conf": {ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}},
	})
	s.create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name}, Data: map[string]string{"nginx.conf": config.String()}}, s.nginx)
	s.ready(t, s.nginx)
	address, end := s.tunnel(t, s.nginx, 8443)
	s.http.setTunnel(shopHost+":443", address)
	s.closeIngress = func() {
		s.http.closeIdle()
		end()
	}
}

// moveIngress restarts nginx: the Service of a new installation has another address.
func (s *environment) moveIngress(t *testing.T) {
	t.Helper()
	s.closeIngress()
	check.Must(t, s.Delete(t.Context(), s.nginx, client.GracePeriodSeconds(0)))
	s.openIngress(t)
}

// accessLogLine is a line of nginx's log.
type accessLogLine struct {
	Method, URI, Upstream string
	Status                int
}

// String is the accessLogLine as one line, without what a query holds.
func (v accessLogLine) String() string {
	path, _, _ := strings.Cut(v.URI, "?")
	return fmt.Sprintf("%s %s: %d (upstream %s)", v.Method, path, v.Status, v.Upstream)
}

// requests are the requests of nginx since the last call.
func (s *environment) requests(t *testing.T) []accessLogLine {
	t.Helper()
	out, err := s.logs(t.Context(), s.nginx, corev1.PodLogOptions{})
	check.Must(t, err)
	var all []accessLogLine
	for line := range strings.Lines(string(out)) {
		var v accessLogLine
		if !strings.HasPrefix(line, "{") {
			continue // an error
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("nginx logs %q: %v", line, err)
		}
		all = append(all, v)
	}
	from := s.seen
	s.seen = len(all)
	return all[from:]
}

// pod is a restricted pod.
func pod(name, app string, container corev1.Container, mounts map[string]corev1.VolumeSource) *corev1.Pod {
	container.ImagePullPolicy = corev1.PullIfNotPresent
	container.SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name, Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: ptr.To(false), EnableServiceLinks: ptr.To(false), TerminationGracePeriodSeconds: ptr.To[int64](1),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532), RunAsGroup: ptr.To[int64](65532), FSGroup: ptr.To[int64](65532),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
		},
	}
	for path, source := range mounts {
		name := strings.ReplaceAll(strings.Trim(path, "/"), "/", "-")
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: path})
	}
	p.Spec.Containers = []corev1.Container{container}
	return p
}
