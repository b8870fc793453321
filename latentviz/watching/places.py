"""A row's points at the steps that were recorded since, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..runs.run import Run
from ..views import Shown

# Farther out nothing is told apart: the difference of two such numbers is still one of 32 bits.
FARTHEST = 1 << 29


@dataclass(frozen=True, eq=False)
class GrownRow:
    """Where points are."""

    units: NDArray[np.int32]
    """(n, N, k) in units of the row's scale."""
    n_held: int
    """How many points are not finite at some of the steps: they stay where they were last."""


class GrowingRow:
    """A row of the page, whose points go on as it began."""

    def __init__(
        self, shown: Shown, scale: NDArray[np.float64], origin: NDArray[np.float64]
    ) -> None:
        """Read where the points are at the last step of the first look.

        Args:
            shown: The row as the page shows it.
            scale: (k,) what 1 is worth in data units.
            origin: (k,) is added to that.

        Raises:
            ArchiveError: The run is damaged.
            ModelError: The model is not known, or cannot be run.
        """
        self._shown, self.scale, self.origin = shown, scale, origin
        self._points = shown.run.points
        last = shown.source.positions(np.array([len(shown.run) - 1]))
        nowhere = np.zeros(last.shape[1:], np.int32)
        self._last, _ = self._in_units(last, nowhere)
        self._last = self._last[-1]

    def of(self, run: Run) -> Shown:
        """The row as the page shows it, of a run of other steps."""
        looked_at = run if self._points is None else run.at_points(self._points)
        return replace(self._shown, run=looked_at)

    def grow(self, run: Run, indices: NDArray[np.int64], *, after: bool) -> GrownRow:
        """Where the points go.

        Args:
            run: The steps that came since, alone.
            indices: (m,) which of these are looked at.
            after: Whether what followed the last update is, too.

        Raises:
            ArchiveError: The run is damaged, or has other points than before.
            ModelError: The model cannot be run.
        """
        self._shown = self.of(run)  # and the run before is let go
        source = self._shown.source
        parts = []
        if len(indices):
            parts.append(source.positions(indices))
        if after:
            parts.append(source.final()[None])
        units, n_held = self._in_units(np.concatenate(parts), self._last)
        self._last = units[-1]
        return GrownRow(units, n_held)

    def _in_units(
        self, positions: NDArray[np.float32], before: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], int]:
        """Positions (n, N, k) as whole numbers, and how many points are held."""
        finite = np.asarray(np.isfinite(positions).all(2))
        places = np.where(finite[..., None], positions, 0).astype(np.float64)
        places -= self.origin
        places /= self.scale
        np.clip(np.rint(places, out=places), -FARTHEST, FARTHEST, out=places)
        units = places.astype(np.int32)
        if finite.all():
            return units, 0
        held = np.flatnonzero(~np.asarray(finite.all(0)))
        for point in held:
            is_finite = finite[:, point]
            last = np.maximum.accumulate(np.where(is_finite, np.arange(len(units)), -1))
            units[:, point] = np.where(
                (last >= 0)[:, None], units[np.maximum(last, 0), point], before[point]
            )
        return units, len(held)
