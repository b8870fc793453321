"""Points that go on in the units in which the page began."""

import numpy as np

from latentviz import Run
from latentviz.views import shown_of
from latentviz.watching.places import FARTHEST, GrowingRow

SCALE, ORIGIN = np.array([0.25, 0.5, 1.0]), np.array([0.0, 1.0, -3.0])


def run_of(latents, first_step=0):
    return Run.from_arrays(latents, steps=np.arange(first_step, first_step + len(latents)))


def row_of(latents):
    shown = shown_of(run_of(latents), dims=[(0, 1), (1, 2)])
    return GrowingRow(shown, SCALE, ORIGIN)


def places(units):
    return units * SCALE + ORIGIN


def test_they_are_where_the_run_has_them():
    rng = np.random.default_rng(0)
    row = row_of(rng.normal(size=(3, 4, 3)))
    latents = rng.normal(size=(6, 4, 3)) * 20
    grown = row.grow(run_of(latents, 3), np.array([0, 2, 5]), after=False)
    assert (grown.units.dtype, grown.units.shape, grown.n_held) == (np.int32, (3, 4, 3), 0)
    assert (np.abs(places(grown.units) - latents[[0, 2, 5]]) <= SCALE / 2 + 1e-5).all()


def test_what_is_not_finite_stays_where_it_was():
    first = np.arange(24, dtype=float).reshape(2, 4, 3)
    row = row_of(first)
    latents = np.repeat(np.arange(12, dtype=float).reshape(1, 4, 3), 3, 0)
    latents[0, 1, 2] = np.nan  # stays where it was at the last step of the first look
    latents[1:, 3] = -np.inf  # stays where it is at the step before
    grown = row.grow(run_of(latents, 2), np.arange(3), after=False)
    assert grown.n_held == 2
    found = places(grown.units)
    assert np.allclose(found[0, 1], np.rint((first[1, 1] - ORIGIN) / SCALE) * SCALE + ORIGIN)
    assert np.allclose(found[1:, 1], found[[2], 1])
    assert np.allclose(found[:, 3], found[0, 3])
    # And so on in what follows.
    nowhere = np.full((1, 4, 3), np.nan)
    again = row.grow(run_of(nowhere, 5), np.array([0]), after=False)
    assert again.n_held == 4
    assert np.array_equal(again.units[0], grown.units[-1])


def test_what_is_far_out_can_still_be_told_in_differences():
    row = row_of(np.zeros((1, 2, 3)))
    far = np.array([[[1e6, -1e6, 0], [1e30, -1e30, 3e38]]])
    grown = row.grow(run_of(np.concatenate([far, -far]), 1), np.arange(2), after=False)
    assert np.allclose(places(grown.units[0, 0])[:2], [1e6, -1e6])
    assert np.abs(grown.units[:, 1]).max() == FARTHEST
    differences = np.diff(grown.units.astype(np.int64), axis=0)
    assert np.abs(differences).max() < 2**31
