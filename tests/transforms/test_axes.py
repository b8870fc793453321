import numpy as np

from latentviz import Run
from latentviz.runs.run import source_of
from latentviz.transforms import Axes

LATENTS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_axes_are_the_latents_own_dimensions():
    axes = Axes((0, 1, 2, 3), 4).take((3, 0))
    found = source_of(Run.from_arrays(LATENTS), axes).positions(np.array([1, 0]))
    np.testing.assert_array_equal(found, LATENTS[[1, 0]][:, :, [3, 0]], strict=True)
    assert [component.name for component in axes.components] == ["3", "0"]
    assert axes.title(0, 1) == "[3,0]"
