"""How large and how opaque dots are, unless somebody says so."""

from __future__ import annotations

import math

COLOR_ALPHA = 0.9
# All dots together cover the same share of a panel, however many they are; few are not huge.
RADIUS_SHARE = 0.28  # of a panel's side, divided by the root of N
MOST_RADIUS_SHARE = 0.025
LEAST_RADIUS_PX = 0.7
# From so many points on dots are the fainter the more there are: where they lie dense, density
# shows.
MANY, FADING, LEAST_ALPHA = 1000, 0.2, 0.3
FADED_SHARE = 0.15  # of the alpha, of points that are not highlighted


def default_radius_px(n_points: int, side_px: float) -> float:
    """A dot's radius in pixels, of N points that are no colors.

    Args:
        n_points: N.
        side_px: The panel's side.
    """
    share = min(MOST_RADIUS_SHARE, RADIUS_SHARE / math.sqrt(max(1, n_points)))
    return max(LEAST_RADIUS_PX, share * side_px)


def default_alpha(n_points: int, *, of_colors: bool) -> float:
    """The opacity of a still dot.

    Args:
        n_points: N.
        of_colors: Whether the points are colors.
    """
    if of_colors or n_points <= MANY:
        return COLOR_ALPHA
    return max(LEAST_ALPHA, COLOR_ALPHA * math.pow(MANY / n_points, FADING))
