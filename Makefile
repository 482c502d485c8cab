# Every action of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
AZURITE := local/azurite/node_modules/.installed
PAGE_TOOLS := tests/page/tools/node_modules/.installed
# For `start` and `demo`: make start PORT=17571 STATE=folder VISION=azure SAMPLES=yes
# The shell finds them in its environment: what is in them is never a command.
CHOSEN = $${PORT:+--port "$$PORT"} $${STATE:+--state "$$STATE"} $${VISION:+--vision "$$VISION"} $(SENT)
SENT = $(if $(SAMPLES),$(or $(SAMPLES_$(SAMPLES)),$(error SAMPLES=$(SAMPLES) is neither yes nor no)))
SAMPLES_yes := --samples
SAMPLES_no := --no-samples
# Set for machines that read many files and write none; here it would make every start compile every module.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help start demo test coverage bench chaos fuzz lint format lock models contract screenshots package setup setup-dev environments due-models clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The commands then name options as make takes them.
start demo: export BLOBSIGHT_MAKE := 1

start: setup ## Set up, start the local stack, process the samples, stay
	@$(BIN)/python -m local start $(CHOSEN)

demo: setup ## The same, then stop; exit 0 only if every sample has every record
	@$(BIN)/python -m local start --once $(CHOSEN)

test: setup-dev ## Set everything up, then run every test (15 minutes)
	@$(BIN)/python tests/run.py

coverage: setup-dev ## How much of shared/ its tests reach: at least 95 % (three minutes)
	@echo "This takes about three minutes."
	@$(BIN)/python -m coverage run -m pytest --quiet tests/unit tests/functions
	@$(BIN)/python -m coverage report

bench: $(VENV)/.dev environments $(AZURITE) due-models ## Measure goals and peers, write docs/benchmarks.md (half an hour)
	@echo "This takes about half an hour."
	@$(BIN)/python -m bench

chaos: setup-dev ## Kill the host in bad weather, lose events, let storage hang, ask from 200 callers (30 minutes)
	@echo "This takes about 30 minutes."
	@$(BIN)/python -m bench.chaos
	@$(BIN)/python -m bench.chaos --duplicate
	@$(BIN)/python -m bench.index_writes --rounds 1
	@$(BIN)/python -m bench.changes
	@$(BIN)/python -m bench.lost_events
	@$(BIN)/python -m bench.hang
	@$(BIN)/python -m bench.skills
	@$(BIN)/python -m bench.callers

fuzz: setup-dev ## 2,000 examples of each property instead of 150 (ten minutes)
	@echo "This takes about ten minutes."
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-2000} $(BIN)/python -m pytest -m fuzz --timeout=1800 tests

lint: $(VENV)/.dev $(PAGE_TOOLS) ## Style and types of the code and of the page, import rules, locks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tests/page/tools/check.py
	@$(BIN)/python -m locks.check

format: $(VENV)/.dev $(PAGE_TOOLS) ## Put the code and the page into the project's format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .
	@$(BIN)/python tests/page/tools/check.py --format

lock: $(VENV)/.dev ## Compile pyproject.toml into requirements.txt and locks/
	@$(BIN)/python -m locks.compile

models: $(VENV)/.local $(AZURITE) ## Fetch the trained models of the local stack that set-up could not
	@./local/setup.sh models

contract: $(VENV)/.local ## Write docs/openapi.json and docs/connector.swagger.json from shared/openapi/
	@$(BIN)/python -m shared.openapi

screenshots: setup-dev ## Take the pictures of the page for README and docs anew (two minutes)
	@$(BIN)/python -m bench.screenshots

package: $(VENV)/.venv ## Write the package for Azure, from the commit, to build/blobsight.zip
	@$(BIN)/python scripts/package.py

setup: $(VENV)/.local $(BIN)/blobsight $(AZURITE) due-models

setup-dev: $(VENV)/.dev $(BIN)/blobsight $(VENV)/.runtime environments $(AZURITE) $(PAGE_TOOLS) $(VENV)/.photographs due-models

# Looked at every time, because MODELS chooses and one that failed is tried again; that takes a tenth of a second.
due-models: $(VENV)/.local $(AZURITE)
	@./local/setup.sh models --due

# Looked at every time, because a Python can be installed or go away; that takes a second.
environments: $(VENV)/.dev
	@$(BIN)/python tests/doubles/runtime_environments.py

$(VENV)/.venv:
	@./local/setup.sh venv

$(VENV)/.local: $(VENV)/.venv locks/local.txt
	@./local/setup.sh install local

$(BIN)/blobsight: $(VENV)/.local local/setup.sh
	@./local/setup.sh console

$(VENV)/.dev: $(VENV)/.local locks/dev.txt
	@./local/setup.sh install dev

$(VENV)/.runtime: $(VENV)/.dev locks/runtime.txt
	@./local/setup.sh runtime

# After Azurite, which brings a Node where there is none.
$(VENV)/.photographs: $(AZURITE) bench/photographs.py bench/held_out_photographs.toml
	@$(BIN)/python -m bench.photographs
	@touch $@

$(AZURITE): $(VENV)/.venv local/azurite/package.json local/azurite/package-lock.json
	@./local/setup.sh azurite

# After Azurite, which brings a Node where there is none.
$(PAGE_TOOLS): $(AZURITE) tests/page/tools/package.json tests/page/tools/package-lock.json
	@./local/setup.sh page-tools

clean: ## Remove what set-up and the stack made, the state folder too
	rm -rf $(VENV) build bench/.venvs local/azurite/node_modules tests/page/tools/node_modules tests/page/tools/generated .blobsight .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
