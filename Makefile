# Paylink's chores. They need Go, git and make; every other tool is a pinned Go module under test/tools,
# built by Go on first use and kept in its build cache.

MODULES      := . test/cluster/kubernetes $(wildcard test/tools/*)
CONTROLLER_GEN = go tool -modfile=test/tools/generate/go.mod controller-gen
CRD_REF_DOCS   = go tool -modfile=test/tools/docs/go.mod crd-ref-docs
HELM_DOCS      = go tool -modfile=test/tools/helmdocs/go.mod helm-docs
VALE           = go tool -modfile=$(CURDIR)/test/tools/prose/go.mod vale
GOLANGCI_LINT  = go tool -modfile=$(CURDIR)/test/tools/lint/go.mod golangci-lint

# Go's race detector needs a C compiler; without one the tests still run.
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
WITHOUT := $(if $(RACE),, without the race detector: no C compiler found)

# The version is the nearest tag and the commits since, such as v0.1.0 or v0.1.0-3-g0123456789ab, with -dirty for changed
# files. Without a tag, or in a shallow clone, it is v0.0.0-g0123456789ab. VERSION=... overrides it. The date is the date of
# the commit, so that every build of a commit has the same bytes.
VERSION ?= $(or $(shell git describe --tags --match 'v[0-9]*' --always --abbrev=12 --dirty 2>/dev/null | sed '/^v[0-9]/!s/^/v0.0.0-g/'),v0.0.0-unknown)
COMMIT = $(or $(shell git rev-parse --quiet --verify HEAD 2>/dev/null),unknown)
DATE = $(or $(shell TZ=UTC git log -1 --no-show-signature --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null),1970-01-01T00:00:00Z)

LDFLAGS = -s -w $(foreach v,version=$(VERSION) commit=$(COMMIT) date=$(DATE),-X github.com/paylink-dev/paylink/internal/version.$(v))
BUILD = go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
SERVERS = ./cmd/controller ./cmd/webhookserver

# The image's name, whose tag is the version, and its architecture: amd64 or arm64.
IMAGE ?= ghcr.io/paylink-dev/paylink
ARCH = $(shell go env GOARCH)
image_tool = go -C test/tools/image run . $(1) -image '$(IMAGE)' -version '$(VERSION)' -commit '$(COMMIT)' -date '$(DATE)' -bin '$(CURDIR)/bin'

# Tests that need an API server or a browser live in these packages, every other test runs without one.
INTEGRATION := /test/(cluster|integration|demo|browser)(/|$$)
# These need a whole one.
E2E := /test/e2e$$

# Runs the tests of some packages. Those that need more than Go are skipped where that is missing: the end says so.
# make lint vets, so the tests do not vet again.
go_test = skipped=$$(mktemp) && trap 'rm -f "$$skipped"' EXIT && \
	PAYLINK_SKIPPED="$$skipped" go test -vet=off $(RACE) $(1) && \
	sort -u "$$skipped" | sed 's/^/Some tests were skipped: /'

.DEFAULT_GOAL := help
.PHONY: help run test test-unit test-integration test-faults test-fuzz e2e verify verify-copy lint lint-docs generate manifests build clean \
	bench bench-check bench-baseline compatible image image-all image-servers image-docker

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start a cluster, both servers and a Stripe simulator, and take one order from Pending to Refunded
	@test -e "$${XDG_CACHE_HOME:-$$HOME/.cache}/paylink" || \
	  echo 'The first run compiles a Kubernetes API (about 9 minutes on 2 cores) and Paylink (3 more) from source, once.'
	@demo="$${XDG_CACHE_HOME:-$$HOME/.cache}/paylink/demo" && go build -o "$$demo" ./test/demo && exec "$$demo"

test: test-unit test-integration ## Run every test

# The first run builds Helm, for the tests of the chart.
test-unit: ## Run the tests that need no API server
	@packages=$$(go list ./...) && \
	$(call go_test,-timeout 20m $$(echo "$$packages" | grep -Ev '$(INTEGRATION)|$(E2E)'))
	@cd test/tools/image && go test -vet=off -count=1 ./... # Go does not see changes of files outside of a module
	@cd test/tools/gitops && go test -vet=off -count=1 ./...
	@cd test/tools/plot && go test -vet=off ./...
	@echo 'test-unit: passed$(WITHOUT)'

# Each package has its own API server and waits for it much of the time, so two of them share two cores well.
INTEGRATION_PACKAGES ?= 2
test-integration: ## Run the tests against a real API server (the first run builds it: about 9 minutes on 2 cores)
	@go run ./test/cluster/cmd/cluster build >/dev/null
	@packages=$$(go list ./...) && \
	$(call go_test,-p $(INTEGRATION_PACKAGES) -timeout 20m $$(echo "$$packages" | grep -E '$(INTEGRATION)'))
	@echo 'test-integration: passed$(WITHOUT)'

ORDERS ?= 2000
test-faults: ## Take 2,000 orders through each fault that `make test` tries on few, and print a table (ORDERS=...)
	@go run ./test/cluster/cmd/cluster build >/dev/null
	@cd test/integration/faults && go test $(RACE) -count=1 -timeout 120m -orders=$(ORDERS)

# How an archive of an image comes into the cluster of `make e2e`: nothing pulls it from a registry.
LOAD_IMAGE ?=
# nginx is this machine's; where there is none, an image that the cluster can pull.
NGINX := $(wildcard /usr/sbin/nginx)
NGINX_IMAGE ?= $(if $(NGINX),localhost/nginx:e2e,docker.io/library/nginx:1.28)
E2E_IMAGES = bin/paylink-$(VERSION)-linux-$(ARCH).tar bin/e2e/stripesim.tar $(if $(NGINX),bin/e2e/nginx.tar)
e2e_pack = go -C test/tools/image run . pack -image localhost/$(1) -version e2e -date '$(DATE)' -arch $(ARCH) -o '$(CURDIR)/bin/e2e/$(1).tar' '$(2)'

e2e: ## Install Paylink on a cluster that has none, and sell there (KUBECONFIG=... LOAD_IMAGE='kind load image-archive')
	@test -n "$$KUBECONFIG" -a -n '$(LOAD_IMAGE)' || { \
	  echo 'Name a cluster without Paylink, and a command that loads the archive of an image into it. With kind:'; \
	  echo '  kind create cluster --kubeconfig kind.yaml'; \
	  echo "  make e2e KUBECONFIG=kind.yaml LOAD_IMAGE='kind load image-archive'"; exit 1; }
	@$(MAKE) --no-print-directory image
	@rm -rf bin/e2e && mkdir -p bin/e2e
	@CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -trimpath -o bin/e2e/ ./test/stripesim/cmd/stripesim
	@$(call e2e_pack,stripesim,$(CURDIR)/bin/e2e/stripesim)
	@$(if $(NGINX),$(call e2e_pack,nginx,$(NGINX)))
	@for archive in $(E2E_IMAGES); do $(LOAD_IMAGE) "$$archive" || exit 1; done
	@config=$$(realpath "$$KUBECONFIG") && test -f "$$config" && \
	  go test -count=1 -timeout 40m -v ./test/e2e -cluster="$$config" -evidence='$(CURDIR)/bin/e2e/evidence' \
	  -image='$(IMAGE):$(VERSION)' -simulator-image=localhost/stripesim:e2e -nginx-image='$(NGINX_IMAGE)'
	@echo 'e2e: passed'

# Left alone, Go spends up to a minute on making one find shorter, which is all the time there is.
FUZZTIME ?= 30s
test-fuzz: ## Run every fuzz target for 30 seconds (FUZZTIME=...)
	@grep -rEl '^func Fuzz' --include='*_test.go' . | while read -r file; do \
	  for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' "$$file"); do \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "./$$(dirname "$$file")" || exit 1; \
	  done; \
	done

# A quick run measures less, and leaves docs/ alone. ONLY=webhook,wave measures these again. PROFILES=folder takes profiles of
# the servers instead of measuring.
QUICK ?=
ONLY ?=
PROFILES ?=
bench_run = go run ./test/bench $(if $(QUICK),-quick) -only '$(ONLY)' $(if $(PROFILES),-profiles '$(PROFILES)')
plot = go -C test/tools/plot run . -o '$(CURDIR)/$(1)/performance' '$(CURDIR)/bin/bench/figures.json'

bench: ## Measure Paylink beside what bounds it, and write docs/performance.md: 20 minutes, or 5 with QUICK=1
	@go run ./test/cluster/cmd/cluster build >/dev/null
	@$(bench_run) $(if $(QUICK),,-docs docs)
	@$(if $(PROFILES),,$(call plot,$(if $(QUICK),bin/bench,docs)))

bench-check: ## Compare the ratios of a quick run with test/bench/baseline.json
	@go run ./test/cluster/cmd/cluster build >/dev/null
	@go run ./test/bench -quick -only '$(CHECKED)' -out bin/bench/check -check test/bench/baseline.json

# The ratios that bench-check compares. A quick run measures them in a few minutes.
CHECKED = events,webhook
RUNS ?= 5
bench-baseline: ## Write test/bench/baseline.json of some quick runs, with a tolerance as wide as they differ (RUNS=...)
	@go run ./test/cluster/cmd/cluster build >/dev/null
	@for run in $$(seq $(RUNS)); do go run ./test/bench -quick -only '$(CHECKED)' -out bin/bench/$$run >/dev/null || exit 1; done
	@go run ./test/bench -check test/bench/baseline.json $$(seq -f 'bin/bench/%g/results.json' $(RUNS))

# A copy of the tree is regenerated and compared, so that uncommitted work is never touched.
verify: SHELL := bash
verify: ## Check that generated files, go.mod files and formatting are up to date, and the CRDs compatible
	@set -e; copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; \
	git ls-files -z --cached --others --exclude-standard --deduplicate | \
	  while IFS= read -r -d '' file; do if [ -e "$$file" ]; then printf '%s\0' "$$file"; fi; done | \
	  tar -cf - --null -T - | tar -xf - -C "$$copy"; \
	env -u GIT_DIR -u GIT_INDEX_FILE -u GIT_WORK_TREE $(MAKE) --no-print-directory -C "$$copy" verify-copy
	@$(MAKE) --no-print-directory compatible
	@echo 'verify: passed'

verify-copy:
	@test ! -e .git && git init -q . && git add -A
	@$(MAKE) --no-print-directory generate manifests
	printf '%s\n' $(MODULES) | xargs -P 4 -I % go -C % mod tidy -diff
	gofmt -w $$(git ls-files '*.go')
	@git add -A --intent-to-add && git diff --exit-code || \
	  { echo 'verify: the files above are out of date; run "make generate manifests" and gofmt, and commit'; exit 1; }

# The copy above has no history, so this reads the tree itself.
compatible: ## Check that the CRDs break nothing of the last release, or of the base of the branch (COMPATIBLE_WITH=...)
	@go run ./test/compatibility/cmd/compatibility -with='$(COMPATIBLE_WITH)'

lint: lint-docs ## Run golangci-lint, go vet's checks among them, and lint-docs
	$(GOLANGCI_LINT) run ./...
	cd test/tools/image && $(GOLANGCI_LINT) run ./...
	cd test/tools/gitops && $(GOLANGCI_LINT) run ./...
	cd test/tools/plot && $(GOLANGCI_LINT) run ./...

# docs/api.md and docs/performance.md are generated. Vale needs a C compiler.
lint-docs: ## Check the English of the docs
	$(if $(RACE),$(VALE) --config=test/tools/prose/vale.ini $$(git ls-files '*.md' ':!docs/api.md' ':!docs/performance.md'),@echo 'lint-docs: not run: no C compiler found')

generate: ## Write the API's deep copies and its reference, docs/api.md, and the chart's README
	$(CONTROLLER_GEN) object paths=./api/...
	@$(CRD_REF_DOCS) --log-level=ERROR --source-path=api/v1alpha1 --config=test/tools/docs/crd-ref-docs.yaml \
	  --renderer=markdown --output-path=docs/api.md
	$(HELM_DOCS) --chart-search-root=charts --log-level=error

manifests: ## Write the CRDs and each server's ClusterRole from the markers in the code, and the chart's copies of them
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=paylink-controller paths=./controllers/... output:rbac:dir=config/rbac/controller
	$(CONTROLLER_GEN) rbac:roleName=paylink-webhookserver paths=./webhookserver output:rbac:dir=config/rbac/webhookserver
	$(CONTROLLER_GEN) rbac:roleName=paylink-webhookserver-checkout,fileName=checkout_role.yaml paths=./webhookserver/checkout output:rbac:dir=config/rbac/webhookserver
	go run ./test/chart/fromconfig

build: ## Build both servers into bin/
	CGO_ENABLED=0 $(BUILD) -o bin/ $(SERVERS)

# Settings of Go in the environment must not change the binaries.
image image-all image-servers: export GOFLAGS := -mod=readonly
image image-all image-servers: export GOAMD64 := v1
image image-all image-servers: export GOARM64 := v8.0

image: image-servers ## Write the container image as an archive in bin/, without Docker (ARCH=arm64, VERSION=..., IMAGE=...)
	@$(call image_tool,docker) -arch $(ARCH) -o '$(CURDIR)/bin/paylink-$(VERSION)-linux-$(ARCH).tar'

image-all: ## Write the images of both architectures, and one OCI archive with an index of them
	@$(MAKE) --no-print-directory image ARCH=amd64
	@$(MAKE) --no-print-directory image ARCH=arm64
	@$(call image_tool,oci) -arch amd64,arm64 -o '$(CURDIR)/bin/paylink-$(VERSION)-oci.tar'

image-servers:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) $(BUILD) -o bin/linux-$(ARCH)/ $(SERVERS)

image-docker: ## The same by Docker, for those who have it; no test here builds it (VERSION=..., IMAGE=...)
	docker build --build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --build-arg DATE='$(DATE)' -t '$(IMAGE):$(VERSION)' .

clean: ## Remove what build made
	rm -rf bin
