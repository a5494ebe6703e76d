# Everything a newcomer needs: `make demo` shows the product, `make test` proves it. Both install what
# they need, into .venv and a cache (see devstack/).
.DEFAULT_GOAL := help
.PHONY: pictures docs page page-tools dispatch-page help demo demo-dispatch demo-learning test test-long test-dispatch test-dispatch-page simulate-long simulate-pairs unit lint style types imports format e2e-kind image-test up down status generate lock clean

PYTHON ?= python3
# Another environment for another Python: make unit PYTHON=python3.13 VENV=.venv-3.13
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 4
# Without cached bytecode every worker would compile every test anew.
unexport PYTHONDONTWRITEBYTECODE
# What decides is held to every branch by the tests of its own; tracing everything else would double the wait.
JUDGING := tests/pure/domain tests/pure/evidence tests/pure/lint
# Those run before; what needs a builder or another environment has a command of its own.
APART := pure simulation image dispatch

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mlrollout needs Python 3.11 or newer, and $(PYTHON) is older: try make PYTHON=python3.13 ...")'
	@echo "Installing the Python packages into $(VENV) (about half a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/pip check --quiet --disable-pip-version-check
	@touch $@

demo: $(VENV)/ready ## Roll a good model out, a bad one, and one that goes bad late, to be watched in a browser: DASHBOARD=0 for none
	@$(BIN)/python -m devstack.demo

test: $(VENV)/ready ## Run the tests: pure, components on real parts, the whole on a real API server
	@$(BIN)/python -m devstack fetch
	$(BIN)/pytest $(JUDGING) -n auto --cov --cov-report=term
	$(BIN)/pytest tests/pure tests/simulation -m "not long" $(JUDGING:%=--ignore=%) -n auto --dist worksteal
	$(BIN)/pytest tests -m "not long" $(APART:%=--ignore=tests/%) -n $(WORKERS) --dist loadgroup

test-long: $(VENV)/ready ## Run the tests that take long: every fault at every call, Helm 3 and 4, older versions, hours of looks
	@$(BIN)/python -m devstack fetch
	$(BIN)/pytest tests -m long --ignore=tests/image --ignore=tests/dispatch -n $(WORKERS) --dist loadgroup

EXAMPLE := examples/ml-dispatch
DISPATCH_PAGE := $(EXAMPLE)/page
# Beside the operator's environment, as an application's is: scikit-learn and a database's driver are nothing of the product's.
.venv-dispatch/ready: $(EXAMPLE)/requirements-test.txt pyproject.toml
	@echo "Installing the packages of the dispatch example into $(@D)"
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# A registry of models for those who try or test revisions that come by themselves: no part of the product or the example.
.venv-mlflow/ready: $(EXAMPLE)/requirements-mlflow.txt
	@echo "Installing a server of MLflow's registry into $(@D)"
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

demo-dispatch: $(VENV)/ready .venv-dispatch/ready $(DISPATCH_PAGE)/dist/index.html ## Run the dispatch example with all that it needs, to be opened in a browser; CI=1 for a short one that ends
	@$(BIN)/python -m devstack.dispatch $(if $(CI),--ci)

demo-learning: $(VENV)/ready .venv-dispatch/ready .venv-mlflow/ready ## Have models come by themselves: one is learned and promoted, a poisoned one is taken back; CI=1 without a dashboard
	@$(if $(CI),DASHBOARD=0) $(BIN)/python -m devstack.learning

test-dispatch: .venv-dispatch/ready ## Test the dispatch example: its model, its API on a real Redis and PostgreSQL, bad input
	@.venv-dispatch/bin/python -m devstack fetch redis-server redis-cli
	.venv-dispatch/bin/pytest tests/dispatch --ignore=tests/dispatch/page -n 2

test-dispatch-page: .venv-dispatch/ready dispatch-page page-tools ## Test the example's page in Chromium: its panel, its falling back, a rollback
	@$(BIN)/python -m devstack fetch
	$(BIN)/pytest tests/dispatch/page -n 2 --dist loadgroup

simulate-long: $(VENV)/ready ## Simulate schedules for an hour, or MINUTES=..., on from where it stopped last
	@$(BIN)/python -m tests.simulation.long --minutes $(or $(MINUTES),60)

simulate-pairs: $(VENV)/ready ## Simulate every two faults at every two calls of three stories (an hour and a half on two cores)
	@$(BIN)/python -m tests.simulation.pairs

unit: $(VENV)/ready ## Run the pure tests and the simulation, which need no real part (minutes)
	$(BIN)/pytest tests/pure tests/simulation -m "not long" -n auto --dist worksteal

lint: $(VENV)/ready ## Check style, types and the direction of imports
	@$(MAKE) --no-print-directory --keep-going style types imports

style: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/ready
	$(BIN)/mypy operator/mlrollout devstack docs tests examples benchmarks

imports: $(VENV)/ready
	$(BIN)/lint-imports --no-logo

format: $(VENV)/ready ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

up: $(VENV)/ready ## Start the local stack and leave it running; CLUSTER=kind for a kind cluster
	@$(BIN)/python -m devstack up $(if $(CLUSTER),--cluster $(CLUSTER))

e2e-kind: $(VENV)/ready ## Walk through docs/tutorial-kind.md in a kind cluster of its own (needs Docker, kind, kubectl and Helm)
	@$(BIN)/python -m devstack.e2e_kind

