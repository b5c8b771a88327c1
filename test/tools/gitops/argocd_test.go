package gitops_test

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// argoCD runs health checks in the interpreter that Argo CD has, with as little around them as there.
type argoCD struct {
	t      *testing.T
	checks map[string]string
}

func newArgoCD(t *testing.T) *argoCD {
	t.Helper()
	var settings corev1.ConfigMap
	if err := yaml.UnmarshalStrict(read(t, "config/argocd/argocd-cm.yaml"), &settings); err != nil {
		t.Fatal(err)
	}
	if settings.Name != "argocd-cm" || settings.Labels["app.kubernetes.io/part-of"] != "argocd" || len(settings.Data) != 3 {
		t.Errorf("got ConfigMap %s with labels %v and %d settings", settings.Name, settings.Labels, len(settings.Data))
	}
	return &argoCD{t, settings.Data}
}

// look runs the check of an object's kind.
func (a *argoCD) look(object *unstructured.Unstructured) (health, string) {
	a.t.Helper()
	check := a.checks["resource.customizations.health."+v1alpha1.GroupVersion.Group+"_"+object.GetKind()]
	if check == "" {
		a.t.Fatalf("there is no check of %s", object.GetKind())
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	// Argo CD has these libraries without resource.customizations.useOpenLibs, and neither string nor math.
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			a.t.Fatal(err)
		}
	}
	state.SetGlobal("obj", valueOf(state, object.Object))
	if err := state.DoString(check); err != nil {
		a.t.Fatal(err)
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		a.t.Fatalf("got result %s of the check, want a table", state.Get(-1))
	}
	message, ok := answer.RawGetString("message").(lua.LString)
	if !ok && answer.RawGetString("message") != lua.LNil {
		a.t.Errorf("got a message of type %s", answer.RawGetString("message").Type())
	}
	return health(lua.LVAsString(answer.RawGetString("status"))), string(message)
}

// valueOf converts a value to Lua.
func valueOf(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, inner := range v {
			table.RawSetString(key, valueOf(state, inner))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, inner := range v {
			table.Append(valueOf(state, inner))
		}
		return table
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	default:
		return lua.LNil
	}
}
