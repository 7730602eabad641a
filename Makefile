# make run    the dashboard, ready to draw
# make test   every test, with the browser and the PostgreSQL server they need
# make check  style and types
# make fuzz   hostile input for everything that reads files, links or addresses, for BUDGET=600 seconds
# make faults disks that fill up, kill -9, servers that stop: many times, with a table (ARGS=--times=100 for more)
# make load   how many visitors one server carries
# make bench  ours beside the methods it replaces: the table of README.md (ARGS="--source DUMP.sql.gz [ROW …]")
#
# The first run of each makes .venv and installs what is missing; stamps in .venv keep later runs quick.

PYTHON ?= $(shell tools/find-python)
VENV ?= .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
WORKERS ?= 2
BUDGET ?= 600
CHECKED := extexify pages app.py tests tools $(if $(wildcard benchmarks/*.py),benchmarks)

STUDIES := $(addprefix benchmarks/,breakdown.py starter.py robustness.py doubt.py answer_time.py training_step.py onnx_agreement.py start_up.py link_lengths.py)

.PHONY: run test check format bench growth studies fuzz faults load latency page-timings first-paint screenshots demo setup clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: $(STAMPS)/requirements
	$(BIN)/streamlit run app.py $(ARGS)

test: $(STAMPS)/requirements-dev $(STAMPS)/browser
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(STAMPS)/requirements-dev
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy $(CHECKED)

format: $(STAMPS)/requirements-dev
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

bench: $(STAMPS)/requirements-dev
	$(BIN)/python -m benchmarks $(ARGS)

growth: $(STAMPS)/requirements-dev $(STAMPS)/browser
	$(BIN)/python -m benchmarks.growth $(ARGS)

studies: $(STAMPS)/requirements-dev
	@set -e; for script in $(STUDIES); do \
		echo "== $$script"; PYTHONPATH=. $(BIN)/python "$$script" $(ARGS); \
	done

fuzz: $(STAMPS)/requirements-dev
	EXTEXIFY_FUZZ_SECONDS=$(BUDGET) $(BIN)/python -m pytest tests/fuzz -n $(WORKERS) --dist worksteal $(ARGS)

screenshots: $(STAMPS)/requirements-dev $(STAMPS)/browser
	PYTHONPATH=. $(BIN)/python tools/screenshots.py $(ARGS)

demo: $(STAMPS)/requirements-dev $(STAMPS)/browser
	PYTHONPATH=. $(BIN)/python tools/demo.py

page-timings: $(STAMPS)/requirements-dev $(STAMPS)/browser
	PYTHONPATH=. $(BIN)/python tools/page_timings.py

first-paint: $(STAMPS)/requirements-dev $(STAMPS)/browser
	PYTHONPATH=. $(BIN)/python tools/first_paint.py

latency: $(STAMPS)/requirements-dev $(STAMPS)/browser
	PYTHONPATH=. $(BIN)/python tools/latency.py $(ARGS)

faults: $(STAMPS)/requirements-dev
	PYTHONPATH=. $(BIN)/python -m tools.faults $(ARGS)

load: $(STAMPS)/requirements-dev
	PYTHONPATH=. $(BIN)/python benchmarks/load.py $(ARGS)

setup: $(STAMPS)/requirements-dev $(STAMPS)/browser

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Extexify needs Python 3.11 or newer, and there is none on PATH." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/requirements: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/requirements-dev: requirements-dev.txt $(STAMPS)/requirements
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(STAMPS)/browser: tools/browser.py $(STAMPS)/requirements-dev
	$(BIN)/python tools/browser.py --install
	@touch $@
