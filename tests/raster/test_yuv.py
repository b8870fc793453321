import numpy as np
import pytest

from latentviz.raster.yuv import yuv420_from_rgb


def planes(rgb):
    """Y, U and V of (3, H, W)."""
    _, height, width = rgb.shape
    out = np.full(height * width * 3 // 2, 99, np.uint8)
    yuv420_from_rgb(rgb, out)
    y, u, v = np.split(out, [height * width, height * width * 5 // 4])
    half = (height // 2, width // 2)
    return y.reshape(height, width), u.reshape(half), v.reshape(half)


def bt709(rgb):
    """The same by BT.709's definition, limited range, exactly."""
    r, g, b = rgb.astype(np.float64) / 255
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    blue, red = (b - luma) / 1.8556, (r - luma) / 1.5748

    def halved(plane):
        return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4

    return 16 + 219 * luma, 128 + 224 * halved(blue), 128 + 224 * halved(red)


def flat(*rgb):
    return np.broadcast_to(np.array(rgb, np.uint8)[:, None, None], (3, 2, 2)).copy()


@pytest.mark.parametrize("shape", [(2, 2), (6, 10), (38, 64), (2, 130)])
def test_is_bt709(shape):
    rgb = np.random.default_rng(1).integers(0, 256, (3, *shape), dtype=np.uint8)
    for plane, expected in zip(planes(rgb), bt709(rgb), strict=True):
        assert plane.shape == expected.shape
        assert np.abs(plane - expected).max() <= 0.6


@pytest.mark.parametrize("red", [0, 85, 170, 255])
def test_is_bt709_at_the_corners_of_the_cube(red):
    levels = np.linspace(0, 255, 16).astype(np.uint8)
    rgb = np.stack(np.meshgrid([red], levels, levels, indexing="ij"))[:, 0]
    rgb = rgb.repeat(2, axis=1).repeat(2, axis=2).astype(np.uint8)
    for plane, expected in zip(planes(rgb), bt709(rgb), strict=True):
        assert np.abs(plane - expected).max() <= 0.6


def test_greys_have_no_chroma():
    greys = np.arange(256, dtype=np.uint8)
    rgb = np.broadcast_to(greys, (3, 2, 256)).copy()
    _, u, v = planes(rgb)
    assert (u == 128).all()
    assert (v == 128).all()


def test_levels():
    assert planes(flat(0, 0, 0))[0].tolist() == [[16, 16]] * 2
    assert planes(flat(255, 255, 255))[0].tolist() == [[235, 235]] * 2
    assert planes(flat(0, 0, 255))[1].item() == 240
    assert planes(flat(255, 0, 0))[2].item() == 240
    assert planes(flat(255, 255, 0))[1].item() == 16
    assert planes(flat(0, 255, 255))[2].item() == 16
