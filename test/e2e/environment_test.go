package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/util/cert"
	"k8s.io/utils/ptr"

	"github.com/paylink-dev/paylink/api/v1alpha1"
	"github.com/paylink-dev/paylink/test/chart"
	"github.com/paylink-dev/paylink/test/check"
	"github.com/paylink-dev/paylink/test/stripesim"
)

// The namespaces and their objects.
const (
	systemNamespace = chart.Namespace
	testNamespace   = "paylink-e2e"
	shopNamespace   = "paylink-e2e-shop"

	ingressName = "nginx"
	stripeName  = "stripe"
	shopHost    = "shop.example.com"
	stripeHost  = stripeName + "." + testNamespace + ".svc"
	tlsSecret   = "shop-tls"
	linkName    = "lifetime"
	price       = 19900
	firstSecret = "whsec_first0123456789"
)

// values are the installation's. Webhooks alone settle orders, so that a lost one shows.
const values = `
appURL: https://` + shopHost + `
stripe: {apiBase: "http://` + stripeHost + `"}
ingress: {enabled: true, hosts: [` + shopHost + `], tls: [{hosts: [` + shopHost + `], secretName: ` + tlsSecret + `}]}
controller: {stripeKey: {secretName: paylink-stripe}, backfill: {period: 0s}, reconciliation: {period: 0s}}
webhookserver: {stripeKey: {secretName: paylink-stripe, key: read}}
networkPolicy: {enabled: true, extraEgress: [{ports: [{port: 12111}]}]}
priorityAndFairness: {enabled: true}
test: {namespace: ` + shopNamespace + `}
`

// environment is shared by all parts of the test.
type environment struct {
	*clusterUnderTest
	http *httpClient
	// version is the version of Helm.
	version string

	// nginx is the current pod; opened counts all of them, and seen the requests of its log that were read.
	nginx        *corev1.Pod
	opened, seen int
	closeIngress func()
}

// newEnvironment starts Stripe, and creates the objects that an installation needs.
func newEnvironment(t *testing.T) *environment {
	t.Helper()
	s := &environment{clusterUnderTest: connect(t), version: "helm4"}
	for _, name := range []string{systemNamespace, testNamespace, shopNamespace} {
		s.makeNamespace(t, name)
	}
	t.Cleanup(func() { s.removeInstallation(t) })
	s.keepEvidence(t) // before that
	certificate, key, err := cert.GenerateSelfSignedCertKey(shopHost, nil, nil)
	check.Must(t, err)
	tls := map[string][]byte{"tls.crt": certificate, "tls.key": key}
	s.http = newHTTPClient(t, certificate)
	t.Cleanup(s.http.closeIdle)
	ingress := service(ingressName, 443, 8443)
	s.create(t,
		ingress, service(stripeName, 80, 12111),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: tlsSecret}, Data: tls},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "paylink-webhook"}, StringData: map[string]string{"first": firstSecret}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "paylink-stripe"},
			StringData: map[string]string{"key": "rk_test_controller", "read": "rk_test_webhookserver"}},
	)
	s.openStripe(t, ingress.Spec.ClusterIP)
	return s
}

func (s *environment) helm(t *testing.T) *chart.Helm {
	t.Helper()
	return chart.NewHelm(t, s.version, *kubeconfig)
}

// service is a Service of the test namespace.
func service(name string, port, target int32) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: port, TargetPort: intstr.FromInt32(target)}}},
	}
}

// openStripe starts the simulator, which resolves the shop's name and trusts its certificate.
func (s *environment) openStripe(t *testing.T, ingress string) {
	t.Helper()
	stripe := pod("stripe", stripeName, corev1.Container{
		Name: "stripe", Image: *simulatorImage, Command: []string{"/stripesim"},
		Args: []string{
			"--addr=:12111", "--url=http://" + stripeHost, "--endpoint=https://" + shopHost + "/api/webhooks/stripe", "--endpoint-secret=" + firstSecret,
			fmt.Sprintf("--link=name=Lifetime,amount=%d,currency=usd,redirect=https://", price) + shopHost + "/dashboard/billing?provider=stripe&session_id={CHECKOUT_SESSION_ID}",
		},
		Env:            []corev1.EnvVar{{Name: "SSL_CERT_FILE", Value: "/etc/tls/tls.crt"}},
		Ports:          []corev1.ContainerPort{{ContainerPort: 12111}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(12111)}}, PeriodSeconds: 1},
	}, map[string]corev1.VolumeSource{"/etc/tls": {Secret: &corev1.SecretVolumeSource{SecretName: tlsSecret}}})
	stripe.Spec.HostAliases = []corev1.HostAlias{{IP: ingress, Hostnames: []string{shopHost}}}
	s.create(t, stripe)
	s.ready(t, stripe)
	address, end := s.tunnel(t, stripe, 12111)
	t.Cleanup(end)
	s.http.setTunnel(stripeHost+":80", address)
}

// chartArguments are those of helm install and helm upgrade.
func chartArguments(t *testing.T, more string) []string {
	t.Helper()
	repository, tag := (*image)[:strings.LastIndexByte(*image, ':')], (*image)[strings.LastIndexByte(*image, ':')+1:]
	return []string{
		chart.Release, chart.Path(t, "charts/paylink"), "--namespace=" + systemNamespace, "--wait", "--timeout=5m",
		"--values=" + chart.Values(t, values), "--values=" + chart.Values(t, more+"\nimage: {repository: "+repository+", tag: "+tag+"}"),
	}
}

// createLink creates a PaymentLink of Stripe's link.
func (s *environment) createLink(t *testing.T) {
	t.Helper()
	var links struct{ Data []struct{ ID, URL string } }
	s.http.stripe(t, http.MethodGet, "/v1/payment_links", nil, &links)
	s.create(t, &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: shopNamespace, Name: linkName},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: price, Currency: "USD", Livemode: ptr.To(false),
			URL: links.Data[0].URL, PaymentLinkID: links.Data[0].ID, PublicCheckout: true,
		},
	})
}

// stripeRecords are Stripe's records.
func (s *environment) stripeRecords(t *testing.T) []stripesim.Entry {
	t.Helper()
	answer, err := s.http.get(t.Context(), "http://"+stripeHost+stripesim.BooksPath)
	check.Must(t, err)
	var entries []stripesim.Entry
	if err := json.Unmarshal(answer.body, &entries); err != nil {
		t.Fatalf("read Stripe's records: %v", err)
	}
	return entries
}

// awaitDelivered waits until Stripe has delivered every event.
func (s *environment) awaitDelivered(t *testing.T) {
	t.Helper()
	until(t.Context(), t, "Stripe has delivered every event", func(context.Context) (bool, error) {
		var events struct{ Data []struct{ ID, Type string } }
		s.http.stripe(t, http.MethodGet, "/v1/events?delivery_success=false&limit=100", nil, &events)
		return len(events.Data) == 0, fmt.Errorf("not delivered are %v", events.Data)
	})
}
