# make run        the dashboard, ready to draw (TORCH_INDEX=URL: PyTorch from that index, such as that without CUDA)
# make check      style and types
# make test       everything that a change must pass besides; installs the browsers and the PostgreSQL server it needs
# make test-latex symbols printed by LaTeX, where latex, xelatex and dvisvgm are installed: after changes to that
# make test-long  fuzz and faults, long: before a release, or after changes to reading or writing files
# make fuzz       hostile input for everything that reads files, links or addresses (BUDGET=SECONDS, default 600)
# make faults     kills, full disks, stopped servers, many times, with a table (ARGS=--times=100 for more)
# make format     format the code, and fix what ruff can fix
# make lock       requirements.lock anew, with the versions that .venv has (ARGS=--upgrade: the rest at its newest)
#
# Measurements, on an otherwise idle machine:
# make bench         ours beside the methods it replaces (ARGS="--source DUMP.sql.gz [ROW …]")
# make growth        time and memory with 1, 3 and 10 times the drawings (ARGS="--source DUMP.sql.gz")
# make load          visitors that one server carries
# make hostile       the same in a demo that some of them attack (ARGS="--seconds 60")
# make latency       from a stroke to its answers (ARGS=--training: beside a training, too), and frames while drawing
# make first-paint   every page, opened in a fresh browser
# make page-timings  the Symbols page: first glyph, scrolling, search
# make studies       the other benchmarks, on the workspace's dataset
#
# make extension  the browser extension for Chrome and Firefox, into dist/
# make screenshots  the pictures of the documentation
# make demo         the animations of the documentation
# make setup        install everything that these need
# make clean        remove what they installed
#
# .venv is made on the first run; its stamps save later runs from installing again.

PYTHON ?= $(shell tools/find-python)
VENV ?= .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
BUDGET ?= 600
TORCH_INDEX ?=
CHECKED := extexify pages app.py tests tools benchmarks

STUDIES := breakdown starter robustness rejection answers training_step link_lengths

.PHONY: run test test-latex test-long check format lock bench growth studies fuzz faults load hostile latency page-timings first-paint extension screenshots demo setup clean help
.DEFAULT_GOAL := help

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

run: $(STAMPS)/requirements
	$(BIN)/streamlit run app.py $(ARGS)

test: $(STAMPS)/requirements-dev $(STAMPS)/browser $(STAMPS)/npm
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-latex: $(STAMPS)/requirements-dev
	$(BIN)/python -m pytest -m latex tests/sources/test_typeset.py $(ARGS)

test-long: fuzz faults

check: $(STAMPS)/requirements-dev
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/mypy $(CHECKED)

format: $(STAMPS)/requirements-dev
	$(BIN)/ruff check --fix $(CHECKED)
	$(BIN)/ruff format $(CHECKED)

# One file for all platforms and for Python 3.11 and later, with the hashes of all files that the index lists. Versions
# are those of .venv, with which the tests have passed, without local parts such as PyTorch's +cpu.
# streamlit[auth] is in the container besides.
lock: $(STAMPS)/requirements-dev
	$(BIN)/python -m pip list --disable-pip-version-check --format=freeze | sed 's/+.*//' > $(STAMPS)/tested.txt
	echo 'streamlit[auth]' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
		--generate-hashes --no-annotate --custom-compile-command 'make lock' --constraints $(STAMPS)/tested.txt \
		--output-file requirements.lock $(ARGS) requirements.txt -

bench: $(STAMPS)/requirements-dev
	$(BIN)/python -m benchmarks $(ARGS)

growth: $(STAMPS)/requirements-dev $(STAMPS)/browser
	$(BIN)/python -m benchmarks.growth $(ARGS)

studies: $(STAMPS)/requirements-dev
	@set -e; for study in $(STUDIES); do echo "== $$study"; $(BIN)/python -m benchmarks.$$study $(ARGS); done

fuzz: $(STAMPS)/requirements-dev
	EXTEXIFY_FUZZ_SECONDS=$(BUDGET) $(BIN)/python -m pytest tests/fuzz -n $(WORKERS) --dist worksteal $(ARGS)

extension: $(STAMPS)/requirements
	$(BIN)/python -m tools.extension $(ARGS)

screenshots: $(STAMPS)/requirements-dev $(STAMPS)/browser
	$(BIN)/python -m tools.screenshots $(ARGS)

demo: $(STAMPS)/requirements-dev $(STAMPS)/browser $(STAMPS)/npm
	$(BIN)/python -m tools.demo
	$(BIN)/python -m tools.extension_film

page-timings: $(STAMPS)/requirements-dev $(STAMPS)/browser
	$(BIN)/python -m benchmarks.pages symbols $(ARGS)

first-paint: $(STAMPS)/requirements-dev $(STAMPS)/browser
	$(BIN)/python -m benchmarks.pages first-paint $(ARGS)

latency: $(STAMPS)/requirements-dev $(STAMPS)/browser
	$(BIN)/python -m benchmarks.pages latency $(ARGS)

faults: $(STAMPS)/requirements-dev
	$(BIN)/python -m tools.faults $(ARGS)

load: $(STAMPS)/requirements-dev
	$(BIN)/python -m benchmarks.load $(ARGS)

hostile: $(STAMPS)/requirements-dev
	$(BIN)/python -m benchmarks.hostile $(ARGS)

setup: $(STAMPS)/requirements-dev $(STAMPS)/browser $(STAMPS)/npm

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Extexify needs Python 3.11 or newer, and there is none on PATH." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What TORCH_INDEX installs satisfies requirements.txt, so that the second step leaves it alone.
$(STAMPS)/requirements: requirements.txt | $(BIN)/python
	$(if $(TORCH_INDEX),$(PIP_INSTALL) --index-url $(TORCH_INDEX) $$(sed -n '/^torch/p' requirements.txt))
	$(PIP_INSTALL) -r requirements.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/requirements-dev: requirements-dev.txt $(STAMPS)/requirements
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

$(STAMPS)/browser: tools/browser.py $(STAMPS)/requirements-dev
	$(BIN)/python tools/browser.py --install
	@touch $@

# CodeMirror, for a page like Overleaf's, and web-ext.
$(STAMPS)/npm: tools/overleaf_page/package.json tools/overleaf_page/package-lock.json $(STAMPS)/requirements-dev
	@mkdir -p $(VENV)/npm && cp tools/overleaf_page/package.json tools/overleaf_page/package-lock.json $(VENV)/npm
	$(BIN)/npm ci --silent --ignore-scripts --prefix $(VENV)/npm
	@touch $@
