package sale_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/paylink-dev/paylink/test/seller"
)

// shop is one seller, with the PaymentLink "lifetime".
type shop struct{ seller.Seller }

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{seller.New(t, paylink, paylink.Stripe, "")}
	s.Create(s.PaymentLink("lifetime"))
	return s
}

func (s *shop) kubectl(args ...string) string {
	s.T.Helper()
	cmd := exec.CommandContext(s.Ctx, paylink.Cluster.Kubectl(), append([]string{"--kubeconfig", paylink.Cluster.Kubeconfig()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.T.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
