import numpy as np
import pytest

from latentviz import OptionError, Run
from latentviz.runs.run import source_of
from latentviz.transforms import Axes, transform_from_dict

LATENTS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_axes_are_the_latents_own_dimensions():
    run = Run.from_arrays(LATENTS)
    fitted = Axes((3, 0)).fit(source_of(run))
    found = source_of(run, fitted).positions(np.array([1, 0]))
    np.testing.assert_array_equal(found, LATENTS[[1, 0]][:, :, [3, 0]], strict=True)


def test_a_transform_is_read_back_from_plain_values():
    axes = Axes((3, 0))
    assert transform_from_dict({"name": axes.name, **axes.to_dict()}) == axes


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "axis", "dims": [0]}, "transform must be one of axes, got 'axis'"),
        ({"dims": [0]}, "transform must be one of axes, got None"),
        *(
            ({"name": "axes", **options}, "axes must be given as dims")
            for options in ({}, {"dims": []}, {"dims": [-1]}, {"dims": [True]}, {"dims": "01"})
        ),
        ({"name": "axes", "dims": [0], "center": True}, "axes must be given as dims"),
    ],
)
def test_what_is_no_transform(values, message):
    with pytest.raises(OptionError, match=message):
        transform_from_dict(values)
