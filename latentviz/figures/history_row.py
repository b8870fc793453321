"""States of a run that a history draws alike: where they lie, in limits that fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..raster.fitting import DOT_SHARE
from ..raster.lettering import Sprite
from ..raster.marks import edge_marks
from ..reach import MOST_POINTS, RUNAWAY, Fit, framed_fit, reach_of
from ..scene import Box, Cell, Cloud, CloudPanel, Coloring
from ..text import counted
from ..theme import Theme, rgb_bytes
from ..views import FADED_SHARE, UNIT_RADIUS, default_alpha, default_radius_px
from .marked import Marked
from .moment import finite_points

LEAST_LIMITS = 1.1  # of colors: the unit disc, which is their scale, is seen whole
MARK_PX = 14.0
MARK_SHARE = 1 / 14  # of a projection's side, at most


@dataclass(frozen=True, eq=False)
class Look:
    """How points are drawn, whatever their states."""

    of_colors: bool
    coloring: Coloring
    order: NDArray[np.int64]
    plate: bool
    marked: Marked

    def dot_share(self, side_px: float) -> float:
        """A dot's radius as a share of the limits, in a square of this side."""
        if self.of_colors:
            return DOT_SHARE
        return 2 * default_radius_px(len(self.coloring.rgb), side_px) / side_px


@dataclass(frozen=True, eq=False)
class Row:
    """States that are drawn in squares of the same size. Made by `row_of`."""

    states: NDArray[np.float32]
    """(S, N, d), NaN where a point is not finite."""
    planes: NDArray[np.int64]
    """(P, 2) which of the d each projection shows, right and up."""
    fits: tuple[Fit, ...]
    """The part of the plane that each projection shows, P."""
    look: Look
    dot_share: float

    @property
    def limits(self) -> float:
        """The widest."""
        return max(fit.limits for fit in self.fits)

    @property
    def n_left_out(self) -> int:
        """How many points are not finite, in all states."""
        return int((~finite_points(self.states)).sum())

    @property
    def n_beyond(self) -> int:
        """How many points lie beyond the limits of a projection, in all states."""
        found = [self.beyond(p) for p in range(len(self.planes))]
        return int(np.any(found, axis=0).sum())

    def beyond(self, plane: int) -> NDArray[np.bool_]:
        """(S, N) the points that lie beyond a projection's limits."""
        center, limits = self.fits[plane]
        away = np.abs(self.states[..., self.planes[plane]] - np.array(center, np.float32))
        return np.asarray((away > limits).any(-1))

    def words(self, plane: int) -> str:
        """A projection's limits, such as ``±1.4`` or ``±1.4 around (0.3, -2)``."""
        (x, y), limits = self.fits[plane]
        if self.look.of_colors:
            return f"±{limits:g}"
        return f"±{limits:.3g}" + ("" if x == y == 0 else f" around ({x:.3g}, {y:.3g})")

    @property
    def notes(self) -> str:
        """How many points lie beyond, and how many are not finite, after commas."""
        what = "point" if len(self.states) == 1 else "dot"  # the same point at several steps
        beyond = f", {counted(self.n_beyond, what)} beyond" if self.n_beyond else ""
        left_out = f", {counted(self.n_left_out, what)} not finite" if self.n_left_out else ""
        return beyond + left_out

    def panel(self, plane: int, box: Box, *, large: bool) -> CloudPanel:
        """One of its squares, without its points."""
        fit, framed = self.fits[plane], not self.look.of_colors
        labels = None
        if large:
            labels = self.look.marked.labels(self._inside(0, plane), box)
        return CloudPanel(
            Cell(Box(box.x, box.y, box.width, 0), box),
            title="",
            limits=fit.limits,
            dot_radius=self.dot_share * fit.limits,
            plate_radius=UNIT_RADIUS if self.look.plate else None,
            coloring=self.look.coloring,
            center=fit.center,
            framed=framed,
            numbered=large,
            labels=labels,
            highlighted=self.look.marked.highlighted,
        )

    def cloud(self, state: int, plane: int) -> Cloud:
        """The points of one of its squares."""
        look, n_points = self.look, self.states.shape[1]
        alpha = default_alpha(n_points, of_colors=look.of_colors)
        faded = None if look.marked.highlighted is None else FADED_SHARE * alpha
        xy = self._inside(state, plane)[:, None]
        return Cloud(xy, alpha, look.order, faded_alpha=faded)

    def marks(self, state: int, plane: int, box: Box, k: float, theme: Theme) -> list[Sprite]:
        """Marks outside of a square without a frame, where points lie beyond.

        A frame has its own, within.
        """
        if not self.look.of_colors:
            return []
        limits = self.fits[plane].limits
        return edge_marks(
            self._at(state, plane),
            reach=(limits, limits),
            center=(box.x + box.width / 2, box.y + box.height / 2),
            half_px=(box.width / 2, box.height / 2),
            px_per_unit=box.width / (2 * limits),
            mark_px=min(MARK_PX * k, box.width * MARK_SHARE),
            color=rgb_bytes(theme.text),
            outside=True,
        )

    def _at(self, state: int, plane: int) -> NDArray[np.float32]:
        return np.ascontiguousarray(self.states[state][:, self.planes[plane]])

    def _inside(self, state: int, plane: int) -> NDArray[np.float32]:
        """(N, 2) the places; without a frame, which cuts dots, only of points within the limits."""
        xy = self._at(state, plane)
        if self.look.of_colors:
            xy[self.beyond(plane)[state]] = np.nan
        return xy


