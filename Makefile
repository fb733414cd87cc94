PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test torture lint audit docs format bench dev lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/.done: requirements.lock pyproject.toml setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/.done ## make .venv with everything in it

demo: setup ## run the main job against the sandbox and print what came in (WAREHOUSE=chdb: into embedded ClickHouse)
	$(if $(filter chdb,$(WAREHOUSE)),TICKETS_WAREHOUSE=chdb:///.tickets/warehouse.chdb )$(BIN)/ticket-pipelines demo

test: setup ## run all tests
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

torture: setup ## kill and break syncs at hundreds of places, on every engine and vendor (hours)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m torture

audit: ## ask the OSV database about every locked dependency (needs the internet, and says so where there is none)
	.ci/audit

lint: setup ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: setup ## write the pages that follow from the code
	$(BIN)/python docs/build.py

format: setup ## put the code in shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup ## measure against the floor, print ratios
	$(BIN)/python -m bench

dev: setup ## open the Dagster UI and daemon on the embedded home
	$(BIN)/ticket-pipelines dev

LOCK := uv pip compile pyproject.toml --universal --no-emit-index-url --generate-hashes --no-strip-extras --quiet

lock: setup ## write both lock files anew from pyproject.toml (needs uv)
	$(LOCK) --group dev --upgrade --output-file requirements.lock
	$(LOCK) --extra celery --group build --constraint requirements.lock --output-file deploy/requirements.lock

clean: ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
