// Command fromconfig writes what the chart has from config/: the CRDs, the rights of the servers and of people, the alerts, and
// the policy for orders. They are made once, and make verify finds a chart that has others.
package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

const (
	source = "config"
	target = "charts/paylink/files"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fromconfig:", err)
		os.Exit(1)
	}
}

func run() error {
	if err := copyCRDs(); err != nil {
		return fmt.Errorf("copy the CRDs: %w", err)
	}
	rules, err := rights()
	if err != nil {
		return fmt.Errorf("read the rights: %w", err)
	}
	if err := write("rules.yaml", "config/rbac", rules); err != nil {
		return err
	}
	for name, from := range map[string]string{"alerts.yaml": "prometheus/alerts.yaml", "untracked-orders.yaml": "admission/untracked_orders.yaml"} {
		var first struct { // of several objects in a file
			Spec map[string]any `json:"spec"`
		}
		if err := read(from, &first); err != nil {
			return err
		}
		if err := write(name, "config/"+from, first.Spec); err != nil {
			return err
		}
	}
	return nil
}

// copyCRDs makes the chart's folder of CRDs one with config's.
func copyCRDs() error {
	folder := filepath.Join(target, "crds")
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(source, "crd/bases/*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		content = bytes.TrimPrefix(content, []byte("---\n")) // the chart has its own
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// server are the rights of a server: on what is in no namespace, on what is where orders are, on what is in its own
// namespace, and those that it has only with some setting, by name.
type server map[string][]rbacv1.PolicyRule

// rights reads all roles.
func rights() (map[string]any, error) {
	people := map[string]string{"view": "users/viewer_role.yaml", "edit": "users/editor_role.yaml", "admin": "users/admin_role.yaml"}
	servers := map[string]struct {
		always string
		extra  map[string]string
	}{
		"controller": {"controller/role.yaml", map[string]string{
			"leaderElection": "controller/leader_election_role.yaml", "stripeState": "controller/stripe_state_role.yaml",
			"webhookSecret": "controller/webhook_secret_role.yaml",
		}},
		"webhookserver": {"webhookserver/role.yaml", map[string]string{"checkout": "webhookserver/checkout_role.yaml"}},
	}
	all, users := map[string]any{}, server{}
	for role, file := range people {
		if err := users.add(role, file); err != nil {
			return nil, err
		}
	}
	all["users"] = users
	reader := server{}
	if err := reader.add("metricsReader", "metrics_reader_role.yaml"); err != nil {
		return nil, err
	}
	all["metricsReader"] = reader["metricsReader"]
	for name, files := range servers {
		s := server{}
		if err := s.add("always", files.always); err != nil {
			return nil, err
		}
		if err := s.split("always"); err != nil {
			return nil, fmt.Errorf("%s: %w", files.always, err)
		}
		for extra, file := range files.extra {
			if err := s.add(extra, file); err != nil {
				return nil, err
			}
		}
		all[name] = s
	}
	return all, nil
}

// add reads the rules of a role.
func (s server) add(name, file string) error {
	var role rbacv1.ClusterRole
	if err := read(filepath.Join("rbac", file), &role); err != nil {
		return err
	}
	if len(role.Rules) == 0 {
		return fmt.Errorf("%s: it has no rules", file)
	}
	s[name] = role.Rules
	return nil
}

// split takes rules apart by where what they speak of is.
func (s server) split(name string) error {
	for _, rule := range s[name] {
		if len(rule.APIGroups) != 1 {
			return fmt.Errorf("a rule speaks of the API groups %q: write one for each", rule.APIGroups)
		}
		byPlace := map[string][]string{}
		for _, resource := range rule.Resources {
			for _, place := range places(rule.APIGroups[0], resource) {
				byPlace[place] = append(byPlace[place], resource)
			}
		}
		for _, place := range slices.Sorted(maps.Keys(byPlace)) {
			part := rule.DeepCopy()
			part.Resources = byPlace[place]
			s[place] = append(s[place], *part)
		}
	}
	delete(s, name)
	return nil
}

// places says where a resource is: in no namespace, where orders are, or in the servers' own namespace.
func places(group, resource string) []string {
	kind, _, _ := strings.Cut(resource, "/")
	switch {
	case group == "authentication.k8s.io" || group == "authorization.k8s.io":
		return []string{"cluster"}
	case kind == "stripeevents":
		return []string{"own"}
	case kind == "events": // they are about orders as well as about StripeEvents
		return []string{"own", "shop"}
	default:
		return []string{"shop"}
	}
}

func read(file string, into any) error {
	content, err := os.ReadFile(filepath.Join(source, file))
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		return fmt.Errorf("parse %s: %w", file, err)
	}
	return nil
}

func write(name, from string, content any) error {
	text, err := yaml.Marshal(content)
	if err != nil {
		return err
	}
	header := fmt.Sprintf("# Made from %s by make manifests.\n", from)
	return os.WriteFile(filepath.Join(target, name), append([]byte(header), text...), 0o644)
}
