PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080
UV_VERSION = 0.13.9
BIN = .venv/bin
PYTEST = $(BIN)/pytest -n auto --dist worksteal

# What is installed is compiled at once, and ours when it is first read: each start then takes half the time.
export UV_COMPILE_BYTECODE = 1
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup serve test check lint types layers fast peers race fuzz demo recording bench docs manifest sbom audit lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/ready ## only the environment, in .venv

.venv/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "vmkops needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/ready: .venv/uv requirements.lock pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

.venv/developer: .venv/ready requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

serve: .venv/ready ## the service on http://127.0.0.1:8080; HOST=... and PORT=... change that, PYTHON=... the Python
	@echo 'The command is $(BIN)/vmkops. Another port: make serve PORT=8081'
	$(BIN)/vmkops serve --host $(HOST) --port $(PORT)

test: lint types layers peers ## everything, real peers included
	$(PYTEST)

check: lint types layers fast ## lint, types, layers and the fast tests

lint: .venv/developer
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/developer
	$(BIN)/mypy

layers: .venv/developer
	$(BIN)/lint-imports

fast: .venv/developer
	$(PYTEST) --ignore tests/e2e --ignore tests/integration

peers: .venv/developer ## the outside programs that the tests use: installs them and prints where they are
	$(BIN)/python -m tests.peers

race: .venv/developer ## the vCenter simulator with the race detector of Go (needs gcc), and the tests that strain it
	CI=true VCSIM_RACE=1 $(BIN)/pytest tests/integration/test_vcsim_locks.py tests/integration/test_peer_vcsim.py \
	  tests/e2e/faults

fuzz: .venv/developer ## many more made-up requests than the tests make, for an hour or so
	CI=true FUZZ_LONG=1 $(BIN)/pytest tests/attacks/test_fuzz_routes.py

demo: .venv/developer ## a simulated vCenter, a local Slack and the service together
	$(BIN)/python -m tests.demo

recording: .venv/developer ## docs/backup.svg and docs/backup.cast, the terminal session of README.md, from a real one
	$(BIN)/python -m tests.recorded_session

bench: .venv/developer ## every benchmark, one table each
	for each in benchmarks/[a-z]*.py; do $(BIN)/python $$each || exit 1; done

docs: .venv/developer ## the documentation as a site and a man page, in site/; the wheel has the man page of deploy/
	$(BIN)/python -m vmkops.manual
	$(BIN)/sphinx-build --quiet --fail-on-warning -b html docs site/html
	$(BIN)/sphinx-build --quiet -b man docs site/man
	cp site/man/vmkops.1 deploy/vmkops.1

manifest: .venv/ready ## deploy/slack-manifest.json from the commands
	$(BIN)/python -m bot.manifest

sbom: .venv-audit/ready ## sbom.json: every installed package with its version and hashes (CycloneDX)
	.venv-audit/bin/cyclonedx-py requirements --pyproject pyproject.toml --short-PURLs --output-reproducible \
	  --of JSON -o sbom.json requirements.lock

audit: .venv-audit/ready ## known vulnerabilities of the locked packages; needs access to PyPI
	.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

.venv-audit/ready: .venv/uv requirements-audit.lock
	$(BIN)/uv venv --quiet --allow-existing .venv-audit
	$(BIN)/uv pip install --quiet --python .venv-audit/bin/python --require-hashes -r requirements-audit.lock
	@touch $@

lock: .venv/uv ## the lock files from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade pyproject.toml \
	  --custom-compile-command "make lock" -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes pyproject.toml --group dev \
	  -c requirements.lock --custom-compile-command "make lock" -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --group audit \
	  --custom-compile-command "make lock" -o requirements-audit.lock

clean: ## what the above made, but not your data
	rm -rf site docs/procedures sbom.json .venv .venv-audit .peers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
