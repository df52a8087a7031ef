# Needs only Python 3.11+, git and make. Everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.synced

.PHONY: help demo test check bench chaos soak pictures lint format types layers setup clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    open the app on a sample repository (without a terminal: headless)"
	@echo "make test    run the tests"
	@echo "make check   the whole gate: format, lint, types, layers, tests"
	@echo "make bench   speed, as ratios against a baseline run side by side"
	@echo "make chaos   kills and faults at every place, for hours"
	@echo "make soak    eight agents for half an hour: memory, files, tasks and processes do not grow"
	@echo "make clean   remove the environment and caches"

setup: $(STAMP)

$(BIN)/uv:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Name another with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. Install it, on Debian and Ubuntu with: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip uv

$(STAMP): pyproject.toml uv.lock | $(BIN)/uv
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --locked --quiet --compile-bytecode --python $(BIN)/python
	@$(BIN)/python -m compileall -q cc4tui screens services
	@touch $@

demo: setup
	@$(BIN)/cc4tui demo

# Three workers for two cores: much of a test is waiting for other processes.
test: setup
	$(BIN)/pytest -n 3 --dist worksteal -q

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

check: lint types layers test

bench: setup
	$(BIN)/pytest -q -s -m benchmark tests/benchmarks

pictures: setup
	$(BIN)/python docs/pictures/take.py

chaos: setup
	CC4_NEW_EXAMPLES=1 CC4_CHAOS_KILLS=200 CC4_EVERY_CALL=1 CC4_DISK_POINTS=20 CC4_MACHINE_SEQUENCES=2000 \
		CC4_FLOOD_BLOCKS=500 CC4_MANY_FILES=10000 CC4_FUZZED_PLANS=100000 CC4_PLAN_EDITS=2000 $(BIN)/pytest -q -s \
		tests/e2e/test_floods.py tests/e2e/test_repositories.py tests/e2e/test_chaos.py tests/e2e/test_signals.py tests/e2e/test_faults.py tests/e2e/test_disk_full.py tests/pipeline/test_machine.py tests/plans/test_reading.py tests/plans/test_rereading.py

soak: setup
	CC4_SOAK_SECONDS=$${CC4_SOAK_SECONDS:-1800} $(BIN)/pytest -q -s tests/e2e/test_soak.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
