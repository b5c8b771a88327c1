package cluster

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const loopback = "127.0.0.1"

// controlPlane describes etcd and the API server, with everything they keep inside the cluster's folder.
func (c *Cluster) controlPlane(assets string) (*envtest.ControlPlane, error) {
	etcd, err := c.etcd(filepath.Join(assets, "etcd"))
	if err != nil {
		return nil, err
	}
	server, err := c.apiServer(filepath.Join(assets, "kube-apiserver"))
	if err != nil {
		return nil, err
	}
	return &envtest.ControlPlane{Etcd: etcd, APIServer: server, KubectlPath: c.kubectl}, nil
}

func (c *Cluster) etcd(program string) (*envtest.Etcd, error) {
	path, err := c.guard.launcher("etcd", program)
	if err != nil {
		return nil, err
	}
	output, err := c.logFile("etcd")
	if err != nil {
		return nil, err
	}
	client, err := freePort()
	if err != nil {
		return nil, err
	}
	peer, err := freePort()
	if err != nil {
		return nil, err
	}
	etcd := &envtest.Etcd{
		Path:         path,
		URL:          &url.URL{Scheme: "http", Host: net.JoinHostPort(loopback, client)},
		DataDir:      filepath.Join(c.guard.dir, "etcd"),
		Out:          output,
		Err:          output,
		StartTimeout: startTimeout,
		StopTimeout:  stopTimeout,
	}
	etcd.Configure().Set("listen-peer-urls", "http://"+net.JoinHostPort(loopback, peer))
	return etcd, os.Mkdir(etcd.DataDir, 0o700)
}

func (c *Cluster) apiServer(program string) (*envtest.APIServer, error) {
	path, err := c.guard.launcher("kube-apiserver", program)
	if err != nil {
		return nil, err
	}
	output, err := c.logFile("kube-apiserver")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	server := &envtest.APIServer{
		Path:         path,
		CertDir:      filepath.Join(c.guard.dir, "certificates"),
		Out:          output,
		Err:          output,
		StartTimeout: startTimeout,
		StopTimeout:  stopTimeout,
	}
	server.Address, server.Port = loopback, port
	if c.options.Audit {
		if err := c.configureAudit(server); err != nil {
			return nil, err
		}
	}
	for _, flag := range c.options.APIServerFlags {
		name, value, found := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		if !found || !strings.HasPrefix(flag, "--") {
			return nil, fmt.Errorf("API server flag %q: write it as --name=value", flag)
		}
		server.Configure().Append(name, value)
	}
	return server, os.Mkdir(server.CertDir, 0o700)
}

// logFile opens a file for a server's output. Handing the server a file rather than a pipe keeps its output
// out of this process.
func (c *Cluster) logFile(name string) (*os.File, error) {
	file, err := os.Create(c.logPath(name))
	if err != nil {
		return nil, err
	}
	c.logs = append(c.logs, file)
	return file, nil
}

func (c *Cluster) logPath(name string) string { return filepath.Join(c.guard.dir, name+".log") }

// serverLogs returns the end of each server's output as an error, to explain a start that failed.
func (c *Cluster) serverLogs() error {
	var errs []error
	for _, name := range []string{"etcd", "kube-apiserver"} {
		tail, err := tailOf(c.logPath(name), 2000)
		if err == nil && tail != "" {
			errs = append(errs, fmt.Errorf("%s printed last:\n%s", name, tail))
		}
	}
	return errors.Join(errs...)
}

// tailOf returns the last whole lines of a file, at most limit bytes of them.
func tailOf(path string, limit int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	begin := max(0, size-limit)
	content, err := io.ReadAll(io.NewSectionReader(file, begin, size-begin))
	if err != nil {
		return "", err
	}
	tail := string(content)
	if begin > 0 {
		_, tail, _ = strings.Cut(tail, "\n")
	}
	return strings.TrimSpace(tail), nil
}

// freePort picks a port below those that the system hands out for outgoing connections, so that the API
// server finds its own port free again when it comes back from a stop.
func freePort() (string, error) {
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(10000))
		listener, err := net.Listen("tcp", net.JoinHostPort(loopback, port))
		if err != nil {
			continue
		}
		return port, listener.Close()
	}
	return "", errors.New("no free port found between 20000 and 29999 on " + loopback)
}
