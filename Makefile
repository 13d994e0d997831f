# One virtual environment in the checkout, installed from the lock; nothing outside is touched.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
# How often `make bench` runs each command.
RUNS ?= 11
# `make test-all` runs the suite on each of these that is installed.
PYTHONS = 3.11 3.12 3.13

.PHONY: help run example test test-all editor check acceptor snapshots dist-check hook-check bench torture docs pictures clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | \
	  while read -r target what; do printf 'make %-12s %s\n' "$$target" "$$what"; done

run: $(VENV)/installed ## run the quick start
	@$(BIN)/driftflow --config examples/quickstart.json

example: $(VENV)/installed ## run a real job: weather.csv and weather.json in examples/weather
	@cd examples/weather && { $(abspath $(BIN))/driftflow --config weather.driftflow.json \
	  --actions driftflow.packs.files --actions driftflow.packs.process --actions actions.py \
	  > weather.log; status=$$?; cut -c 1-100 weather.log; exit $$status; }

test: $(VENV)/installed ## run the tests, two at a time
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

test-all: ## run the tests on each Python from 3.11 to 3.13 that is installed
	@for version in $(PYTHONS); do \
	  if python$$version -c 'import ensurepip' 2>/dev/null; then \
	    echo "Python $$version:"; \
	    $(MAKE) --no-print-directory test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	  else \
	    echo "SKIPPED Python $$version: not installed"; \
	  fi; \
	done

editor: $(VENV)/installed ## install what the tests of editors need, with npm, and run them
	cd tests/editor && npm ci --no-audit --no-fund
	$(BIN)/python -m pytest tests/acceptance/test_editor.py

check: $(VENV)/installed ## lint, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

acceptor: $(VENV)/installed ## compile the schema into driftflow/checking/acceptor.py; after each change of it
	$(BIN)/python tools/compile_schema.py
	$(BIN)/ruff format --quiet driftflow/checking/acceptor.py

snapshots: $(VENV)/installed ## write the snapshots anew; review the difference like code
	$(BIN)/python -m pytest --snapshot-update

dist-check: $(VENV)/installed ## build the wheel and try it in a fresh environment
	rm -rf dist
	$(BIN)/hatchling build
	$(BIN)/python -m venv dist/venv
	dist/venv/bin/python -m pip --disable-pip-version-check --quiet install dist/*.whl
	cd dist && venv/bin/driftflow --config ../examples/quickstart.json
	for schema in schema/*.json; do cmp $$schema dist/venv/lib/python*/site-packages/driftflow/$$schema || exit 1; done

hook-check: ## try the commit hook with pre-commit in a scratch repository
	PYTHON=$(PYTHON) .ci/hook

bench: $(VENV)/installed .bench/installed ## measure against peers, some minutes; RUNS=1 for a short try
	$(BIN)/hatchling build --target wheel --directory .bench
	.bench/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-index --force-reinstall .bench/*.whl
	@.bench/bin/python benchmarks/bench.py $(RUNS)

.bench/installed: benchmarks/requirements.lock
	$(PYTHON) -m venv --clear .bench
	.bench/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement benchmarks/requirements.lock
	@touch $@

torture: $(VENV)/installed ## try each promise at length; some minutes
	@PYTHONPATH=tests $(BIN)/python -m promises

pictures: $(VENV)/installed .docs/installed ## draw the pictures of the documents; needs Graphviz
	PATH=$(abspath $(BIN)):$$PATH PYTHONPATH=tests:. .docs/bin/python tools/draw_pictures.py

docs: .docs/installed ## build the site in docs/_site, strictly, and check its links
	rm -rf docs/_site
	PYTHONPATH=. .docs/bin/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_site
	.docs/bin/python tools/check_links.py docs/_site

.docs/installed: docs/requirements.lock
	$(PYTHON) -m venv --clear .docs
	.docs/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement docs/requirements.lock
	@touch $@

clean: ## remove what the other targets made
	rm -rf .venv .venv-* .bench .docs docs/_site dist tests/editor/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache driftflow.audit.json
	find driftflow tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'DriftFlow needs Python 3.11 or later: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@
