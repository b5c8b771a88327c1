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

// Addresses are given out one after the other, from a place of this process's own, so that none is given out twice.
var (
	firstPort = rand.IntN(10000)
	ports     atomic.Int32
)

// Address returns a loopback address that nobody listens on. Its port is below those that the system hands out for
// outgoing connections, or one of them might take it before the server does, or while a killed one is away.
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
