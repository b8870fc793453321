# Everything sets itself up: a machine with python3 and make is enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
RUN := runs/sparse-labels.npz
FILM := runs/sparse-labels.mp4
COVERAGE := runs/coverage

.PHONY: help demo picture test bench lint format clean

help:
	@echo "make demo     train the sparse-labels experiment and render its film"
	@echo "make picture  renew the README's pictures"
	@echo "make test     run the tests"
	@echo "make bench    run the benchmarks"
	@echo "make lint     ruff and mypy"
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
	$(BIN)/latentviz render $(RUN) -o $@

demo: $(FILM)
	@echo "The film is $(abspath $(FILM))"

$(COVERAGE)/outcomes.csv: | $(READY)
	$(BIN)/python -m trainers label-coverage -o $(COVERAGE)

# The README's pictures. The moving one is the film in ten seconds.
picture: $(FILM) $(COVERAGE)/outcomes.csv
	$(BIN)/latentviz sphere $(RUN) -o gallery/sphere.png --size 1200x480
	$(BIN)/latentviz coverage $(COVERAGE) -o gallery/label-coverage.png --size 1200x750 --theme light
	$$($(BIN)/python -c "from latentviz.encode import ffmpeg_path; print(ffmpeg_path())") \
		-loglevel error -y -i $(FILM) -vf "setpts=PTS/3.3,fps=12,scale=720:-2:flags=lanczos" \
		-c:v libwebp_anim -quality 60 -compression_level 6 -loop 0 gallery/sparse-labels.webp

test: $(READY)
	$(BIN)/python -m pytest

bench: $(RUN)
	$(BIN)/python -m benchmarks $(RUN)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) runs build .pytest_cache .mypy_cache .ruff_cache tests/failures
