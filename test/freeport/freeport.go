// Package freeport finds addresses for the servers of tests, which keep them while they are stopped and started.
package freeport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
)

// Addresses are given out in turn from a random start, so that none is given out twice.
var (
	firstPort = rand.IntN(10000)
	ports     atomic.Int32
)

// Address returns a free loopback address. Its port is below those that the system uses for outgoing connections, or one of them
// could take it while its server is stopped.
func Address(ctx context.Context) (address string, err error) {
	for range 100 {
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(10000+(firstPort+int(ports.Add(1)))%10000))
		var listener net.Listener
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address); err == nil {
			return address, listener.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}
