// Package e2e_test installs Paylink on a real cluster and sells there, with the images, pods, probes, roll-outs and rights of
// production. Stripe is the simulator in a pod. nginx, before the webhook server, ends TLS and has the paths of the chart's
// Ingress. `make e2e` runs it.
//
//	                    ┌────────────── the cluster ──────────────┐
//	the test ── tunnel ─┼─► nginx ──► webhook server ◄── API ──►  │
//	  (buyers)  ────────┼─► Stripe ──► nginx   controller         │
//	                    └─────────────────────────────────────────┘
package e2e_test
