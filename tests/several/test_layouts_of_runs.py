"""Pages of one to six runs in one to four projections: nothing overlaps, is cut or too small."""

from itertools import combinations

import numpy as np
import pytest

from latentviz import Film, FilmSpec, OptionError, Run
from latentviz.film.planning import LEAST_SIDE_PX
from latentviz.scene import CloudPanel

SIZES = [(1920, 1080), (1080, 1080), (1080, 1920), (640, 360)]
DIMS = [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
T, N = 6, 12


def run(seed):
    latents = np.random.default_rng(seed).normal(size=(T, N, 3))
    names = ["ant", "bee", "crow"]
    known = {"classes": np.arange(N) % 3, "class_names": names, "name": f"seed {seed}"}
    return Run.from_arrays(latents, losses={"loss": np.exp(-np.arange(T))}, **known)


RUNS = [run(seed) for seed in range(6)]


def boxes(stage):
    """Every box of the page, with the name of what stands there."""
    found = [("heading", stage.heading)] if stage.heading is not None else []
    for n, panel in enumerate(stage.panels):
        for part in ("head", "body"):
            box = getattr(panel.cell, part)
            if box.width > 0 and box.height > 0:
                found.append((f"{type(panel).__name__} {n} {part}", box))
    return found


def overlap(a, b):
    right = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return min(right, down)


def stage_or_why_not(film):
    try:
        return film.stage, ""
    except OptionError as error:
        return None, str(error)


@pytest.mark.parametrize("n_projections", [1, 2, 3, 4])
@pytest.mark.parametrize("n_runs", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_overlaps_or_is_cut(size, n_runs, n_projections):
    spec = FilmSpec(size=size, dims=DIMS[:n_projections])
    stage, refused = stage_or_why_not(Film(RUNS[:n_runs], spec))
    if stage is None:
        assert "nothing could be told below 48" in refused
        assert size == (640, 360)
        assert n_runs * n_projections >= 16
        width, height = refused.split()[-1].split("x")
        larger = Film(RUNS[:n_runs], FilmSpec(size=(int(width), int(height)), dims=spec.dims))
        assert len(larger.stage.panels) > n_runs
        return
    width, height = size
    for name, box in boxes(stage):
        assert box.x >= -0.5, name
        assert box.y >= -0.5, name
        assert box.x + box.width <= width + 0.5, name
        assert box.y + box.height <= height + 0.5, name
    for (name, a), (other, b) in combinations(boxes(stage), 2):
        assert overlap(a, b) <= 1, (name, other)
    clouds = [panel for panel in stage.panels if isinstance(panel, CloudPanel)]
    assert len(clouds) == n_runs * n_projections
    assert min(panel.cell.body.width for panel in clouds) >= LEAST_SIDE_PX


def test_runs_are_rows_unless_columns_are_much_larger():
    wide = Film(RUNS[:2], FilmSpec(dims=DIMS[:3])).stage.panels[:6]
    assert len({panel.cell.body.y for panel in wide[:3]}) == 1
    assert all(panel.named_beside for panel in wide)
    many = Film(RUNS, FilmSpec(dims=DIMS[:2])).stage.panels[:12]
    assert len({panel.cell.body.x for panel in many[:2]}) == 1
    assert not any(panel.named_beside for panel in many)
    alone = Film(RUNS[:3], FilmSpec(dims=DIMS[:1])).stage.panels[:3]
    assert len({panel.cell.body.y for panel in alone}) == 1
