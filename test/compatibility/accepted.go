package compatibility

import (
	"fmt"
	"os"
	"slices"

	"sigs.k8s.io/yaml"
)

// Accepted is a change that is made although Breaks names it.
type Accepted struct {
	// Change is the line of Breaks.
	Change string `json:"change"`
	// Reason says why the change is made.
	Reason string `json:"reason"`
}

// ReadAccepted reads the accepted changes. Each must have a reason.
func ReadAccepted(file string) ([]Accepted, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []Accepted
	if err := yaml.UnmarshalStrict(content, &all); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	for _, a := range all {
		if a.Change == "" || a.Reason == "" {
			return nil, fmt.Errorf("%s: an entry needs a change and a reason: %q", file, a)
		}
	}
	return all, nil
}

// Without returns the breaking changes that are not accepted.
func Without(accepted []Accepted, breaks []string) []string {
	return slices.DeleteFunc(breaks, func(line string) bool {
		return slices.ContainsFunc(accepted, func(a Accepted) bool { return a.Change == line })
	})
}
