import numpy as np
import pytest

from latentviz.raster.masks import blend_mask


@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, 2), (-2, -1), (8, 5), (-9, 0), (30, 30)])
def test_a_mask_is_blended_and_clipped(x, y):
    rng = np.random.default_rng(0)
    canvas = rng.integers(0, 256, (3, 8, 12), dtype=np.uint8)
    mask = rng.random((4, 6)).astype(np.float32)
    wide = np.zeros((60, 60))
    wide[20 + y : 24 + y, 20 + x : 26 + x] = mask
    share = wide[20:28, 20:32]
    expected = canvas + share * (np.array([10, 250, 99])[:, None, None] - canvas)
    blend_mask(canvas, mask, x, y, (10, 250, 99))
    assert np.abs(canvas - expected).max() <= 0.51
