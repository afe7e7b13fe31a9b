# `make help` lists the targets. Everything is installed into .venv inside this folder; nothing else is touched.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PYTHONS := 3.11 3.12 3.13 3.14
VENV_COLAB := .venv-colab
PYTHONS_COLAB := 3.13
VENV_SITE := .venv-site
SITE := dist/site
VENV_NEWEST := .venv-newest
PYTHONS_NEWEST := 3.11 3.13
PIP_INSTALL := -m pip install --no-input --disable-pip-version-check $(if $(CI),--quiet --progress-bar off)

# Grading, training and tests are on the CPU unless said otherwise: JAX_PLATFORMS=cuda make demo
export JAX_PLATFORMS ?= cpu

CORES := $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# One worker more than cores, since tests of limits wait. Each imports jax and torch (about 1.5 GB), so no more than four; each
# gets its share of the cores.
TEST_WORKERS ?= $(shell n=$$(( $(CORES) + 1 )); echo $$(( n > 4 ? 4 : n )))
TEST_THREADS := $(shell n=$$(( $(CORES) / $(TEST_WORKERS) )); echo $$(( n < 1 ? 1 : n )))
# Threads must not wait in loops: beside busy workers, a training step of several is then three times as slow.
TEST_ENV := PJRT_NPROC=$(TEST_THREADS) OMP_NUM_THREADS=$(TEST_THREADS) OMP_WAIT_POLICY=PASSIVE PYTHONHASHSEED=0
PYTEST := $(TEST_ENV) $(PY) -m pytest -n $(TEST_WORKERS) --dist worksteal --durations=15

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Install the pinned environment into .venv (TORCH=cpu: without the CUDA libraries, see README).

# torch's CUDA libraries are pins of their own; with TORCH=cpu they are left out (torch then comes from PyTorch's own index).
PINS := $(if $(filter cpu,$(TORCH)),<(grep -vE '^(cuda|nvidia|triton)' requirements/dev.txt),requirements/dev.txt)

$(STAMP): requirements/dev.txt pyproject.toml
	@if ! $(PY) -c 'import pip' 2>/dev/null; then \
	    python=$$(requirements/find_python.sh $(PYTHONS)); \
	    echo "Making $(VENV) with $$python"; \
	    "$$python" -m venv --clear $(VENV); \
	fi
	@echo "Installing the pinned packages: 6 GB with torch's CUDA libraries, about two minutes on a fast line."
	@$(PY) $(PIP_INSTALL) -r $(PINS)
	@$(PY) $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: setup ## Build, grade a sample class, train FixMatch on shapes: one to three minutes, offline.
	@$(PY) -m autograder.classroom.demo

.PHONY: attacks
attacks: setup ## Attack the grader in every way that is known, beside stock nbgrader, and write docs/attacks.md: eighteen minutes on two cores.
	$(PY) -m autograder.classroom.attacks --write

.PHONY: build
build: setup ## Make every derived file: notebooks, releases, expected values, tables.
	$(PY) -m autograder build

.PHONY: lint
lint: setup ## Ruff, types of the public functions, who may import whom.
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

.PHONY: test-unit
test-unit: setup ## Tests that start no process and train nothing: a minute on two cores.
	$(PYTEST) -m unit tests

.PHONY: test
test: lint ## All tests but the long ones: nineteen minutes on two cores.
	$(PYTEST) -m "not slow and not colab" tests

.PHONY: test-all
test-all: lint $(VENV_SITE)/.installed ## All tests, the long ones too: an hour on two cores.
	$(PYTEST) -m "not colab" tests

.PHONY: test-notebooks
test-notebooks: setup ## Execute the solution notebooks whole and compare their outputs: seven minutes on two cores.
	$(PYTEST) -m nbval tests/project

.PHONY: test-colab
test-colab: setup ## Run the notebook of fixmatch and the checks with Colab's package versions (needs its Python 3.13).
	@python=$$(requirements/find_python.sh $(PYTHONS_COLAB) 2>/dev/null) || python=""; \
	if [ -z "$$python" ]; then \
	    echo "SKIPPED: Colab's packages are those of Python 3.13, which this machine lacks."; \
	else \
	    $(MAKE) --no-print-directory $(VENV_COLAB)/.installed bundle; \
	    $(TEST_ENV) $(VENV_COLAB)/bin/python -m pytest -m colab tests/colab; \
	    PYTHONPATH="$(CURDIR)" $(TEST_ENV) $(VENV_COLAB)/bin/python -m pytest -m "not slow" tests/course/checks; \
	fi

