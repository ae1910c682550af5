# Needs Python 3.11 or newer, pip and make. Everything else goes into .venv; weights go to GTM_HOME (~/.cache/gtm).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test check bench docs clean

help:
	@echo 'make demo    simulate three toolsets (the first run installs and fetches the weights: some minutes)'
	@echo 'make test    every gate and every test, the embedded model included'
	@echo 'make check   format, lint, types, layers, shape'
	@echo 'make bench   measure; prints a table and JSON'
	@echo 'make docs    rewrite what is made from the code: README tree, docs/cli.md'
	@echo 'make clean   remove .venv and what tools left behind'

demo: $(RUN)
	@$(BIN)/gtm models fetch >/dev/null
	@$(BIN)/python examples/demo.py

test: check
	$(BIN)/pytest -n 2 -m 'not slow'
	$(BIN)/pytest -m slow

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/test_shape.py

bench: $(DEV)
	@$(BIN)/python recipes/bench/run.py

docs: $(RUN)
	@$(BIN)/python recipes/docs.py

clean:
	rm -rf $(VENV) build dist runs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# A Debian Python without the package python3-venv has no ensurepip: then the system's pip installs into .venv.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than Python 3.11: run make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || $(PYTHON) -m venv --clear --without-pip $(VENV)

define install
@echo 'Installing gtm-sim[$(1)] into $(VENV) (once; about 150 MB are downloaded) ...' >&2
@if $(BIN)/python -m pip --version >/dev/null 2>&1; then pip='$(BIN)/python -m pip'; \
 else pip='$(PYTHON) -m pip --python $(BIN)/python'; fi; $$pip install --quiet --editable '.[$(1)]'
@touch $@
endef

$(RUN): pyproject.toml | $(BIN)/python
	$(call install,all)

$(DEV): pyproject.toml | $(BIN)/python
	$(call install,dev)
	@touch $(RUN)
