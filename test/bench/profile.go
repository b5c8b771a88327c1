package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/client-go/rest"
)

// profileSeconds is how long each profile is taken.
const profileSeconds = 10

// profiles writes CPU profiles, for `go tool pprof`, of the servers and the API server while webhooks come, and while another
// client patches the same, which is what the servers' watches cost.
func (w *environment) profiles(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	api, err := rest.HTTPClientFor(w.cluster.Config())
	if err != nil {
		return err
	}
	for name, makes := range map[string]side{"webhooks": w.webhooks, "patches": w.patches} {
		orders, bodies, err := w.sales(ctx, profileSeconds*1000)
		if err != nil {
			return err
		}
		call, err := makes(orders, bodies)
		if err != nil {
			return err
		}
		load, stop := context.WithCancel(ctx)
		var loading, taking sync.WaitGroup
		loading.Go(func() { _, _ = timed(load, len(orders), 32, call) })
		errs := make([]error, 3)
		for i, from := range []struct {
			name, url string
			client    *http.Client
		}{
			{"kube-apiserver", w.apiServer(), api},
			{"webhookserver", "http://" + w.pprof["webhookserver"], http.DefaultClient},
			{"controller", "http://" + w.pprof["controller"], http.DefaultClient},
		} {
			taking.Go(func() {
				content, err := fetch(ctx, from.client, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", from.url, profileSeconds))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, name+"-"+from.name+".pprof"), content, 0o600)
				}
				errs[i] = err
			})
		}
		taking.Wait()
		stop()
		loading.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}
