# make run     serve the demo zone on 127.0.0.1 port 5300
# make test    run the whole test suite; ARGS goes to pytest
# make check   lint, format, types, import contracts
# make bench   measure; compares with gdnsd and Knot, and asks with dnsperf
# make asan    test the native code with the sanitizers of the C compiler
# make bind-driver   build bind-compat/dlz_sparrow.so, which BIND loads
#
# Everything is installed into .venv, which is made when it is missing and
# brought up to date when pyproject.toml or the native code changes.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO := routes/demo
BENCHES := machine load_zone load_tables mrt_read gobgp_sync gobgp_live gobgp_loss compiling views lookups native_answer starts truth wrong answers misses churn
NATIVE := $(wildcard sparrow/*/*.pyx sparrow/*/*.pxi sparrow/*/*.h)

# The driver for BIND is C alone, with the look-up of sparrow/plan.
BIND_DRIVER ?= bind-compat/dlz_sparrow.so
BIND_CFLAGS ?= -O2
BIND_FLAGS := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Isparrow/plan -fPIC -fvisibility=hidden -pthread -shared

.DEFAULT_GOAL := run
.PHONY: run test check bench asan bind-driver
.DELETE_ON_ERROR:

run: $(VENV)/installed
	@cat $(DEMO)/try.txt
	@exec $(BIN)/sparrow serve --config $(DEMO)/sparrow.yaml

test: $(VENV)/installed-dev
	@echo "Running the tests ..."
	@$(BIN)/pytest -n auto $(ARGS)

# All four run, whatever the first ones find; one failure fails the whole.
check: $(VENV)/installed-dev
	@failed=; \
	for step in "ruff check ." "ruff format --check ." mypy lint-imports; do \
		echo "== $$step"; $(BIN)/$$step || failed="$$failed '$$step'"; \
	done; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi

# All run, whatever the first ones find; one failure fails the whole.
bench: $(VENV)/installed-dev
	@failed=; \
	for script in $(BENCHES); do \
		echo "== bench/$$script.py"; $(BIN)/python "bench/$$script.py" || failed="$$failed $$script"; \
	done; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi

asan: $(VENV)/installed-dev
	@.ci/asan

bind-driver: $(BIND_DRIVER)

$(BIND_DRIVER): $(wildcard bind-compat/driver/*.[ch] sparrow/plan/*.h)
	$(CC) $(BIND_FLAGS) $(BIND_CFLAGS) -o $@ bind-compat/driver/*.c

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "sparrow needs Python 3.11 or later; name it with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@command -v cc gcc clang >/dev/null || { \
		echo "sparrow needs a C compiler to install (Debian: apt install gcc python3-dev)" >&2; exit 1; }
	@echo "Making a Python environment in $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/installed: pyproject.toml $(NATIVE) $(BIN)/python
	@echo "Installing sparrow and the libraries it needs into $(VENV); the first time this takes a minute ..."
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(NATIVE) $(BIN)/python
	@echo "Installing sparrow, its libraries and the test tools into $(VENV); the first time this takes a minute ..."
	@$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/installed
