"""Boards of still projections."""

import numpy as np
import pytest

from latentviz.raster.board import Plot, draw_board
from latentviz.theme import rgb_bytes, theme_named

THEME = theme_named("dark")
GROUND, DISC, TEXT = (rgb_bytes(c) for c in (THEME.background, THEME.disc, THEME.text))
RED = np.array([[1.0, 0, 0]], np.float32)


def board(*plots, rgb=RED):
    return draw_board(
        (200, 100), plots, [], rgb=rgb, order=np.arange(len(rgb)), dot_share=0.1, alpha=1.0,
        mark_px=8, theme=THEME,
    )  # fmt: skip


def red(pixels):
    """How much of each pixel, (H, W) in 0..1, is red, on a page that has hardly any of it."""
    return np.clip((pixels[..., 0] - 60.0) / 195, 0, 1)


def plot(x, y, center=(50, 50), limits=1.25):
    return Plot(np.array([[x, y]], np.float32), center, 100, limits)


def test_a_dot_stands_where_it_belongs():
    pixels = board(plot(0.5, 0.25))
    assert pixels.shape == (100, 200, 3)
    assert tuple(pixels[40, 70]) == (255, 0, 0)  # 40 pixels a unit
    assert tuple(pixels[50, 50]) == DISC
    assert tuple(pixels[5, 5]) == GROUND


def test_unit_discs_lie_under_the_dots_of_all_plots():
    # The second plot's dot has run over onto the first one's disc, and the other way round.
    for plots in (
        (plot(-1, 0), plot(-1.25, 0, (120, 50))),
        (plot(1.25, 0), plot(1, 0, (120, 50))),
    ):
        assert red(board(*plots)).sum() == pytest.approx(2 * np.pi * 5**2, rel=0.1)


def test_the_first_plot_s_dots_lie_on_top():
    colors = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    nowhere = [9.0, 9.0]
    first = Plot(np.array([nowhere, [0.5, 0]], np.float32), (50, 50), 100, 1.25)
    second = Plot(np.array([[-0.5, 0], nowhere], np.float32), (90, 50), 100, 1.25)
    assert tuple(board(first, second, rgb=colors)[50, 70]) == (0, 255, 0)


def test_dots_keep_to_their_plot_s_scale():
    large = Plot(np.zeros((1, 2), np.float32), (50, 50), 100, 5.0)
    small = Plot(np.zeros((1, 2), np.float32), (150, 50), 50, 1.25)
    reds = red(board(large, small))
    assert reds[:, :100].sum() == pytest.approx(np.pi * 5**2, rel=0.1)
    assert reds[:, 100:].sum() == pytest.approx(np.pi * 2.5**2, rel=0.1)


@pytest.mark.parametrize(
    ("at", "edge"),
    [((9, 0.5), (133, 38)), ((-9, 0), (67, 50)), ((0, 1.26), (100, 17)), ((-0.5, -9), (88, 83))],
)
def test_a_point_beyond_is_left_out_and_marked_outside_the_edge(at, edge):
    beyond = Plot(np.array([at], np.float32), (100, 50), 60, 1.25)
    assert beyond.beyond.tolist() == [True]
    pixels = board(beyond)
    assert not (pixels == (255, 0, 0)).all(-1).any()
    rows, columns = np.nonzero((pixels == TEXT).all(-1))
    assert (columns.mean(), rows.mean()) == pytest.approx(edge, abs=4)
    assert not plot(1.25, -1.25).beyond.any()