image-test: $(VENV)/ready ## Build the image without Docker, and try it (as root, with buildah, mmdebstrap and bubblewrap)
	$(BIN)/pytest tests/image --timeout 900

down: $(VENV)/ready ## Stop the local stack
	@$(BIN)/python -m devstack down

status: $(VENV)/ready ## Say what of the local stack runs
	@$(BIN)/python -m devstack status

generate: $(VENV)/ready ## Write the CRD, the chart's copy and values, references, vectors and screens from the code
	$(BIN)/python -m mlrollout.api.generate
	$(BIN)/python -m docs.vectors.generate
	$(BIN)/python -m docs.sdk
	$(BIN)/python -m docs.chart
	$(BIN)/python -m docs.dashboard
	$(BIN)/python -m docs.evidence
	$(BIN)/python -m docs.metrics
	$(BIN)/python -m docs.reasons
	$(BIN)/python -m docs.cli_reference
	$(BIN)/python -m docs.http_reference
	$(BIN)/python -m docs.gitops
	$(BIN)/python -m tests.pure.cli.golden
	$(BIN)/python -m docs.notification_schema
	$(BIN)/python -m docs.dashboard_contract

UI := ui/dashboard
$(UI)/node_modules/ready: $(UI)/package-lock.json $(VENV)/ready
	@cd $(UI) && PATH="$(abspath $(BIN)):$$PATH" npm ci --silent
	@touch $@

page: $(UI)/node_modules/ready ## Check, test and build the dashboard's page into the package (needs the npm registry once)
	@cd $(UI) && PATH="$(abspath $(BIN)):$$PATH" sh -c 'npm run --silent contract && npm run --silent types && npm run --silent test && npm run --silent build'

page-tools: $(UI)/node_modules/ready ## Install what the tests of the page need besides Chromium; without it they are skipped
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/page.txt

$(DISPATCH_PAGE)/node_modules/ready: $(DISPATCH_PAGE)/package-lock.json $(VENV)/ready
	@cd $(DISPATCH_PAGE) && PATH="$(abspath $(BIN)):$$PATH" npm ci --silent
	@touch $@

$(DISPATCH_PAGE)/dist/index.html: $(DISPATCH_PAGE)/node_modules/ready $(DISPATCH_PAGE)/index.html $(shell find $(DISPATCH_PAGE)/src -type f)
	@cd $(DISPATCH_PAGE) && PATH="$(abspath $(BIN)):$$PATH" npm run --silent build

dispatch-page: $(DISPATCH_PAGE)/node_modules/ready ## Check, test and build the page of the dispatch example (needs the npm registry once)
	@cd $(DISPATCH_PAGE) && PATH="$(abspath $(BIN)):$$PATH" sh -c 'npm run --silent types && npm run --silent test && npm run --silent build'

.venv-docs/ready: requirements/docs.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/docs.txt
	@touch $@

docs: .venv-docs/ready ## Build the site of the documentation into .local/site; FORGE=https://... links the source code
	@.venv-docs/bin/python -m docs.site .local/site-source
	@.venv-docs/bin/zensical build --strict --clean
	@echo "Open .local/site/index.html, or: python3 -m http.server -b 127.0.0.1 -d .local/site"

pictures: page-tools ## Take the README's pictures of the dashboard (needs Chromium)
	MLROLLOUT_PICTURES=docs/images $(BIN)/pytest tests/page/test_page.py -q -k readme

krew: $(VENV)/ready ## Build the plugin for krew into dist/krew: URL=where its archives will be HOMEPAGE=...
	$(BIN)/python -m krew --url "$(URL)" --homepage "$(HOMEPAGE)"

LOCK := --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" -q
lock: ## Resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev $(LOCK) -o requirements/dev.txt
	uv pip compile pyproject.toml --extra operator --extra server $(LOCK) -o requirements/image.txt
	uv pip compile pyproject.toml --extra cli -c requirements/image.txt $(LOCK) -o requirements/cli.txt
	uv pip compile pyproject.toml $(EXAMPLE)/requirements.in --extra metrics -c requirements/dev.txt $(LOCK) -o $(EXAMPLE)/requirements.txt
	uv pip compile pyproject.toml $(EXAMPLE)/requirements.in $(EXAMPLE)/requirements-test.in --extra metrics -c requirements/dev.txt -c $(EXAMPLE)/requirements.txt $(LOCK) -o $(EXAMPLE)/requirements-test.txt
	uv pip compile $(EXAMPLE)/requirements-mlflow.in $(LOCK) -o $(EXAMPLE)/requirements-mlflow.txt
	uv pip compile --group build $(LOCK) -o requirements/build.txt
	uv pip compile --group references $(LOCK) -o requirements/references.txt
	uv pip compile --group page -c requirements/dev.txt $(LOCK) -o requirements/page.txt
	uv pip compile --group docs $(LOCK) -o requirements/docs.txt
	uv pip compile --group sbom -c requirements/build.txt $(LOCK) -o requirements/sbom.txt
	uv pip compile --group rivals -c requirements/dev.txt $(LOCK) -o requirements/rivals.txt

clean: down ## Stop the local stack and remove what was made here
	rm -rf .venv* .local .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
