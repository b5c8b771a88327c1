package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/test/cluster"
)

// roles are the files of a controller's rights in its own namespace: to elect a leader, and to store its progress at
// Stripe.
var roles = []string{"config/rbac/controller/leader_election_role.yaml", "config/rbac/controller/stripe_state_role.yaml"}

// Allow binds the Role in a file to a user, in the namespace of this stack.
func (s *Stack) Allow(ctx context.Context, user, file string) error {
	repository, err := cluster.Repository(ctx)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(repository, file))
	if err != nil {
		return fmt.Errorf("read a role: %w", err)
	}
	role := &rbacv1.Role{}
	if err := yaml.UnmarshalStrict(content, role); err != nil {
		return fmt.Errorf("parse %s: %w", file, err)
	}
	role.Namespace = s.Namespace
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: role.Name + "-" + user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	for _, object := range []client.Object{role, binding} {
		if err := client.IgnoreAlreadyExists(s.Client.Create(ctx, object)); err != nil {
			return fmt.Errorf("give %s the role of %s: %w", user, file, err)
		}
	}
	return nil
}
