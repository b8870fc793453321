"""A film's marks: names beside points, points that stand out from the others, and their paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..pacing import Frame
from ..runs.run import Run
from ..scene import Labels, Trails
from ..views import (
    Shown,
    Turntable,
    angle_of,
    as_mask,
    frame_end,
    point_labels,
    selected_points,
)
from .panels import Plan

MOMENTS = 9  # at which names are to cover as little as they can


@dataclass(frozen=True, eq=False)
class FilmMarks:
    """The marks of a row of clouds. Made by `marks_of`."""

    plan: Plan
    shown: Shown
    labeled: NDArray[np.int64]
    """(L,) the numbers of the points that have their names beside them."""
    highlighted: NDArray[np.int64]
    """(M,) the numbers of the points that stand out."""

    @cached_property
    def is_highlighted(self) -> NDArray[np.bool_] | None:
        """(N,) which points stand out; None where none was asked for."""
        n_points = self.shown.run.n_points
        if self.plan.name and self.plan.spec.highlight and not len(self.highlighted):
            return np.zeros(n_points, np.bool_)  # those that stand out are another run's
        return as_mask(self.highlighted, n_points)

    def labels(self, columns: NDArray[np.int64], table: Turntable | None = None) -> Labels | None:
        """The names of a projection.

        Args:
            columns: Where its components stand in the source.
            table: Where it is seen from, if it turns.
        """
        if not len(self.labeled):
            return None
        texts = point_labels(self.labeled, self.shown.run)
        moments = self._moments
        if table is None:
            return Labels(self.labeled, texts, moments[..., columns])
        seen = [
            table.seen(moment.T, angle_of(index, self.plan.per_turn))[0].T
            for index, moment in zip(self._moments_at, moments, strict=True)
        ]
        return Labels(self.labeled, texts, np.stack(seen))

    def trails(
        self, frame: Frame, columns: NDArray[np.int64], table: Turntable | None = None
    ) -> Trails | None:
        """Where the points that stand out have been over the last frames, as they are seen now."""
        if not (self.plan.spec.trail and len(self.highlighted)):
            return None
        first = max(0, frame.index - self.plan.spec.trail)
        paths = self._ends[first : frame.index + 1]
        if table is None:
            shown = paths[..., columns]
        else:
            angle = angle_of(frame.index, self.plan.per_turn)
            shown = table.seen(paths.transpose(2, 0, 1), angle)[0].transpose(1, 2, 0)
        return Trails(self.highlighted, np.ascontiguousarray(shown.transpose(1, 0, 2)))

    @cached_property
    def _moments_at(self) -> list[int]:
        """The numbers of a few frames, evenly spaced, the last one last."""
        n = len(self.plan.frames)
        at = np.unique(np.linspace(0, n - 1, MOMENTS).round().astype(int))
        return [int(k) for k in at]

    @cached_property
    def _moments(self) -> NDArray[np.float32]:
        """All points at the end of these frames, (F, N, d)."""
        frames = self.plan.frames
        return np.stack([frame_end(self.shown.source, frames[k]) for k in self._moments_at])

    @cached_property
    def _ends(self) -> NDArray[np.float32]:
        """The points that stand out at the end of each frame, (F, M, d).

        Read once, in order: each frame would else read again what many before it have read.
        """
        ends = [frame_end(self.shown.source, frame) for frame in self.plan.frames]
        return np.stack([end[self.highlighted] for end in ends])


def marks_of(plans: Sequence[Plan], rows: Sequence[Shown]) -> tuple[FilmMarks, ...]:
    """The marks of each row of clouds, whose plans are given.

    Raises:
        OptionError: A text names a point of no row, or paths are asked for of no points.
    """
    runs = [shown.run for shown in rows]
    spec = plans[0].spec
    labeled = _selected("label", spec.label, runs)
    highlighted = _selected("highlight", spec.highlight, runs)
    if spec.trail and not spec.highlight:
        raise OptionError("trail is of the highlighted points; give highlight too")
    return tuple(FilmMarks(*each) for each in zip(plans, rows, labeled, highlighted, strict=True))


def _selected(what: str, texts: Sequence[str], runs: Sequence[Run]) -> list[NDArray[np.int64]]:
    """The points of each run that some texts name; each text is of one run at least."""
    found: list[list[NDArray[np.int64]]] = [[] for _ in runs]
    for text in texts:
        errors = []
        for run, points in zip(runs, found, strict=True):
            try:
                points.append(selected_points(what, [text], run))
            except OptionError as error:
                errors.append(error)
        if len(errors) == len(runs):
            raise errors[0]
    nothing = np.empty(0, np.int64)
    return [np.unique(np.concatenate([nothing, *points])) for points in found]
