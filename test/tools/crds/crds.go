// Package crds pins the modules whose custom resource definitions the tests of the chart install: those of the Gateway
// API and of the Prometheus Operator. None of their code is used.
package crds

import (
	_ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil" // example/prometheus-operator-crd
	_ "sigs.k8s.io/gateway-api/apis/v1"                                    // config/crd/standard
)
