# What a person calls. Every target sets up what it needs by itself, from a clone with python3, git and make alone.
PYTHON ?= python3
VENV := $(if $(filter python3,$(PYTHON)),.venv,.venv-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
DATA ?= var/demo
FUZZ ?= 60
BUILT := pyproject.toml hatch_build.py $(wildcard portal/usage/kernel/*.[ch])

.PHONY: demo demo-reset demo-check test rules lint bench crash race deep schema fuzz interop wheel-check texts client lock clean
.DEFAULT_GOAL := demo

# A virtual environment with the locked requirements: uv bootstrapped with pip, plain pip where uv cannot be had.
define install
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>/dev/null || true
	@if test -x $(BIN)/uv; then $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) && \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .; fi
endef

$(VENV)/.runtime: requirements.txt $(BUILT)
	@echo "setting up ..."
	$(call install,requirements.txt)
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(BUILT)
	@echo "setting up for tests ..."
	$(call install,requirements-dev.txt)
	@touch $@ $(VENV)/.runtime

$(VENV)/.bench: requirements-bench.txt $(BUILT)
	@echo "setting up for benchmarks ..."
	$(call install,requirements-bench.txt)
	@touch $@ $(VENV)/.dev $(VENV)/.runtime

demo: $(VENV)/.runtime          ## everything on this machine; again: at once, data kept
	@$(BIN)/metergate demo --set data=$(DATA)

demo-reset:                     ## forget the demo's data and start over
	@rm -rf $(DATA)
	@$(MAKE) --no-print-directory demo

demo-check: $(VENV)/.dev        ## the demo on free ports and empty data, driven like a person and like a program
	@$(BIN)/python -m tests.demo_check

test: $(VENV)/.dev              ## the whole suite, with what is there
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

rules: $(VENV)/.dev             ## every rule of the guide with the tests that carry it, and those without one
	@$(BIN)/python -m tests.rules

lint: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

bench: $(VENV)/.bench           ## every benchmark, as ratios against peers of the same run
	@$(BIN)/python -m tests.bench

crash: $(VENV)/.dev             ## kill -9 at random, with and without the rules that make it safe
	@$(BIN)/python -m tests.crash $(CRASH)
	@$(BIN)/python -m tests.crash_loads $(CRASH)
	@$(BIN)/python -m tests.crash_orders $(CRASH)

race: $(VENV)/.dev              ## a thousand callers for one meter, on both databases
	@$(BIN)/python -m tests.race

deep: $(VENV)/.dev              ## thousands of histories of the market against a naive one
	@$(BIN)/python -m tests.deep $(DEEP)

schema: $(VENV)/.dev            ## the API against its own OpenAPI document, 50 requests an operation
	@$(BIN)/python -m pytest -q tests/portal/attack/test_schema.py

fuzz: $(VENV)/.dev             ## every parser against inputs that coverage finds, FUZZ seconds each
	@$(BIN)/python -m tests.fuzz $(FUZZ)

interop: $(VENV)/.dev          ## an unmodified zigbee-herdsman forms a network on our co-processor and reads a meter; needs npm
	@$(BIN)/python -m tests.interop

wheel-check: $(VENV)/.dev       ## the wheel alone in a clean environment serves a page with its stylesheet
	@$(BIN)/python -m tests.wheel_check

texts: $(VENV)/.dev             ## collect the customers' texts for translators (portal/locales/messages.pot)
	@$(BIN)/python -m portal.locales.extract

client: $(VENV)/.dev            ## write the typed client anew from the API's OpenAPI document (portal/client)
	@$(BIN)/python -m tests.write_client

lock: $(VENV)/.dev              ## write the hashed requirements anew
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url \
	  --extra build pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url \
	  --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url \
	  --extra bench -c requirements-dev.txt pyproject.toml -o requirements-bench.txt

clean:
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