.PHONY: test-newest
test-newest: setup newest ## Run the notebook of fixmatch and the checks with the newest packages (Python 3.11 and 3.13, where they are).
	@$(MAKE) --no-print-directory bundle
	@failed=; for python in $(VENV_NEWEST)-*/bin/python; do \
	    echo "== $$($$python --version), the newest packages"; \
	    $(TEST_ENV) $$python -m pytest -m colab tests/colab/test_bundle_done.py || failed=1; \
	    PYTHONPATH="$(CURDIR)" $(TEST_ENV) $$python -m pytest -m "not slow" tests/course/checks || failed=1; \
	done; test -z "$$failed"

# Made from scratch each time: what is newest today is not what was newest yesterday.
.PHONY: newest
newest:
	@for version in $(PYTHONS_NEWEST); do \
	    python=$$(requirements/find_python.sh $$version 2>/dev/null) || { echo "SKIPPED: no Python $$version here."; continue; }; \
	    echo "Making $(VENV_NEWEST)-$$version with $$python and the newest packages"; \
	    "$$python" -m venv $(VENV_NEWEST)-$$version; \
	    $(VENV_NEWEST)-$$version/bin/python $(PIP_INSTALL) --upgrade -r requirements/newest.in; \
	done

$(VENV_COLAB)/.installed: requirements/colab.txt
	@python=$$(requirements/find_python.sh $(PYTHONS_COLAB)); \
	echo "Making $(VENV_COLAB) with $$python and the packages of Colab"; \
	"$$python" -m venv --clear $(VENV_COLAB)
	@$(VENV_COLAB)/bin/python $(PIP_INSTALL) -r requirements/colab.txt
	@touch $@

.PHONY: bench
bench: setup ## Print the tables of what was measured, in a quarter of an hour on two cores (WRITE=1: keep them in benchmarks/).
	$(PY) -m benchmarks --rounds 3 $(if $(WRITE),--write)

# OUT: folder for what is found. DATA: an .npz file with CIFAR-10.
OUT ?= gpu
DATA ?= cifar10.npz
MINUTES ?= 25
.PHONY: gpu
gpu: ## Measure on a GPU, the most valuable first, in 25 minutes; again to go on: make gpu OUT=gpu DATA=cifar10.npz
	@test -x $(PY) || { echo "error: there is no $(VENV) here: run make setup where there is a network" >&2; exit 2; }
	@$(PY) -m benchmarks.gpu --out "$(OUT)" --data "$(DATA)" --minutes $(MINUTES)

.PHONY: bench-cpu-mode
bench-cpu-mode: setup ## Repeat CPU mode's runs over seeds, here and with the newest packages (WRITE=1: keep the bands).
	@$(MAKE) --no-print-directory newest
	$(PY) -m benchmarks.cpu_mode $(PY) $(wildcard $(VENV_NEWEST)-*/bin/python) $(if $(WRITE),--write)

.PHONY: bundle
bundle: setup ## Make dist/<unit>.zip for students: notebook, wheel, checkpoint.
	$(PY) -m autograder bundle

.PHONY: publish
publish: setup ## Make a folder to push as the students' repository: make publish DIR=...
	@test -n "$(DIR)" || { echo "error: name the folder: make publish DIR=../course-for-students" >&2; exit 2; }
	$(PY) -m autograder publish "$(DIR)"

.PHONY: site
site: $(VENV_SITE)/.installed ## Make the course's website in dist/site: no answers, nothing from other hosts (seconds).
	$(VENV_SITE)/bin/python -m autograder.site $(SITE)

$(VENV_SITE)/.installed: requirements/site.txt
	@python=$$(requirements/find_python.sh $(PYTHONS)); \
	echo "Making $(VENV_SITE) with $$python and what turns pages into a site"; \
	"$$python" -m venv --clear $(VENV_SITE)
	@$(VENV_SITE)/bin/python $(PIP_INSTALL) -r requirements/site.txt
	@touch $@

.PHONY: lock
lock: setup ## Resolve requirements/*.in into exact pins (UPGRADE=1: take the newest of everything).
	UPGRADE=$(UPGRADE) requirements/lock.sh

.PHONY: clean
clean: ## Remove what the other targets made, but neither .venv nor any grades or hand-ins.
	rm -rf build dist demo *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . \( -name '.venv*' -o -name .git \) -prune -o -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -print0 \
	    | xargs -0 -r rm -rf

.PHONY: distclean
distclean: clean ## Remove the environments as well.
	rm -rf $(VENV) $(VENV_COLAB) $(VENV_SITE) $(VENV_NEWEST)-*
