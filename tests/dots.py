"""Whether dots are seen on a picture."""

import numpy as np

from latentviz.theme import theme_named
from latentviz.views import coloring, drawing_order

OPACITY = 0.85  # of a dot at least, at the default alpha, in a film of few sub-steps too


def topmost_color(run):
    """The color of the point that covers all others, (3,) in 0..1, in the dark theme."""
    colors = coloring(run.colors, run.n_points, theme_named("dark")).rgb
    return colors[drawing_order(run.colors, run.n_points)[-1]]


def dot_pixels(pixels, color):
    """How many pixels (H, W, 3) show the inside of a dot of a color, whatever lies under it."""
    least = 255 * OPACITY * np.asarray(color)
    most = least + 255 * (1 - OPACITY)
    return int(((pixels >= least - 1) & (pixels <= most + 1)).all(-1).sum())