def row_of(
    states: NDArray[np.float32],
    planes: NDArray[np.int64],
    look: Look,
    *,
    side_px: float,
    limits: float | None = None,
) -> Row:
    """Find limits that fit some states.

    Points that are colors share the limits of all projections, about the origin. Of others each
    projection has its own, around the middle of the points unless there is a disc.

    Args:
        states: (S, N, d).
        planes: (P, 2) which of the d each projection shows, right and up.
        look: How points are drawn.
        side_px: Of the squares.
        limits: Those that somebody asked for, about the origin.
    """
    whole = finite_points(states)
    states = np.where(whole[:, :, None], states, np.float32(np.nan))
    share = look.dot_share(side_px)
    if limits is None and len(states) and not look.of_colors:
        reach = reach_of((state[None] for state in states), about_origin=False)
        fits = tuple(
            framed_fit(
                reach,
                pair,
                about_origin=look.plate,
                dot_share=share,
                plate_radius=UNIT_RADIUS if look.plate else None,
            )
            for pair in planes.tolist()
        )
    else:
        if limits is None:
            reaches = np.abs(states[whole][:, planes.ravel()]).max(-1)
            limits = fitted_limits(reaches) if len(reaches) else LEAST_LIMITS
        fits = (Fit((0.0, 0.0), limits),) * len(planes)
    return Row(states, planes, fits, look, share)


def fitted_limits(reaches: NDArray[np.floating]) -> float:
    """Limits within which the dots of all points lie, or of nearly all; of two digits.

    Up to 0.5 % of the points may lie beyond, and only if limits that show all would be more than
    twice as large (`reach`, whose rule the films' limits follow).

    Args:
        reaches: (n,) the largest coordinate of each point, whichever way it points, finite.
    """
    reaches = np.sort(reaches.astype(np.float64))
    nearly = math.ceil(MOST_POINTS * len(reaches)) - 1
    whole, most = (_round_up(reach / (1 - DOT_SHARE)) for reach in (reaches[-1], reaches[nearly]))
    return whole if whole <= RUNAWAY * most else most


def _round_up(limits: float) -> float:
    """Limits of two digits, and not below the least."""
    limits = max(limits, LEAST_LIMITS)
    place = 1 - math.floor(math.log10(limits))
    # Not up because of the last bit.
    return float(f"{math.ceil(limits * 10.0**place - 1e-9) / 10.0**place:.2g}")
