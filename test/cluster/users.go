package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"
)

// clientQPS is above client-go's default of 5 requests a second, which would slow tests down.
const clientQPS, clientBurst = 1000, 2000

// A User is a user of the API server, with the rights of its name and groups.
type User struct {
	// Name is the user name that the API server sees.
	Name string
	// Config is the configuration of a client in this process.
	Config *rest.Config
	// Kubeconfig is the path of a kubeconfig for another process. It goes away with the cluster.
	Kubeconfig string
}

// UserConfig returns the configuration of a user. The user has only the rights of its name and groups.
func (c *Cluster) UserConfig(name string, groups ...string) (*rest.Config, error) {
	user, err := c.AddUser(name, groups...)
	if err != nil {
		return nil, err
	}
	return user.Config, nil
}

// AddUser is UserConfig with a kubeconfig beside it.
func (c *Cluster) AddUser(name string, groups ...string) (*User, error) {
	if c.plane == nil {
		return c.addImpersonatedUser(name, groups...)
	}
	return c.addCertificateUser(name, groups...)
}

func (c *Cluster) addCertificateUser(name string, groups ...string) (*User, error) {
	base := &rest.Config{QPS: clientQPS, Burst: clientBurst}
	added, err := c.plane.AddUser(envtest.User{Name: name, Groups: groups}, base)
	if err != nil {
		return nil, fmt.Errorf("add user %s: %w", name, err)
	}
	content, err := added.KubeConfig()
	if err != nil {
		return nil, fmt.Errorf("add user %s: %w", name, err)
	}
	path, err := c.writeKubeconfig(name, content)
	if err != nil {
		return nil, fmt.Errorf("add user %s: %w", name, err)
	}
	return &User{Name: name, Config: added.Config(), Kubeconfig: path}, nil
}

// writeKubeconfig writes a kubeconfig to the cluster's folder, readable by its owner alone.
func (c *Cluster) writeKubeconfig(user string, content []byte) (string, error) {
	path := filepath.Join(c.guard.dir, "kubeconfig-"+user)
	return path, os.WriteFile(path, content, 0o600)
}

// AddServiceUser returns a user with exactly the rights of the ClusterRoles in some files, one in each, so that a
// server runs here with the rights that it has when it is deployed. A relative path is taken from the checkout's folder.
func (c *Cluster) AddServiceUser(ctx context.Context, name string, clusterRoleFiles ...string) (*User, error) {
	user, err := c.AddUser(name)
	if err != nil {
		return nil, err
	}
	for _, file := range clusterRoleFiles {
		if err := c.bind(ctx, name, file); err != nil {
			return nil, fmt.Errorf("give user %s its role: %w", name, err)
		}
	}
	return user, nil
}

func (c *Cluster) bind(ctx context.Context, user, clusterRoleFile string) error {
	path, err := inRepository(ctx, clusterRoleFile)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(content, role); err != nil {
		return fmt.Errorf("parse %s: %w", clusterRoleFile, err)
	}
	if role.Kind != "ClusterRole" || role.Name == "" {
		return fmt.Errorf("%s holds no ClusterRole with a name", clusterRoleFile)
	}
	if !c.Embedded() {
		role.Name += "-" + filepath.Base(c.guard.dir) // Paylink itself may be installed there
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name + "-" + user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	api, err := client.New(c.config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		return err
	}
	for _, object := range []client.Object{role, binding} {
		if err := c.grant(ctx, api, object); err != nil {
			return err
		}
	}
	return nil
}

// grant creates an object of the access rules, or replaces it. In a cluster that is not ours Stop removes it.
func (c *Cluster) grant(ctx context.Context, api client.Client, object client.Object) error {
	err := api.Create(ctx, object)
	if apierrors.IsAlreadyExists(err) {
		err = api.Update(ctx, object)
	}
	if err != nil {
		return err
	}
	if !c.Embedded() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.granted = append(c.granted, object)
	}
	return nil
}

// revoke removes the objects of grant from a cluster that is not ours.
func (c *Cluster) revoke() error {
	if len(c.granted) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	api, err := client.New(c.config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		return fmt.Errorf("remove the roles: %w", err)
	}
	var errs []error
	for _, object := range c.granted {
		errs = append(errs, client.IgnoreNotFound(api.Delete(ctx, object)))
	}
	return errors.Join(errs...)
}
