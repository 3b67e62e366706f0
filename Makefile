# Every target depends on install, so that a fresh clone needs only python3 >= 3.11, make and git.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Tests wait more than they compute: somewhat more processes than cores.
TESTERS ?= 3

.PHONY: install run chat demo cluster test test-long lint types check docs clean

install: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Teller needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing Teller and its libraries into .venv (about a minute, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $(STAMP)

run: install
	@$(BIN)/teller serve --opening-balance "100.00 USD"

chat: install
	@$(BIN)/teller chat --as $(or $(AS),alice)

demo: install
	@$(BIN)/python -m client_demo.demo

cluster: install
	@$(BIN)/teller cluster

test: install
	@$(BIN)/python -m pytest -n $(TESTERS) --dist loadgroup

test-long: install
	@$(BIN)/python -m pytest -m long

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

types: install
	@$(BIN)/mypy

check: lint types test

docs: install
	@$(BIN)/python -m tests.protocol
	@$(BIN)/python -m tests.docs
	@$(BIN)/python -m client_demo.picture

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
