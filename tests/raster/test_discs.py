import numpy as np
import pytest

from latentviz.raster.discs import dots, plate, stacked

XY = np.arange(12, dtype=np.float32).reshape(3, 2, 2)  # three points, two sub-steps
RGB = np.eye(3, dtype=np.float32)
ORDER = np.array([1, 0, 2])  # point 2 on top


def dots_of(xy=XY, **options):
    options = {"center": (100, 50), "px_per_unit": 10, "radius_px": 2.5, "alpha": 0.4} | options
    return dots(xy, RGB, ORDER, **options)


def test_dots_are_trails_in_pixels_the_topmost_first():
    drawn = dots_of()
    topmost = [2, 0, 1]
    assert drawn.xs.tolist() == (100 + 10 * XY[topmost, :, 0]).tolist()
    assert drawn.ys.tolist() == (50 - 10 * XY[topmost, :, 1]).tolist()
    assert drawn.colors.tolist() == (255 * RGB[topmost]).tolist()
    assert drawn.counts.tolist() == [2, 2, 2]
    assert drawn.radii[drawn.kinds].tolist() == [2.5] * 3
    assert drawn.alphas[drawn.kinds] == pytest.approx([0.4] * 3)


@pytest.mark.parametrize("nowhere", [(np.nan, 0), (0, np.nan), (3e38, 0), (9.5, 0), (-9.5, 0)])
def test_what_is_not_there_or_too_far_to_the_side_is_off_every_page(nowhere):
    xy = XY / 12
    xy[0, 1] = nowhere
    drawn = dots_of(xy, farthest_px=90)
    assert abs(drawn.xs[1, 1]) > 1e8
    assert np.isfinite(drawn.ys).all()
    assert np.delete(drawn.xs, 1, 0).tolist() == np.delete(dots_of(XY / 12).xs, 1, 0).tolist()


def test_layers_of_other_lengths_and_kinds_are_stacked_as_they_are():
    layers = [dots_of(), dots_of(XY[:, :1], alpha=0.7), plate((5, 6), 30, (9, 8, 7))]
    drawn = stacked(layers)
    first = 0
    for layer in layers:
        for g in range(len(layer.xs)):
            count = drawn.counts[first + g]
            assert count == layer.counts[g]
            assert drawn.xs[first + g, :count].tolist() == layer.xs[g].tolist()
            assert drawn.ys[first + g, :count].tolist() == layer.ys[g].tolist()
            assert drawn.colors[first + g].tolist() == layer.colors[g].tolist()
            assert drawn.radii[drawn.kinds[first + g]] == layer.radii[layer.kinds[g]]
            assert drawn.alphas[drawn.kinds[first + g]] == layer.alphas[layer.kinds[g]]
        first += len(layer.xs)
    assert first == len(drawn.xs)


def test_nothing_at_all_can_be_stacked():
    assert stacked([]).xs.shape == (0, 1)
