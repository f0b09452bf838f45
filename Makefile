# Everything a new user types. Needs Python 3.11 (or 3.12), make and a C compiler; the rest comes from requirements.lock.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# torch is installed first and by pip, so that a CPU wheel kept at hand (pip's find-links) is taken. On the open internet
# give TORCH_INDEX=<the CPU wheel index named on PyTorch's "Get started" page>; without it Linux takes the CUDA build.
TORCH       ?= torch==2.13.0
TORCH_INDEX ?=

export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export PYTHONUNBUFFERED = 1

# The dbt templater reads the project's variables; no store has to exist for linting.
SQLFLUFF_ENV := AMENDS_WAREHOUSE=:memory: AMENDS_LANDING=/nowhere AMENDS_HANDOFF=/nowhere AMENDS_ML_OUTPUTS=/nowhere \
  AMENDS_PROGRAMME_TABLES=/nowhere AMENDS_LEDGER_EXPORT=/nowhere AMENDS_WAREHOUSE_AS_OF=2026-01-01

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow faults test-postgres lint format types docs up down clean distclean bench lock manifest

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 13) else "Amends needs Python 3.11 or 3.12: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@

setup: $(STAMP) ## Install into .venv and migrate every store once
	@$(BIN)/amends setup

demo: $(STAMP) ## Run the whole loop on the synthetic company
	@$(BIN)/amends demo

test: $(STAMP) ## Run the test suite
	$(BIN)/python -m pytest

test-slow: $(STAMP) ## Run the tests that need minutes
	$(BIN)/python -m pytest -m slow

faults: $(STAMP) ## Kill, fill up and repeat; one line per fault
	$(BIN)/python -m tests.faults

test-postgres: $(STAMP) ## The ledger's tests on a PostgreSQL of their own (skipped where it is not installed)
	AMENDS_TEST_LEDGER=postgres $(BIN)/python -m pytest -rs tests/unit/cases

lint: $(STAMP) ## ruff, mypy and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(SQLFLUFF_ENV) $(BIN)/sqlfluff lint dbt_project/models dbt_project/snapshots

format: $(STAMP) ## Put the code into its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## Write dbt docs as one page that opens in any browser
	@$(BIN)/amends docs

manifest: setup ## Parse the dbt project for Dagster (part of setup)

up: $(STAMP) ## Start Dagster and MLflow on loopback
	@$(BIN)/amends up

down: $(STAMP) ## End what `make up` started
	@$(BIN)/amends down

bench: $(STAMP) ## Run every benchmark
	@for name in $$($(BIN)/python -m benchmarks); do $(BIN)/python -m benchmarks.$$name || exit 1; done

lock: ## Resolve requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-annotate --no-header \
	  --override requirements.overrides --no-emit-package torch --output-file requirements.lock pyproject.toml requirements.in

clean: ## Remove everything the platform wrote (the stores in .amends too)
	-@test -x $(BIN)/amends && $(BIN)/amends down
	rm -rf .amends dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## Remove the virtual environment too
	rm -rf $(VENV) amends.egg-info
