package cluster

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestAuditEventsCountRequests(t *testing.T) {
	config, err := shared.UserConfig("bookkeeper", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	api := clientFor(t, config)
	before, err := shared.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	book := configMap("book")
	steps := []func() error{
		func() error { return api.Create(t.Context(), book) },
		func() error { return api.Get(t.Context(), client.ObjectKeyFromObject(book), book) },
		func() error {
			return api.Patch(t.Context(), book, client.RawPatch("application/merge-patch+json", []byte(`{"data":{"a":"b"}}`)))
		},
		func() error { return api.List(t.Context(), &corev1.ConfigMapList{}) },
		func() error { return api.Delete(t.Context(), book) },
		func() error { return client.IgnoreNotFound(api.Delete(t.Context(), book)) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	after, err := shared.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []AuditEvent
	for _, event := range after[len(before):] {
		if event.User == "bookkeeper" && event.Resource != "" {
			event.UserAgent = ""
			got = append(got, event)
		}
	}
	seen := func(verb, name string, code int) AuditEvent {
		return AuditEvent{Verb: verb, Resource: "configmaps", Namespace: "default", Name: name, User: "bookkeeper", Code: code}
	}
	list := seen("list", "", 200)
	list.Namespace = ""
	want := []AuditEvent{
		seen("create", "book", 201), seen("get", "book", 200), seen("patch", "book", 200), list,
		seen("delete", "book", 200), seen("delete", "book", 404),
	}
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d:\n%+v", len(got), len(want), got)
	}
	writes := 0
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("event %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
		if got[i].Write() {
			writes++
		}
	}
	if writes != 4 {
		t.Errorf("%d writes, want 4", writes)
	}
}
