# SPDX-License-Identifier: GPL-2.0-or-later
# make demo   sets up all that sandtrace needs and shows its main job (Python 3.10+ is enough)
# make test   sets up all that the tests need, where it may, and runs them
# make lint   ruff, ruff format, mypy --strict
# make bench  what sandtrace costs, beside native and strace
# make soak   the long rounds: races, faults, fuzz
# make fidelity  how far our trace is strace's, over forty programs; writes docs/reference/fidelity.md
# make docs   the documentation: pictures taken anew, every page carried out, every link checked
# Variables: PYTHON (which Python makes .venv), WORKERS (test processes), ARGS (more for pytest).

VENV    ?= .venv
WORKERS ?= 2
ARGS    ?=
BIN      = $(VENV)/bin
PIP      = $(BIN)/python -m pip --quiet --disable-pip-version-check
SOURCES  = $(shell find sandtrace policies -name '*.py' -o -name '*.toml' 2>/dev/null)

.PHONY: demo test lint format bench soak fidelity docs clean

demo: $(VENV)/.installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/demo.sh

test: $(VENV)/.dev
	@scripts/test-packages.sh
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --reruns 1 $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	@scripts/test-packages.sh
	@$(PIP) install -e '.[bench]' || echo "bench: no matplotlib, so no pictures" >&2
	$(BIN)/python tests/bench $(ARGS)

soak: $(VENV)/.dev
	@scripts/test-packages.sh
	SANDTRACE_SOAK=1 $(BIN)/python -m pytest -n $(WORKERS) --timeout 7200 -m "soak or slow or hypothesis" $(ARGS)

fidelity: $(VENV)/.dev
	@scripts/test-packages.sh
	$(BIN)/python -m tests.fidelity --write docs/reference/fidelity.md $(ARGS)

docs: $(VENV)/.dev
	@scripts/test-packages.sh
	$(PIP) install -e '.[docs]'
	$(BIN)/python scripts/screenshots.py
	$(BIN)/python -m pytest -n $(WORKERS) tests/docs $(ARGS)
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A copy, as a user installs it; a source that changed is installed again.
$(VENV)/.installed: pyproject.toml $(SOURCES)
	@scripts/venv.sh $(VENV)
	@test -e $(VENV)/.dev || $(PIP) install .
	@touch $@

# The checkout itself, with what the tests need.
$(VENV)/.dev: pyproject.toml
	@scripts/venv.sh $(VENV)
	$(PIP) install -e '.[dev]'
	@touch $@
