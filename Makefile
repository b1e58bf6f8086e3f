# Two commands do everything: `make up` runs the shop on this machine, `make test` proves it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON := .venv/bin/python

.PHONY: help lock
help: ## what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lock: ## rewrite the locked, hashed requirements
	@for name in project $(filter-out project,$(basename $(notdir $(wildcard requirements/*.in)))); do \
		.venv/bin/uv pip compile requirements/$$name.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet -o requirements/$$name.lock; \
	done

.PHONY: preview
preview: ## print what ENV=prod declares (FORMAT=json: as steps)
	@$(PYTHON) -m review preview "$(or $(ENV),prod)" --format "$(or $(FORMAT),tree)"

.PHONY: engine engine-next
engine: ## the Pulumi CLI: the one on PATH, else one built from source (once, minutes)
	@local/setup.sh
	@nice $(PYTHON) -m tools.engine

engine-next: ## the version after it, which a test of make test-full reads the output of (built from source, minutes)
	@local/setup.sh
	@nice $(PYTHON) -m tools.engine --next

.PHONY: docs secrets
docs: .tools/site/installed ## write the pages of docs/ that are made from the code, and all as a site (reports/site)
	@$(PYTHON) -m tools.docs
	@NO_MKDOCS_2_WARNING=1 .tools/site/bin/mkdocs build --strict --quiet && echo "site: reports/site/index.html"

secrets: ## give ENV=prod the secrets that it lacks
	@$(PYTHON) -m tools.secrets "$(or $(ENV),prod)"

.PHONY: rotate
rotate: ## replace a SECRET=redis.app of ENV=prod without an outage, in three deployments (STEP=1: write the next one only)
	@$(PYTHON) -m tools.rotate "$(or $(ENV),prod)" $(SECRET) $(if $(STEP),--step) $(if $(YES),--yes)

# What judges the storefront's code, apart from what builds it: `make up` installs none of it.
CHECKS := app/storefront/checks/node_modules/.installed
IN_CHECKS := cd app/storefront/checks && PATH="$$(cd ../../.. && $(PYTHON) -m local node):$$PATH"
$(CHECKS): app/storefront/checks/package-lock.json
	@echo "installing what judges the storefront's code"
	@$(IN_CHECKS) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# Three lanes beside each other, of about the same length. What waits more than it computes comes first in two of them; what
# computes has less of the processor. Each part has a process of its own; its output comes when it is done.
SLOW := full or shop or pods or engine or browser or cluster
LANES := lane-computing lane-shop lane-pods
lane-computing: PARTS := types lint test-fast test-storefront
lane-shop: PARTS := storefront test-shop test-engine
lane-pods: PARTS := test-pods test-browser
.PHONY: test test-full lint lint-storefront types test-fast test-storefront test-engine test-shop test-pods test-browser $(LANES)
test: setup chromium ## set up, then prove everything
	@$(MAKE) --no-print-directory .tools/advice/installed $(if $(shell command -v go),.tools/bin/actionlint) \
	  .tools/http/installed
	@$(MAKE) --no-print-directory --jobs=3 $(LANES)

test-full: test browsers $(if $(shell command -v go),.tools/bin/api-server .tools/bin/alertmanager engine-next) ## the slow proofs too
	@$(PYTHON) -m pytest -m "full and not browser"
	@$(PYTHON) -m pytest -m "full and browser"
	@[ "$$(id -u)" != 0 ] || ! command -v go >/dev/null || { $(MAKE) --no-print-directory cluster && $(MAKE) --no-print-directory test-cluster; }

lint: lint-storefront ## rules and format: ruff for Python, ESLint and Prettier for the storefront
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

lint-storefront: $(CHECKS) ## ESLint and Prettier
	@$(IN_CHECKS) npm run --silent lint

# In Node's usual 4 GB pyright forgets and works out again the cloud SDKs' types: half as much processor time again.
types: ## pyright and TypeScript, strict on our code
	@NODE_OPTIONS=--max-old-space-size=$$(awk '/^MemTotal/ {print int($$2 / 1024 / 3)}' /proc/meminfo) .venv/bin/pyright
	@$(MAKE) --no-print-directory storefront
	@$(IN_STOREFRONT) npm run --silent check

test-fast: ## unit, configuration, policy and review tests
	@$(PYTHON) -m pytest -q -n 2 --dist worksteal -m "not ($(SLOW))"

test-storefront: $(CHECKS) ## the storefront's modules that need no browser, by Vitest
	@$(IN_CHECKS) npm run --silent test

test-engine: ## tests under the real Pulumi engine (make engine builds it)
	@$(PYTHON) -m pytest -q -m "engine and not full"

test-shop: ## tests of the running shop, in a network namespace of its own
	@$(PYTHON) -m pytest -q -m "shop and not full and not engine"

test-pods: ## tests of single pods of it: the Redis pairs and Sentinels, and how pods run on this machine
	@$(PYTHON) -m pytest -q -m "pods and not full"

$(LANES):
	@for part in $(PARTS); do \
	  $(if $(filter lane-computing,$@),nice) $(MAKE) --no-print-directory --output-sync=target $$part || exit 1; done

# In a process of their own: Playwright leaves it with a running event loop.
test-browser: ## tests of the storefront's pages in Chromium
	@$(PYTHON) -m pytest -q -m "browser and not full"

.PHONY: chromium browsers
chromium: ## install Chromium for the browser tests and Lighthouse (tests are skipped where that can't be done)
	@$(PYTHON) -m local chromium

GECKODRIVER := $(if $(shell command -v geckodriver),,$(if $(shell command -v cargo),.tools/bin/geckodriver))
browsers: $(GECKODRIVER) ## install Chromium, Firefox and WebKit for the tests in all three (make test-full)
	@local/setup.sh
	@$(PYTHON) -m local browsers

# Debian has none. Three minutes, once.
.tools/bin/geckodriver:
	@echo "building geckodriver, which drives Firefox"
	@nice cargo install --quiet --locked --root .tools geckodriver@0.37.1 \
	  || echo "NOT TESTED in Firefox: cargo can't build geckodriver here" >&2

.PHONY: setup up status logs run exec down clean
setup: ## install what is missing: the Python environment and Debian packages
	@local/setup.sh
	@$(PYTHON) -m local setup
	@$(PYTHON) -m testing.postgres_programs
	@$(PYTHON) -m kpi.edge.caches

up: ## run the whole shop on this machine, wait until it is healthy, print where it is
	@local/setup.sh
	@$(PYTHON) -m local up

status: ## what runs and how it is (FORMAT=json); fails unless all is healthy
	@$(PYTHON) -m local status --format "$(or $(FORMAT),table)"

logs: ## what a pod wrote (POD=api-0; all pods without it)
	@$(PYTHON) -m local logs $(POD)

run: ## run a job now (JOB=redis-backup ARGS="...")
	@$(PYTHON) -m local run "$(JOB)"

exec: ## run a command in a pod (POD=redis-data-0 RUN="sh /etc/redis/cli.sh ROLE"; IN=exporter: another container)
	@$(PYTHON) -m local exec "$(POD)" $(if $(IN),--container "$(IN)")

down: ## stop everything; data is kept
	@$(PYTHON) -m local down

clean: ## stop everything and remove its data, logs and secrets
	@$(PYTHON) -m local clean

.PHONY: cluster cluster-down test-cluster
cluster: ## a real three-node Kubernetes on this machine with the stack on it (root; builds for half an hour, once)
	@local/setup.sh
	@$(PYTHON) -m cluster up

cluster-down: ## end that cluster; what was built stays
	@$(PYTHON) -m cluster down

test-cluster: ## the tests of a running cluster: make cluster's, or one of your own (KUBECONFIG=...)
	@KUBECONFIG="$(KUBECONFIG)" $(PYTHON) -m cluster test $(TESTS)

# Tools whose requirements would quarrel with ours, each in an environment of its own.
.tools/%/installed: requirements/%.lock
	@echo "installing .tools/$*"
	@.venv/bin/uv venv --quiet --clear .tools/$*
	@.venv/bin/uv pip install --quiet --python .tools/$*/bin/python --require-hashes -r $<
	@touch $@

# Go has no other way to pin a program than to build it.
.tools/bin/actionlint: tools/actionlint/go.sum
	@echo "building actionlint"
	@mkdir -p $(@D)
	@cd tools/actionlint && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o $(CURDIR)/$@ github.com/rhysd/actionlint/cmd/actionlint
	@touch $@

# Debian 12's knows no Teams.
.tools/bin/alertmanager: tools/alertmanager/go.sum
	@echo "building the declared Alertmanager"
	@mkdir -p $(@D)
	@cd tools/alertmanager && CGO_ENABLED=0 nice go build -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$(@D)/ github.com/prometheus/alertmanager/cmd/alertmanager github.com/prometheus/alertmanager/cmd/amtool
	@touch $@

# The API server of the cluster version that docs/deploy.md names, from its source: three minutes, once.
.tools/bin/api-server: tools/api_server/main.go tools/api_server/go.sum
	@echo "building a Kubernetes API server"
	@mkdir -p $(@D)
	@cd tools/api_server && CGO_ENABLED=0 nice go build -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$@ .
	@touch $@

.PHONY: gate
gate: ## judge all environments, or ENV=prod, by the policies and by those of BASE=commit (exit code 0/1/2: python -m review gate)
	@$(PYTHON) -m review gate $(if $(ENV),"$(ENV)") $(if $(BASE),--base "$(BASE)")

.PHONY: review
review: ## what a change does to every environment (BASE=origin/main, or FROM=preview.json EVENTS=events.json)
	@$(PYTHON) -m review review --base "$(or $(BASE),origin/main)" $(if $(FROM),--from "$(FROM)") $(if $(EVENTS),--events "$(EVENTS)")

.PHONY: slow-queries
slow-queries: ## the costliest statements of the database at DATABASE_URL, and what is wrong with each
	@$(PYTHON) -m kpi.database slow-queries

# The storefront's tools, under the Node that it is built with.
IN_STOREFRONT := cd app/storefront && PATH="$$(cd ../.. && $(PYTHON) -m local node):$$PATH"
.PHONY: storefront bundle-report build-report image-report depcheck lighthouse
storefront: ## build the shop's pages (nothing to do if nothing changed)
	@$(PYTHON) -m local storefront

bundle-report: storefront ## what each page's JavaScript weighs (reports/bundle.md)
	@$(IN_STOREFRONT) node tools/budgets.mjs --report

build-report: storefront ## how long the shop's build takes, without and with its cache
	@$(IN_STOREFRONT) node tools/build.mjs --compare

image-report: storefront ## what the shop's pictures weigh in each format (reports/images.md)
	@$(IN_STOREFRONT) node tools/image-report.mjs

depcheck: storefront ## packages of the shop that nothing uses, and ones that are there twice
	@$(IN_STOREFRONT) node tools/packages.mjs

lighthouse: .tools/lighthouse/installed ## judge the running shop's pages by Lighthouse, median of five (URL=http://127.0.0.1:8000)
	@$(IN_STOREFRONT) node tools/lighthouse.mjs "$(or $(URL),http://127.0.0.1:8000)"

# The newest that runs on Node 20.
.tools/lighthouse/installed:
	@$(IN_STOREFRONT) npm install --prefix ../../.tools/lighthouse --no-save --no-audit --no-fund --loglevel=error lighthouse@12.8.2
	@touch $@
.PHONY: db-report
db-report: ## every query before and after indexes and rewrites, at 100,000 products and 1,000,000 orders
	@$(PYTHON) -m kpi.database db-report

.PHONY: pool-report
pool-report: ## how full pgBouncer's pool gets under the load mix, and at which load it is 40 to 70 % used
	@$(PYTHON) -W ignore -m kpi.database pool-report

.PHONY: deploy
deploy: ## bring ENV up by a saved plan, judged by the policies (YES=1: without asking)
	@[ -n "$(ENV)" ] || { echo "say which environment: make deploy ENV=dev" >&2; exit 2; }
	@$(PYTHON) -m tools.deploy up "$(ENV)" $(if $(YES),--yes)

.PHONY: destroy
destroy: ## delete all of ENV, or nothing while any of it is protected (asks for its name; YES=1: without asking)
	@[ -n "$(ENV)" ] || { echo "say which environment: make destroy ENV=dev" >&2; exit 2; }
	@$(PYTHON) -m tools.deploy destroy "$(ENV)" $(if $(YES),--yes)

.PHONY: kpi
kpi: ## measure the specification's numbers on the running shop (QUICK=1: within 90 s)
	@$(PYTHON) -m kpi $(if $(QUICK),--quick)

.PHONY: compare compare-cache measured
compare: .tools/compare/installed ## our response cache beside other libraries', in one run
	@$(PYTHON) -m kpi.compare

compare-cache: .tools/compare/installed ## our entity cache beside cashews and aiocache: hits, and a stampede
	@$(PYTHON) -m kpi.compare.cache_manager

measured: compare compare-cache ## measure both comparisons anew, and keep the figures that README.md and docs/ show
	@cp reports/compare.json reports/compare-cache.json docs/measured/
	@$(PYTHON) -m tools.docs

.PHONY: edge-report
edge-report: ## hit ratios, bytes and freshness through gateway and API on the running shop
	@$(PYTHON) -m kpi.edge

.PHONY: http-check
http-check: .tools/http/installed ## redbot and schemathesis on the running API (URL=http://127.0.0.1:3000 EXAMPLES=50)
	@$(PYTHON) -m tools.http_check --url "$(or $(URL),http://127.0.0.1:3000)" --examples "$(or $(EXAMPLES),50)"

.PHONY: explain
# Addresses come through the environment: a shell would take their & and ? apart.
explain: ## what the edge of ENV=prod does with URL=... and why (METHOD= HEADER= COUNTRY= DEVICE= STATUS=)
	@$(PYTHON) -W ignore -m explain "$$URL" --env "$(or $(ENV),prod)" $${METHOD:+--method "$$METHOD"} \
	  $${HEADER:+--header "$$HEADER"} $${COUNTRY:+--country "$$COUNTRY"} $${DEVICE:+--device "$$DEVICE"} \
	  $${STATUS:+--status "$$STATUS"}

.PHONY: purge
purge: ## throw away what has TAG=product:5 or is kept for URL=/products/5, in every layer (ENV=local)
	@$(PYTHON) -m tools.purge "$(or $(ENV),local)" $${TAG:+--tag "$$TAG"} $${URL:+--url "$$URL"}

.PHONY: environment
environment: ## make a new environment, whole, out of another (NAME=staging FROM=dev)
	@$(PYTHON) -W ignore -m tools.environment "$(NAME)" --from "$(FROM)"

.PHONY: pins
pins: ## write down every resource's URN, which the tests hold the program to
	@$(PYTHON) -m tools.pins
