# Each target sets up what it needs: `make demo` and `make test` work on a fresh machine with Python 3.11 or newer.
VENV ?= .venv
PYTHON ?= python3
# Folder with qa/ (squad1/, squad2/ ... in SQuAD form), coref/, relation/, ner/, for `make bench`.
DATA ?= ../shared/data
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint bench clean

demo: $(VENV)/installed-base
	$(BIN)/spanbert demo

test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(PYTEST_FLAGS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/shipped_model.py question-answering $(DATA)/qa
	$(BIN)/python benchmarks/shipped_model.py coreference $(DATA)/coref
	$(BIN)/python benchmarks/shipped_model.py relations $(DATA)/relation
	$(BIN)/python benchmarks/question_answering_speed.py --data $(DATA)/qa/squad1/dev.json
	$(BIN)/python benchmarks/entities_speed.py --data $(DATA)/ner/wnut17/dev.conll
	$(BIN)/python benchmarks/coreference_speed.py --data $(DATA)/coref/litbank

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "spanbert needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-base: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[documents]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/installed-base

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
