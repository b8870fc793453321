"""The coarsest steps of quantisation that keep a bound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def coarsest(
    error: Callable[[float], float],
    first: float,
    least_px: float,
    aim_px: float,
    tries: int,
    close: float,
) -> tuple[float, float] | None:
    """About the largest step at which the error is at most ``aim_px``, and that error.

    Args:
        error: The error at a step, in pixels. It grows with it, but for some noise.
        first: The step that is tried first.
        least_px: The error at step 0.
        aim_px: The largest error.
        tries: How often `error` may be called.
        close: Which share of ``aim_px`` ends the search.

    Returns:
        None where none was found.
    """
    best = None
    fine, of_fine = 0.0, least_px**2
    coarse, of_coarse = np.inf, np.inf
    aim = ((1 + close) / 2 * aim_px) ** 2  # the middle of what is accepted
    step = first
    for _ in range(tries):
        found = error(step)
        if found <= aim_px:
            best = step, found
            fine, of_fine = best[0], found**2
            if found >= close * aim_px:
                break
        else:
            coarse, of_coarse = step, found**2
        # Squared errors grow about as the squared step does.
        if np.isinf(coarse):
            grown = (aim - least_px**2) / max(of_fine - least_px**2, 1e-3 * aim)
            step = fine * float(np.clip(np.sqrt(max(grown, 0)), 1.05, 4))
        else:
            share = float(np.clip((aim - of_fine) / (of_coarse - of_fine), 0.1, 0.9))
            step = float(np.sqrt(fine**2 + share * (coarse**2 - fine**2)))
    return best
