"""What a frame shows, as plain values in data units: no pixels, no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .projection import Projection


@dataclass(frozen=True)
class Curve:
    """A quantity over the steps."""

    name: str
    values: NDArray[np.float64]  # (T,), NaN before its first value and where it is broken
    keyed: NDArray[np.int64]  # indices of the steps at which it is keyed
    color: str  # #rrggbb
    # Indices of the steps at which it is NaN or infinite, and was not without a value.
    broken: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    raw: NDArray[np.float64] | None = None  # (T,) of which `values` are the smoothed ones
    # Indices of the few steps at which it was measured: `values` is a line from one to the next.
    measured: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    final: float | None = None  # after the last update, where that was measured


@dataclass(frozen=True)
class CurvePanel:
    """Curves over the same steps, in one pair of axes."""

    steps: NDArray[np.int64]  # (T,)
    curves: tuple[Curve, ...]
    log: bool
    label: str
    note: str = ""  # follows the label where there is room
    quantity: str = "value"
    brief_note: str = ""  # follows the label elsewhere
    close_up: bool = False  # a linear axis shows 0 to 1, or leaves zero out, as curves need it


@dataclass(frozen=True)
class Stage:
    """What all frames of a film share."""

    projections: tuple[Projection, ...]
    colors: NDArray[np.float32]  # (N, 3) RGB in 0..1, one a point
    order: NDArray[np.int64]  # (N,) the points' numbers, the lowest first
    limits: float  # a projection shows -limits..limits, up and down
    dot_radius: float  # in data units
    panels: tuple[CurvePanel, ...]
    last_step: int  # the greatest step number, for which the heading makes room


@dataclass(frozen=True)
class Scene:
    """What one frame shows.

    Each point is drawn once a sub-step, with ``alpha``. A later sub-step covers the earlier ones
    of its point, a point that is later in the stage's order covers the earlier ones whole, an
    earlier projection covers the later ones, and unit discs lie under all dots.
    """

    positions: NDArray[np.float32]  # (P, N, n, 2): projection, point, sub-step, right and up
    alpha: float
    step: int  # the last one shown
    words: str  # what the step is, or what is shown of it
    number: int | None  # what stands after the words
    speed: int | None  # in steps a frame; None if it says nothing
    n_left_out: int = 0  # points that are not finite at some sub-step, where they are NaN


def same_scale(curves: Sequence[Curve], ratio: float) -> list[list[Curve]]:
    """Groups of curves whose greatest magnitudes are within ``ratio`` of each other.

    The groups are in order of falling magnitude, the curves of one in the order given.
    """

    def peak(curve: Curve) -> float:
        finite = curve.values[np.isfinite(curve.values)]
        return float(np.abs(finite).max(initial=0.0))

    groups: list[list[Curve]] = []
    top = np.inf
    for curve in sorted(curves, key=peak, reverse=True):
        if not groups or peak(curve) * ratio < top:
            groups.append([])
            top = peak(curve)
        groups[-1].append(curve)
    order = {curve.name: i for i, curve in enumerate(curves)}
    return [sorted(group, key=lambda curve: order[curve.name]) for group in groups]
