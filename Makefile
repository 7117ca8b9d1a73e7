# Everything Headrace does on one machine. `make help` lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.NOTPARALLEL:
# Some machines forbid Python to keep what it compiled; every process would then take seconds longer to start.
export PYTHONDONTWRITEBYTECODE :=

# A distribution's Python is built with profile-guided optimisation; one that a version manager compiled on the machine
# often is not, and runs a quarter slower. So the distribution's comes first, if it is new enough and can make environments.
PYTHON ?= $(shell for python in /usr/bin/python3 python3; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; echo $$python)
VENV := .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/.stamps
# Where the wheel of Node is put when the machine has none that is new enough.
NODE_VENV := $(VENV)/node
WITH_NODE := PATH="$(CURDIR)/$(NODE_VENV)/bin:$$PATH"
LOCK := $(VENV)/bin/uv pip compile --quiet
# The development lock is held to those of the drivers and the base, so these come first.
OTHER_LOCKS := $(filter-out base drivers dev,$(basename $(notdir $(wildcard requirements/*.in))))
# `make lock UPGRADE=--upgrade` takes newer versions.
UPGRADE ?=

INSTALL := apt-get -q install -y --no-install-recommends

# How many rounds `make torture` takes.
ROUNDS ?= 500

FRONTEND_INPUTS := $(shell find frontend templates \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null)

.PHONY: all help demo serve drivers test test-all lint bench torture shot connector connectors docs lock vulnerabilities clean prepared develop

all: prepared ## Prepare everything: virtual environment, front end

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: prepared ## Load sample data, run two syncs, and serve the result (HEADRACE_PORT, DEMO_EXIT=1)
	@exec $(PY) -m config.supervisor demo

serve: prepared ## Run web, workers and scheduler with what is in .data
	@exec $(PY) -m config.supervisor serve

drivers: prepared $(STAMPS)/drivers ## Install the drivers that not everybody needs (Snowflake, RabbitMQ, Kafka, Excel and others)

test: develop $(STAMPS)/browser $(STAMPS)/sshd $(STAMPS)/clients $(STAMPS)/orchestrators $(STAMPS)/chdb $(STAMPS)/fakesnow $(STAMPS)/bqemulator $(STAMPS)/secantusdb ## Run all tests
	cd frontend && $(WITH_NODE) npm run --silent test
	@# On a loaded machine a wait can be too short. What failed is asked once more, alone, and decides.
	$(PY) -m pytest -n 3 --dist worksteal -q || $(PY) -m pytest -q --last-failed --last-failed-no-failures none

test-all: export TEST_ALL := 1
test-all: test ## Run all tests, with every cell of the grids that `test` takes some of

lint: develop ## Check style, types, import order and templates
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --cache-dir .data/cache/import-linter
	$(VENV)/bin/djlint --lint --quiet templates
	cd frontend && $(WITH_NODE) npm run --silent typecheck

bench: develop $(STAMPS)/peers ## Measure a million rows against bare baselines and open peers
	$(PY) -m benchmarks

torture: develop ## Kill and trouble real syncs for many rounds, and compare what arrived (ROUNDS=500, SEED)
	$(PY) -m tests.torture --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

shot: develop $(STAMPS)/browser ## Take screenshots of every page
	$(PY) -m tests.browser.shot

connector: develop ## Write the files a new destination begins with (NAME=acme)
	$(PY) manage.py new_destination $(NAME)

connectors: develop ## Play every destination's cases and write docs/reference/conformance.md
	$(PY) -m tests.connectors.report

docs: develop ## Write the generated parts of docs/ anew
	$(PY) manage.py write_docs

lock: develop ## Pin requirements/*.in anew, with hashes (UPGRADE=--upgrade for newer versions)
	cd requirements && for name in base drivers dev $(OTHER_LOCKS); do \
		../$(LOCK) $(UPGRADE) $$name.in -o $$name.txt || exit 1; \
	done
	cd frontend && $(WITH_NODE) npm install --package-lock-only --silent

vulnerabilities: develop ## Look every locked package up in the advisories of PyPI and npm (needs both registries)
	for name in base drivers; do $(VENV)/bin/uv tool run pip-audit@2.10.1 --strict --disable-pip --require-hashes \
		--progress-spinner off -r requirements/$$name.txt || exit 1; done
	cd frontend && $(WITH_NODE) npm audit --omit=dev

clean: ## Remove everything made here: environment, front end, and all local data in .data
	@if [ -x $(PY) ] && $(PY) -c "import psutil" 2>/dev/null; then $(PY) -m config.embedded.remove; else rm -rf .data; fi
	rm -rf $(VENV) frontend/node_modules frontend/dist

# --- preparation ----------------------------------------------------------------
BEGAN := $(shell date +%s)
WARMTH := $(if $(wildcard $(STAMPS)/frontend),warm,cold)

prepared: $(STAMPS)/base $(STAMPS)/frontend
	@echo "Prepared in $$(( $$(date +%s) - $(BEGAN) )) s ($(WARMTH))"

develop: prepared $(STAMPS)/dev

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Headrace needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/base: requirements/base.txt requirements/bootstrap.txt requirements/sync.py | $(PY)
	@echo "Installing Python packages"
	@$(PY) requirements/sync.py $(if $(wildcard $(STAMPS)/dev),dev,$(if $(wildcard $(STAMPS)/drivers),drivers,base))
	@mkdir -p $(@D) && touch $@

# The development packages hold the drivers, too.
$(STAMPS)/drivers: requirements/drivers.txt $(STAMPS)/base
	@echo "Installing drivers of warehouses and queues"
	@test -e $(STAMPS)/dev || $(PY) requirements/sync.py drivers
	@mkdir -p $(@D) && touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/base
	@echo "Installing development packages"
	@$(PY) requirements/sync.py dev
	@mkdir -p $(@D) && touch $@

# Programs that people run against the API, stand-ins of warehouses, and the open peers that benchmarks compare with;
# a test or a line of a benchmark without them says that it was skipped.
$(STAMPS)/clients $(STAMPS)/orchestrators $(STAMPS)/chdb $(STAMPS)/fakesnow $(STAMPS)/bqemulator $(STAMPS)/secantusdb $(STAMPS)/peers: $(STAMPS)/%: requirements/%.txt | $(PY)
	@echo "Installing what runs beside Headrace: $*"
	@$(PY) requirements/sync.py $* $(VENV)/$* || echo "They could not be installed and will be skipped"
	@mkdir -p $(@D) && touch $@

$(STAMPS)/node: requirements/node.txt | $(PY)
	@if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || ! command -v npm >/dev/null; then \
		echo "Node 20 is missing: installing it as a Python wheel"; \
		$(PY) -m venv $(NODE_VENV) && \
		$(NODE_VENV)/bin/python -m pip install --quiet --require-hashes -r requirements/node.txt; \
	fi
	@mkdir -p $(@D) && touch $@

$(STAMPS)/npm: frontend/package-lock.json frontend/package.json $(STAMPS)/node
	@echo "Installing front-end packages"
	@cd frontend && $(WITH_NODE) npm ci --silent
	@touch $@

$(STAMPS)/frontend: $(STAMPS)/npm $(FRONTEND_INPUTS)
	@echo "Building the front end"
	@cd frontend && $(WITH_NODE) npm run --silent build -- --logLevel warn
	@touch $@

# Never fails: without a browser the browser tests say that they were skipped. The headless shell takes less work.
$(STAMPS)/browser: | $(PY)
	@if command -v chromium-headless-shell >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing Chromium for the browser tests" && \
		{ apt-get -q update && { $(INSTALL) chromium-headless-shell || $(INSTALL) chromium; }; } >/dev/null 2>&1; then :; \
	elif command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then :; \
	else echo "No Chromium here, and none could be installed; browser tests will be skipped"; fi
	@mkdir -p $(@D) && touch $@

# Never fails, and leaves the machine of somebody who runs services alone: what is installed there would be started.
$(STAMPS)/sshd: | $(PY)
	@if [ -x /usr/sbin/sshd ] || command -v sshd >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && [ ! -d /run/systemd/system ] && command -v apt-get >/dev/null && \
		echo "Installing an OpenSSH server for the tests of tunnels" && \
		{ apt-get -q update && RUNLEVEL=1 $(INSTALL) openssh-server; } >/dev/null 2>&1; then :; \
	else echo "No OpenSSH server here (Debian: openssh-server); the tests of tunnels will be skipped"; fi
	@mkdir -p $(@D) && touch $@
