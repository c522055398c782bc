# One word for each thing to do, the same on a laptop and in CI.
# Needs make, and Python 3.11 or newer with its venv module; no root, no uv.

PYTHON ?= python3
PORT ?= 8080
DATA ?= ./data

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet

.DEFAULT_GOAL := help
.PHONY: help install install-dev serve ehr test check format bench mutants vignettes lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Make .venv with what the program needs
install-dev: $(VENV)/.installed-dev ## The same, with the tools for test and check

serve: install ## Run the demo server: PORT=8080 DATA=./data; Ctrl-C stops it
	@$(call orderly,$(BIN)/recumbent serve --host 127.0.0.1 --port '$(PORT)' --data '$(DATA)' --demo)

ehr: install-dev ## Try the service from an EHR page in a browser, with made-up patients: PORT=8080, the page at 8081
	@$(call orderly,$(BIN)/python -m tests.ehr --port '$(PORT)')

test: install-dev ## Run all tests; ARGS='-k ferritin' runs some of them
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: install-dev ## Check format, lint, types, imports and the rule library
	@$(call step,format,$(BIN)/ruff format --check --quiet --output-format concise .,run 'make format')
	@$(call step,lint,$(BIN)/ruff check --quiet --output-format concise .,run 'make format'; change by hand what is still listed then)
	@$(call step,types,$(BIN)/mypy,change the lines listed above; a 'type: ignore' needs its code and a why)
	@$(call step,imports,$(BIN)/lint-imports --no-logo,move the import; pyproject.toml says which way imports flow)
	@$(call step,rules,$(BIN)/recumbent rules check,change the rule files listed above; rules/README.md says how)

format: install-dev ## Format the code and fix what can be fixed without thinking
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

bench: install-dev ## Measure how long a hook call takes
	@$(BIN)/python -m tests.bench

mutants: install-dev ## Change every rule in every small way and see that a case fails; ARGS=causes/sciatica
	@$(BIN)/python -m tests.mutants $(ARGS)

vignettes: install ## Measure the rules on made-up patients whose right answer is known; DIR=tests/vignettes
	@$(BIN)/recumbent vignettes $(or $(DIR),tests/vignettes)

lock: $(BIN)/uv ## Renew both lock files after a change of dependencies; UPGRADE=1 takes newer versions
	@$(COMPILE) --output-file requirements.lock
	@$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	@if grep -n '://' requirements.lock requirements-dev.lock; then \
		echo "A lock file names a host (above). Unset the index settings of uv and pip, and try again."; exit 1; fi
	@echo "requirements.lock and requirements-dev.lock are up to date."

clean: ## Remove .venv, caches and reports; data stays
	@rm -rf $(VENV) .coverage htmlcov dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- how ------------------------------------------------------------------------------------------------------------

# $(call step,name,command,what to do when it fails)
step = echo "$(1)"; $(2) || { echo; echo "make check stopped at $(1). What to do: $(3)."; exit 1; }

# $(call orderly,server): it runs beside the shell, which turns Ctrl-C into one orderly stop; make then has no error to show.
orderly = $(1) & server=$$!; trap "kill -TERM $$server" INT TERM; \
	{ wait $$server; status=$$?; while kill -0 $$server; do wait $$server; status=$$?; done; } 2>/dev/null; \
	case $$status in 130|143) ;; *) exit $$status ;; esac

COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --group build $(if $(UPGRADE),--upgrade) \
	--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

# The build backend is in the locks, so the project itself installs without build isolation and from no index.
$(VENV)/.installed: pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing the program into $(VENV) (half a minute) ..."
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# requirements-dev.lock holds all of requirements.lock, so this is an install too.
$(VENV)/.installed-dev: pyproject.toml requirements.lock requirements-dev.lock | $(BIN)/python
	@echo "Installing the program and its development tools into $(VENV) (a minute) ..."
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.installed $@

$(BIN)/uv: | $(BIN)/python
	@echo "Installing uv into $(VENV) ..."
	@$(PIP) uv==0.13.9

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "There is no '$(PYTHON)' here, and Recumbent needs Python 3.11 or newer."; \
		echo "Install one, or name one that is here: make install PYTHON=/path/to/python3.12"; \
		exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "'$(PYTHON)' is $$($(PYTHON) --version 2>&1), and Recumbent needs Python 3.11 or newer."; \
		echo "Install one, or name one that is here: make install PYTHON=/path/to/python3.12"; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' comes without its venv module. On Debian and Ubuntu: apt install python3-venv"; \
		exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear $(VENV)
