package cluster

import (
	"errors"
	"fmt"
)

var errNotEmbedded = errors.New("the cluster was not started by this process")

// StopAPIServer stops the API server alone, gracefully; etcd keeps running and keeps the data.
func (c *Cluster) StopAPIServer() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.plane == nil {
		return fmt.Errorf("stop the API server: %w", errNotEmbedded)
	}
	if err := c.plane.APIServer.Stop(); err != nil {
		return fmt.Errorf("stop the API server: %w", err)
	}
	return c.raiseAuditFloor()
}

// KillAPIServer ends the API server at once, as a crash would: requests in flight are cut off.
func (c *Cluster) KillAPIServer() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.plane == nil {
		return fmt.Errorf("kill the API server: %w", errNotEmbedded)
	}
	if err := c.guard.kill("kube-apiserver"); err != nil {
		return fmt.Errorf("kill the API server: %w", err)
	}
	return c.raiseAuditFloor()
}

// PauseAPIServer freezes the API server: requests reach it and are not answered before ResumeAPIServer.
func (c *Cluster) PauseAPIServer() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.plane == nil {
		return fmt.Errorf("pause the API server: %w", errNotEmbedded)
	}
	if err := c.guard.pause("kube-apiserver"); err != nil {
		return fmt.Errorf("pause the API server: %w", err)
	}
	return nil
}

// ResumeAPIServer lets a paused API server go on where it was.
func (c *Cluster) ResumeAPIServer() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.plane == nil {
		return fmt.Errorf("resume the API server: %w", errNotEmbedded)
	}
	if err := c.guard.resume("kube-apiserver"); err != nil {
		return fmt.Errorf("resume the API server: %w", err)
	}
	return nil
}

// StartAPIServer starts a stopped or killed API server again, on the same port and with the same data and
// users, and returns when it is healthy.
func (c *Cluster) StartAPIServer() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.plane == nil {
		return fmt.Errorf("start the API server: %w", errNotEmbedded)
	}
	if err := c.plane.APIServer.Start(); err != nil {
		return fmt.Errorf("start the API server: %w", errors.Join(err, c.serverLogs()))
	}
	return nil
}

// RestartAPIServer stops the API server and starts it again.
func (c *Cluster) RestartAPIServer() error {
	if err := c.StopAPIServer(); err != nil {
		return err
	}
	return c.StartAPIServer()
}
