# Everything one does with a clone. Needs Python 3.11 or newer and make; the rest it installs
# into .venv, again whenever requirements.txt or setup.py has changed.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FUZZER := $(VENV)/.fuzzer

# The first of these that is 3.11 or newer; `make PYTHON=/path/to/python test` overrides it.
PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11 python; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$candidate"; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help init test check format demo docs bench soak hostile faults crash fuzz clean

help: ## list these targets
	@echo "actortorrent: a BitTorrent client on Pykka actors"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

init: $(READY) ## make .venv with everything installed

$(READY): requirements.txt setup.py
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "make: Python 3.11 or newer is needed, and '$(PYTHON)' is not;" \
			"install one, or say: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: $(PYTHON) has no venv; install it (Debian, Ubuntu: apt install python3-venv)" >&2; \
		exit 1; }
	@echo "making $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)

# One process more than there are cores: tests wait about as long as they compute.
PROCESSES ?= $(shell "$(PYTHON)" -c 'import os; print(min(8, 1 + (os.cpu_count() or 1)))')

test: $(READY) ## run all tests, against real clients where these are installed
	$(BIN)/python -m pytest -n $(PROCESSES)

check: $(READY) ## what CI checks besides: ruff, mypy --strict, who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict actortorrent
	$(BIN)/python -m pytest --quiet tests/test_layers.py

format: $(READY) ## mend what ruff can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: $(READY) ## fetch 256 MiB (SIZE=16: 16 MiB) in a swarm here, and see what happened
	@$(BIN)/python -m actortorrent lab --size $(or $(SIZE),256)M \
		--output "$$(mktemp -d "$${TMPDIR:-/tmp}/actortorrent-demo-XXXXXX")"

docs: $(READY) ## make a site of docs/ that opens without a network: build/site/index.html
	$(BIN)/mkdocs build --quiet --strict --config-file docs/site/mkdocs.yml

bench: $(READY) ## measure us beside libtorrent, aria2 and the machine's limit (OPTIONS=--quick)
	$(BIN)/python -m tests.benchmarks.bench $(OPTIONS)

fuzz: $(FUZZER) ## throw bytes at all that reads strangers' bytes (SECONDS=600 each, TARGET=krpc)
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),600) $(TARGET)

$(FUZZER): $(READY) tests/fuzz/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/fuzz/requirements.txt
	@touch $(FUZZER)

soak: $(READY) ## torrents in a row while peers come and go: does anything grow? (SECONDS=1800)
	$(BIN)/python -m tests.soak --seconds $(or $(SECONDS),1800) --picture build/soak.svg

hostile: $(READY) ## all that hostile peers, trackers, nodes and servers do, and what came of it
	$(BIN)/python -m tests.hostile

faults: $(READY) ## every call to the disk fails in turn; memory and descriptors from none to enough
	$(BIN)/python -m tests.faults

crash: $(READY) ## failing actors, power cuts, 500 times kill -9 (COUNT=50: 50 times; SEED=7: the dice)
	$(BIN)/python -m tests.crash --count $(or $(COUNT),500) --seed $(or $(SEED),7)

clean: ## remove .venv and everything else that was made
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
