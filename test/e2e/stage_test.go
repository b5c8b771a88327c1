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
	"github.com/paylink-dev/paylink/test/stripesim"
)

// The places, and what is in them.
const (
	systemNamespace = chart.Namespace
	stageNamespace  = "paylink-e2e"
	shopNamespace   = "paylink-e2e-shop"

	ingressName = "nginx"
	stripeName  = "stripe"
	shopHost    = "shop.example.com"
	stripeHost  = stripeName + "." + stageNamespace + ".svc"
	tlsSecret   = "shop-tls"
	linkName    = "lifetime"
	price       = 19900
	firstSecret = "whsec_first0123456789"
)

// values are the installation's. Only webhooks settle orders here: what the backfill would find must not be missed.
const values = `
appURL: https://` + shopHost + `
stripe: {apiBase: "http://` + stripeHost + `"}
ingress: {enabled: true, hosts: [` + shopHost + `], tls: [{hosts: [` + shopHost + `], secretName: ` + tlsSecret + `}]}
controller: {stripeKey: {secretName: paylink-stripe}, backfill: {period: 0s}, audit: {period: 0s}}
webhookserver: {stripeKey: {secretName: paylink-stripe, key: read}}
networkPolicy: {enabled: true, extraEgress: [{ports: [{port: 12111}]}]}
priorityAndFairness: {enabled: true}
test: {namespace: ` + shopNamespace + `}
`

// stage is everything that the tests share.
type stage struct {
	*clusterUnderTest
	shop *shop
	// version is of Helm.
	version string

	// nginx is the present one; opened counts all, and seen the requests in its log that were looked at.
	nginx        *corev1.Pod
	opened, seen int
	closeIngress func()
}

// newStage has a Stripe, and all that an installation needs to be there before it.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{clusterUnderTest: connect(t), version: "helm4"}
	for _, name := range []string{systemNamespace, stageNamespace, shopNamespace} {
		s.makeNamespace(t, name)
	}
	t.Cleanup(func() { s.removeInstallation(t) })
	s.keepEvidence(t) // before that
	certificate, key, err := cert.GenerateSelfSignedCertKey(shopHost, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	tls := map[string][]byte{"tls.crt": certificate, "tls.key": key}
	s.shop = newShop(t, certificate)
	t.Cleanup(s.shop.hangUp)
	ingress := service(ingressName, 443, 8443)
	s.create(t,
		ingress, service(stripeName, 80, 12111),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: stageNamespace, Name: tlsSecret}, Data: tls},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "paylink-webhook"}, StringData: map[string]string{"first": firstSecret}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "paylink-stripe"},
			StringData: map[string]string{"key": "rk_test_controller", "read": "rk_test_webhookserver"}},
	)
	s.openStripe(t, ingress.Spec.ClusterIP)
	return s
}

func (s *stage) helm(t *testing.T) *chart.Helm {
	t.Helper()
	return chart.NewHelm(t, s.version, *kubeconfig)
}

// service is one of the stage's.
func service(name string, port, target int32) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: stageNamespace, Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: port, TargetPort: intstr.FromInt32(target)}}},
	}
}

// openStripe starts the simulator, which knows the shop by name and trusts its certificate.
func (s *stage) openStripe(t *testing.T, ingress string) {
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
	s.shop.reach(stripeHost+":80", address)
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

// sell has the shop sell Stripe's link.
func (s *stage) sell(t *testing.T) {
	t.Helper()
	var links struct{ Data []struct{ ID, URL string } }
	s.shop.stripe(t, http.MethodGet, "/v1/payment_links", nil, &links)
	s.create(t, &v1alpha1.PaymentLink{
		ObjectMeta: metav1.ObjectMeta{Namespace: shopNamespace, Name: linkName},
		Spec: v1alpha1.PaymentLinkSpec{
			ProductID: "lifetime", ProductName: "Lifetime", Amount: price, Currency: "USD", Livemode: ptr.To(false),
			URL: links.Data[0].URL, PaymentLinkID: links.Data[0].ID, PublicCheckout: true,
		},
	})
}

// books are Stripe's.
func (s *stage) books(t *testing.T) []stripesim.Entry {
	t.Helper()
	answer, err := s.shop.get(t.Context(), "http://"+stripeHost+stripesim.BooksPath)
	if err != nil {
		t.Fatal(err)
	}
	var entries []stripesim.Entry
	if err := json.Unmarshal(answer.body, &entries); err != nil {
		t.Fatalf("read Stripe's books: %v", err)
	}
	return entries
}

// delivered waits until Stripe has brought every event.
func (s *stage) delivered(t *testing.T) {
	t.Helper()
	until(t.Context(), t, "Stripe has brought every event", func(context.Context) (bool, error) {
		var events struct{ Data []struct{ ID, Type string } }
		s.shop.stripe(t, http.MethodGet, "/v1/events?delivery_success=false&limit=100", nil, &events)
		return len(events.Data) == 0, fmt.Errorf("it has not brought %v", events.Data)
	})
}
