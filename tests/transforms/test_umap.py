import numpy as np
import pytest

from latentviz import OptionError, Run
from latentviz.transforms import as_transform
from latentviz.transforms.umap import KeyPlaces, key_indices

STEPS = np.arange(40)
LATENTS = np.random.default_rng(0).normal(size=(40, 20, 5)).astype(np.float32)


def test_umap_repeats_and_still_points_stay_still():
    pytest.importorskip("umap", reason="the extra umap is not installed", exc_type=ImportError)
    latents = LATENTS.copy()
    latents[:, :10] = latents[:1, :10]
    run = Run.from_arrays(latents)
    one, other = (as_transform("umap").fit([run], None) for _ in range(2))
    placed = one(latents, STEPS)
    assert one.places.tobytes() == other.places.tobytes()
    assert one == other
    assert np.isfinite(placed).all()
    np.testing.assert_array_equal(placed[:, :10], np.repeat(placed[:1, :10], 40, axis=0))
    assert one.note == "between 12 key steps on straight lines"


def test_points_move_on_straight_lines_between_key_steps():
    keys = np.array([0, 4, 10])
    places = np.array([[[0, 0]], [[4, 8]], [[np.nan, 1]]], np.float32)
    fitted = KeyPlaces(keys, places, ("a", "b"))
    latents = np.zeros((4, 1, 3), np.float32)
    found = fitted(latents, np.array([0, 1, 3, 4]))
    assert found[:, 0].tolist() == [[0, 0], [1, 2], [3, 6], [4, 8]]
    assert np.isnan(fitted(latents[:1], np.array([7]))[0, 0, 0])
    swapped = fitted.take((1, 0))(latents[:1], np.array([1]))
    assert swapped[0, 0].tolist() == [2, 1]
    with pytest.raises(OptionError, match="umap places the run's own 1 points alone"):
        fitted(np.zeros((1, 2, 3), np.float32), np.array([0]))


def test_key_steps_are_closer_together_where_training_begins():
    keys = key_indices(Run.from_arrays(np.zeros((1000, 1, 1))))
    assert (len(keys), keys[0], keys[-1]) == (12, 0, 999)
    assert (np.diff(keys, 2) > 0).all()
    assert key_indices(Run.from_arrays(np.zeros((1, 1, 1)))).tolist() == [0]


@pytest.mark.parametrize(
    ("runs", "center", "message"),
    [
        ([LATENTS, LATENTS], None, "umap takes one run"),
        ([LATENTS], "step", "umap has no use for a center"),
        ([np.ones((3, 5, 2))], None, "needs 4 points or more that differ, got 1"),
    ],
)
def test_what_is_refused(runs, center, message):
    with pytest.raises(OptionError, match=message):
        as_transform("umap").fit([Run.from_arrays(run) for run in runs], center)
