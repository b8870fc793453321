"""Whether the unit disc stands behind points: where it means something to them."""

from __future__ import annotations

from collections.abc import Callable

from ..transforms import Axes, Fitted

UNIT_RADIUS = 1.0
# It means something to latents in their own dimensions that reach so far.
FILLING, WITHIN = 0.5, 1.5
MOST_DIMS, LARGEST_NORM = 8, 1.1


def has_plate(
    plate: str,
    fitted: Fitted,
    *,
    of_colors: bool,
    farthest: Callable[[], float],
    largest_norm: Callable[[], float],
) -> bool:
    """Whether the unit disc is drawn, and so the origin in the middle.

    Args:
        plate: ``on``, ``off`` or ``auto``.
        fitted: How latents become the points that are shown.
        of_colors: Whether the points are colors.
        farthest: Gives the largest coordinate that is shown; asked for where it decides, as it may
            take a look at the whole run.
        largest_norm: Gives the largest norm of the latents; as above.
    """
    if plate != "auto":
        return plate == "on"
    if not isinstance(fitted, Axes):
        return False
    if of_colors:
        return True
    if not FILLING <= farthest() <= WITHIN:
        return False
    return len(fitted.components) <= MOST_DIMS or largest_norm() <= LARGEST_NORM
