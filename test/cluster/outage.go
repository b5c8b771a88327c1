package cluster

import (
	"errors"
	"fmt"
)

var errNotEmbedded = errors.New("the cluster was not started by this process")

// change acts on a control plane that this process started, and on no other.
func (c *Cluster) change(what string, do func() error) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	err := errNotEmbedded
	if c.plane != nil {
		err = do()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// StopAPIServer stops the API server alone, gracefully; etcd keeps running and keeps the data.
func (c *Cluster) StopAPIServer() error {
	return c.change("stop the API server", func() error {
		if err := c.plane.APIServer.Stop(); err != nil {
			return err
		}
		return c.raiseAuditFloor()
	})
}

// KillAPIServer ends the API server at once, as a crash would: requests in flight are cut off.
func (c *Cluster) KillAPIServer() error {
	return c.change("kill the API server", func() error {
		if err := c.guard.kill("kube-apiserver"); err != nil {
			return err
		}
		return c.raiseAuditFloor()
	})
}

// PauseAPIServer freezes the API server: requests reach it and are not answered before ResumeAPIServer.
func (c *Cluster) PauseAPIServer() error {
	return c.change("pause the API server", func() error { return c.guard.pause("kube-apiserver") })
}

// ResumeAPIServer lets a paused API server go on where it was.
func (c *Cluster) ResumeAPIServer() error {
	return c.change("resume the API server", func() error { return c.guard.resume("kube-apiserver") })
}

// StartAPIServer starts a stopped or killed API server again, on the same port and with the same data and
// users, and returns when it is healthy.
func (c *Cluster) StartAPIServer() error {
	return c.change("start the API server", func() error { return c.orLogs(c.plane.APIServer.Start()) })
}

// RestartAPIServer stops the API server and starts it again.
func (c *Cluster) RestartAPIServer() error {
	if err := c.StopAPIServer(); err != nil {
		return err
	}
	return c.StartAPIServer()
}

// KillEtcd kills etcd, as a crash would. Acknowledged writes stay on disk. The API server keeps running, and answers only from its
// memory.
func (c *Cluster) KillEtcd() error {
	return c.change("kill etcd", func() error { return c.guard.kill("etcd") })
}

// StartEtcd starts a killed etcd again, on the same ports and with the same data, and returns when it is healthy. The API
// server finds it by itself, soon after.
func (c *Cluster) StartEtcd() error {
	return c.change("start etcd", func() error { return c.orLogs(c.plane.Etcd.Start()) })
}

// orLogs adds the servers' logs to an error.
func (c *Cluster) orLogs(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(err, c.serverLogs())
}
