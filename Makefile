# Campaign controller. `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
CODE := controller lab sounds tests bench

# Whoever forbids bytecode would have pytest rewrite every test's assertions anew in every process of every run.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

# --- set-up -----------------------------------------------------------------------------------------------

.venv/.run: requirements.txt pyproject.toml scripts/venv
	@scripts/venv requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt pyproject.toml scripts/venv
	@scripts/venv requirements-dev.txt
	@touch $@ .venv/.run

.PHONY: venv
venv: .venv/.run ## Make the virtual environment from the hash-pinned lock

.PHONY: lock
lock: ## Renew the locks from pyproject.toml (needs uv)
	scripts/lock

# --- running ----------------------------------------------------------------------------------------------

.PHONY: demo
demo: .venv/.run ## Run a campaign on a real Asterisk against a simulated telephone network
	@exec $(BIN)/python -m lab demo

.PHONY: lab
lab: .venv/.run ## Bring up PBX, telephone network and Redis until Ctrl-C
	@exec $(BIN)/python -m lab up

# --- quality ----------------------------------------------------------------------------------------------

# Side by side: what each step says is shown whole, when it ends; all are run, and any that fails makes check fail.
CHECKS := unit types lint format-check imports

# Processes that run tests: one more than processors, for many tests wait for Redis, for threads, for programs.
WORKERS ?= $(shell echo $$(($$(nproc) + 1)))

.PHONY: check
check: .venv/.dev ## Format, lint, types, import contracts, unit and contract tests (< 60 s)
	@$(MAKE) --no-print-directory --keep-going --jobs --output-sync=target $(CHECKS)

.PHONY: test
test: check long postgres integration ## All tests, on real Asterisk, Redis and PostgreSQL

.PHONY: format
format: .venv/.dev ## Format the code
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

.PHONY: format-check
format-check: .venv/.dev
	$(BIN)/ruff format --check $(CODE)

.PHONY: lint
lint: .venv/.dev
	$(BIN)/ruff check $(CODE)

.PHONY: types
types: .venv/.dev
	$(BIN)/mypy

.PHONY: imports
imports: .venv/.dev
	$(BIN)/lint-imports

.PHONY: tools
tools: .venv/.dev ## Find or make Asterisk and Redis for lab and tests
	@$(BIN)/python -m lab provision

# The record store's contract is tested on SQLite and on PostgreSQL. Those marked postgres start a server, which
# not every machine has, and take as long as all others together; those marked long take seconds each, however they
# are written. `make check` leaves them out, `make test` never.
.PHONY: unit
unit: .venv/.dev tools ## Unit and contract tests, without PostgreSQL and what takes long
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not postgres and not long" tests/unit tests/contract

.PHONY: long
long: .venv/.dev tools ## Whole days in virtual time, fuzzing of the API, typesetting
	$(BIN)/pytest -n auto --dist worksteal -m "long and not postgres" tests/unit tests/contract

.PHONY: postgres
postgres: .venv/.dev tools ## Contract tests on a private PostgreSQL (as root, it is installed if missing)
	@$(BIN)/python -m tests.contract.postgres
	$(BIN)/pytest -n auto --dist worksteal -m postgres tests/unit tests/contract

.PHONY: integration
integration: .venv/.dev tools ## Tests on real Asterisk and Redis
	$(BIN)/pytest tests/integration

.PHONY: bench
bench: .venv/.dev tools ## Measure against a bare client in the same run
	$(BIN)/python -m bench

.PHONY: bench-pacing
bench-pacing: .venv/.dev ## Compare pacing rules in simulation (PACING=--full for the whole grid)
	$(BIN)/python -m bench pacing $(PACING)

.PHONY: bench-pacing-lab
bench-pacing-lab: .venv/.dev tools ## The simulator held to ten minutes on the real lab (PACING="--minutes 3" for three)
	$(BIN)/python -m bench pacing-lab $(PACING)

.PHONY: clean
clean: ## Remove the virtual environment and caches (not the lab's tree in ~/.cache)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
