package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Connect uses a running cluster instead of starting one: the current context of the kubeconfig at the given
// path or, where that is "", of the one that kubectl would use. Its user must be an administrator.
func Connect(ctx context.Context, kubeconfig string, options Options) (*Cluster, error) {
	if options.Audit || len(options.APIServerFlags) > 0 {
		return nil, errors.New("connect to the cluster: its API server's flags can only be set where it is started here")
	}
	raw, err := minified(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	c, err := newCluster(options)
	if err != nil {
		return nil, err
	}
	if err := c.useAdmin(ctx, raw); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) useAdmin(ctx context.Context, raw *clientcmdapi.Config) error {
	admin, err := c.userFrom("admin", raw)
	if err != nil {
		return err
	}
	api, err := discovery.NewDiscoveryClientForConfig(admin.Config)
	if err != nil {
		return err
	}
	if _, err := api.ServerVersionWithContext(ctx); err != nil {
		return fmt.Errorf("ask the cluster at %s for its version: %w", admin.Config.Host, err)
	}
	c.config, c.kubeconfig = admin.Config, admin.Kubeconfig
	if c.kubectl, err = exec.LookPath("kubectl"); err != nil {
		c.kubectl = "" // said by Kubectl's comment
	}
	return nil
}

// addImpersonatedUser returns a user whom the administrator impersonates.
func (c *Cluster) addImpersonatedUser(name string, groups ...string) (*User, error) {
	raw, err := minified(c.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("add user %s: %w", name, err)
	}
	for _, key := range slices.Collect(maps.Keys(raw.AuthInfos)) {
		raw.AuthInfos[key].Impersonate = name
		raw.AuthInfos[key].ImpersonateGroups = groups
	}
	return c.userFrom(name, raw)
}

// userFrom writes a kubeconfig and reads the way in from it.
func (c *Cluster) userFrom(name string, raw *clientcmdapi.Config) (*User, error) {
	content, err := clientcmd.Write(*raw)
	if err != nil {
		return nil, fmt.Errorf("add user %s: %w", name, err)
	}
	path, err := c.writeKubeconfig(name, content)
	if err != nil {
		return nil, fmt.Errorf("add user %s: %w", name, err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("add user %s: %w", name, err)
	}
	config.QPS, config.Burst = clientQPS, clientBurst
	return &User{Name: name, Config: rest.CopyConfig(config), Kubeconfig: path}, nil
}

// minified reads the current context of a kubeconfig, with the content of the files that it refers to.
func minified(path string) (*clientcmdapi.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if path != "" {
		rules.ExplicitPath = path
	}
	raw, err := rules.Load()
	if err != nil {
		return nil, err
	}
	if _, ok := raw.Contexts[raw.CurrentContext]; !ok {
		return nil, errors.New("it is not there, or has no current context: see kubectl config get-contexts")
	}
	if err := clientcmdapi.MinifyConfig(raw); err != nil {
		return nil, err
	}
	if err := clientcmdapi.FlattenConfig(raw); err != nil {
		return nil, err
	}
	return raw, nil
}
