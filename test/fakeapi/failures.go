package fakeapi

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/paylink-dev/paylink/api/v1alpha1"
)

// OrderResource is the resource in the API server's errors about an order.
var OrderResource = schema.GroupResource{Group: v1alpha1.GroupName, Resource: "orders"}

// Conflict is the API server's answer to a write of an order that has changed since it was read.
func Conflict(order string) error {
	return apierrors.NewConflict(OrderResource, order, errors.New("the object has been modified"))
}

// Unavailable is the answer of an API server that does not work.
func Unavailable() error { return apierrors.NewServiceUnavailable("starting") }

// FailStatusPatch fails every status patch.
func FailStatusPatch(err error) interceptor.Funcs {
	return interceptor.Funcs{
		SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			return err
		},
	}
}

// FailStatusPatches fails the first n status patches.
func FailStatusPatches(n int64, err error) interceptor.Funcs {
	var tries atomic.Int64
	return interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if tries.Add(1) <= n {
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	}
}

// FailCreate fails every create.
func FailCreate(err error) interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return err },
	}
}

// FailList fails every list.
func FailList(err error) interceptor.Funcs {
	return interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return err },
	}
}

// FailGet fails every get of one of these kinds; without kinds, every get.
func FailGet(err error, kinds ...client.Object) interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			for _, kind := range kinds {
				if reflect.TypeOf(kind) == reflect.TypeOf(o) {
					return err
				}
			}
			if len(kinds) == 0 {
				return err
			}
			return c.Get(ctx, key, o, opts...)
		},
	}
}

// ReadOnly fails the test at any write.
func ReadOnly(t testing.TB) interceptor.Funcs {
	written := func(verb string, o client.Object) {
		t.Errorf("got %s of a %T, want no write", verb, o)
	}
	return interceptor.Funcs{
		Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
			written("a create", o)
			return nil
		},
		Update: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.UpdateOption) error {
			written("an update", o)
			return nil
		},
		Patch: func(_ context.Context, _ client.WithWatch, o client.Object, _ client.Patch, _ ...client.PatchOption) error {
			written("a patch", o)
			return nil
		},
		Delete: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.DeleteOption) error {
			written("a delete", o)
			return nil
		},
		SubResourcePatch: func(_ context.Context, _ client.Client, _ string, o client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
			written("a status patch", o)
			return nil
		},
		SubResourceUpdate: func(_ context.Context, _ client.Client, _ string, o client.Object, _ ...client.SubResourceUpdateOption) error {
			written("a status update", o)
			return nil
		},
	}
}
