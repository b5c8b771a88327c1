package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// watch is a kubectl that watches the orders, and prints to the screen.
type watch struct {
	lines chan string
	stop  func()
}

// watchOrders starts kubectl.
func (d *demo) watchOrders(ctx context.Context) (*watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	kubectl := exec.CommandContext(ctx, d.cluster.Kubectl(), "--kubeconfig", d.cluster.Kubeconfig(),
		"get", "orders.payments.paylink.dev", "--namespace", namespace, "--watch")
	out, err := kubectl.StdoutPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("run kubectl: %w", err)
	}
	if err := kubectl.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("run kubectl: %w", err)
	}
	w := &watch{lines: make(chan string, 100)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.relay(out, w.lines)
	}()
	w.stop = func() {
		cancel()
		<-ended
		_ = kubectl.Wait() // it was cancelled
	}
	return w, nil
}

// relay copies kubectl's lines to the screen, and to a waiting shows.
func (d *demo) relay(out io.Reader, lines chan<- string) {
	defer close(lines)
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		d.screen.line("    " + scanner.Text())
		select {
		case lines <- scanner.Text():
		default:
		}
	}
}

// shows waits until kubectl has printed a line with all the words.
func (w *watch) shows(ctx context.Context, words ...string) error {
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for {
		select {
		case line, ok := <-w.lines:
			if !ok {
				return fmt.Errorf("kubectl ended before it showed %s", strings.Join(words, ", "))
			}
			if containsAll(line, words) {
				return nil
			}
		case <-timeout.C:
			return fmt.Errorf("kubectl did not show %s within a minute", strings.Join(words, ", "))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func containsAll(line string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(line, word) {
			return false
		}
	}
	return true
}
