# Everything sets itself up: a machine with python3 and make is enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
RUN := runs/sparse-labels.npz
FILM := runs/sparse-labels.mp4
SITE := site
# When the site was last looked at, and found in order.
CHECKED := build/gallery/checked
# Checks the types of the viewer's modules.
TSC := build/typescript/node_modules/typescript/bin/tsc

.PHONY: help demo gallery picture docs test bench lint format clean

help:
	@echo "make demo     train the sparse-labels experiment and render its film"
	@echo "make gallery  build the gallery, films and pictures with the scripts that made them"
	@echo "make picture  renew the pictures of README and docs/"
	@echo "make docs     renew the pages of docs/ that are written from the code"
	@echo "make test     run the tests"
	@echo "make bench    run the benchmarks"
	@echo "make lint     ruff, mypy, tsc, and whether the written pages of docs/ are current"
	@echo "make format   let ruff rewrite the code"
	@echo "make clean    remove what the others made"

# Installed again only when what is to be installed has changed.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

# After $(READY), but not older for its sake: a new dependency need not mean a new training.
$(RUN): | $(READY)
	@mkdir -p $(@D)
	$(BIN)/python -m trainers sparse-labels -o $@ --overwrite

$(FILM): $(RUN)
	$(BIN)/latentviz render $(RUN) -o $@ --names hue

demo: $(FILM)
	@echo "The film is $(abspath $(FILM))"

# A build that changes nothing leaves the site as it is. CHECK=--browser fails without a browser.
gallery: $(READY)
	$(BIN)/python -m gallery build -o $(SITE)
	@test $(CHECKED) -nt $(SITE)/index.html || \
		{ $(BIN)/python -m gallery check -o $(SITE) $(CHECK) && touch $(CHECKED); }
	@echo "The gallery is $(abspath $(SITE)/index.html)"

picture: $(READY)
	$(BIN)/python -m gallery readme

docs: $(READY)
	$(BIN)/python -m gallery docs

# Two at a time; a worker that is done takes tests of the other's.
test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal

bench: $(RUN)
	$(BIN)/python -m benchmarks $(RUN)

$(TSC): | $(READY)
	$(BIN)/npm install --silent --no-audit --no-fund --prefix build/typescript typescript@5.9.3

lint: $(READY) $(TSC)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/node $(TSC) -p latentviz/web/viewer/jsconfig.json
	$(BIN)/python -m gallery docs --check

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) runs build $(SITE) .pytest_cache .mypy_cache .ruff_cache tests/failures
