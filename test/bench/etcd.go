package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// etcd speaks to the cluster's etcd by its gateway of JSON.
type etcd struct {
	url    string
	client *http.Client
}

// newEtcd returns one that keeps no connection open, for which etcd would wait when it is to stop.
func newEtcd(url string) etcd {
	return etcd{url, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (e etcd) call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	content, err := answered(e.client, request)
	if err != nil {
		return fmt.Errorf("ask etcd: %w", err)
	}
	return json.Unmarshal(content, out)
}

// get returns the value of a key.
func (e etcd) get(ctx context.Context, key string) ([]byte, error) {
	var out struct {
		Kvs []struct{ Value []byte }
	}
	if err := e.call(ctx, "/v3/kv/range", map[string]any{"key": []byte(key)}, &out); err != nil {
		return nil, err
	}
	if len(out.Kvs) != 1 {
		return nil, fmt.Errorf("etcd has %d values at %s", len(out.Kvs), key)
	}
	return out.Kvs[0].Value, nil
}

// maxPuts is how many writes etcd takes in one transaction.
const maxPuts = 128

// put writes n values.
func (e etcd) put(ctx context.Context, n int, entry func(i int) (key string, value []byte)) error {
	type put struct {
		Key   []byte `json:"key"`
		Value []byte `json:"value"`
	}
	batches := (n + maxPuts - 1) / maxPuts
	_, err := timed(ctx, batches, 4, func(ctx context.Context, batch int) error {
		var operations []map[string]put
		for i := batch * maxPuts; i < min(n, (batch+1)*maxPuts); i++ {
			key, value := entry(i)
			operations = append(operations, map[string]put{"requestPut": {[]byte(key), value}})
		}
		var out struct{ Succeeded bool }
		if err := e.call(ctx, "/v3/kv/txn", map[string]any{"success": operations}, &out); err != nil {
			return err
		}
		if !out.Succeeded {
			return errors.New("etcd did not take a transaction")
		}
		return nil
	})
	return err
}

// size is that of the database, without what is free in its file, in bytes, once old revisions are gone.
func (e etcd) size(ctx context.Context) (int64, error) {
	var status struct {
		Header      struct{ Revision string }
		DBSizeInUse string `json:"dbSizeInUse"`
	}
	if err := e.call(ctx, "/v3/maintenance/status", struct{}{}, &status); err != nil {
		return 0, err
	}
	if err := e.call(ctx, "/v3/kv/compaction", map[string]any{"revision": status.Header.Revision, "physical": true}, &struct{}{}); err != nil {
		return 0, err
	}
	if err := e.call(ctx, "/v3/maintenance/status", struct{}{}, &status); err != nil {
		return 0, err
	}
	return strconv.ParseInt(status.DBSizeInUse, 10, 64)
}
