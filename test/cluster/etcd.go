package cluster

import (
	"errors"
	"fmt"
)

// KillEtcd ends etcd at once, as a crash would. What it acknowledged stays on disk; the API server keeps running and
// answers nothing that it does not have in memory.
func (c *Cluster) KillEtcd() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.plane == nil {
		return fmt.Errorf("kill etcd: %w", errNotEmbedded)
	}
	if err := c.guard.kill("etcd"); err != nil {
		return fmt.Errorf("kill etcd: %w", err)
	}
	return nil
}

// StartEtcd starts a killed etcd again, on the same ports and with the same data, and returns when it is healthy. The API
// server finds it by itself, soon after.
func (c *Cluster) StartEtcd() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.plane == nil {
		return fmt.Errorf("start etcd: %w", errNotEmbedded)
	}
	if err := c.plane.Etcd.Start(); err != nil {
		return fmt.Errorf("start etcd: %w", errors.Join(err, c.serverLogs()))
	}
	return nil
}
