"""What a film works out of a whole run, kept for the next film of that run."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archive.versions import versions
from ..cache import kept
from ..errors import OptionError
from ..reach import Reach, measure_reach
from ..transforms import Axes
from ..views import Shown
from .panels import Plan

SIDES = ("low", "high", "most_low", "most_high")


def kept_reach(plan: Plan, shown: Shown, *, about_origin: bool) -> Reach:
    """How far the points of a row reach, over all that the film shows.

    It is kept where latents are shown as they are: before a transform is fitted, nobody can tell
    what it gives, and to fit it takes longer.
    """

    def measure() -> Reach:
        return measure_reach(shown.source, plan.frames, about_origin=about_origin)

    if not isinstance(shown.fitted, Axes):
        return measure()
    try:
        run = shown.run.reopening
    except OptionError:  # a run or a model that only this process has
        return measure()
    covered = [(f.start, f.stop, f.after, f.between) for f in plan.frames]
    frames = hashlib.sha256(repr(covered).encode())
    rows = [view.layer for view in (shown.view, *shown.beside)]
    key = [
        *(run.digest, run.model, run.points, rows, shown.dims.tolist(), about_origin),
        *(frames.hexdigest(), versions("torch")),
    ]
    found = kept("reach", key, lambda: _arrays(measure()))
    low, high, most_low, most_high = (np.asarray(found[side]) for side in SIDES)
    return Reach(low, high, most_low, most_high, np.asarray(found["left_out"]))


def _arrays(reach: Reach) -> dict[str, NDArray[Any]]:
    return {name: getattr(reach, name) for name in (*SIDES, "left_out")}
