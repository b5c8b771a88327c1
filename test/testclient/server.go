package testclient

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/paylink-dev/paylink/test/scrape"
	"github.com/paylink-dev/paylink/test/stack"
)

// Metrics returns a server's metrics as they are printed.
func (c *Client) Metrics(server *stack.Server) string {
	c.T.Helper()
	text, err := server.Scrape(c.Ctx)
	c.Must(err)
	return text
}

// Samples returns a server's metrics by name and labels.
func (c *Client) Samples(server *stack.Server) map[string]float64 {
	c.T.Helper()
	return scrape.Samples(c.T, c.Metrics(server))
}

// Log returns the log of a server so far.
func (c *Client) Log(server *stack.Server) string {
	c.T.Helper()
	text, err := os.ReadFile(server.Log)
	c.Must(err)
	return string(text)
}

// Kubectl runs the real kubectl as the administrator.
func (c *Client) Kubectl(args ...string) string {
	c.T.Helper()
	out, err := c.TryKubectl(args...)
	c.Must(err)
	return out
}

// TryKubectl is Kubectl for a command that may fail.
func (c *Client) TryKubectl(args ...string) (string, error) {
	c.T.Helper()
	kubectl := c.Stack.Cluster.Kubectl()
	if kubectl == "" {
		c.T.Fatal("no kubectl: install it, or unset KUBECONFIG to have the cluster and kubectl built")
	}
	out, err := exec.CommandContext(c.Ctx, kubectl, append([]string{"--kubeconfig", c.Stack.Cluster.Kubeconfig()}, args...)...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}
