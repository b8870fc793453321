"""The places of a page's points, packed into its bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..film.clouds import FilmClouds
from ..packing.arrays import ArrayTable
from ..packing.places import Packed, pack_places
from .clock import Span, paced
from .rows import reader, step_name

# Places are packed more closely than they need be, where that takes few bytes; not of large runs.
FINE_PX, MOST_PX = 0.125, 0.5
FINE_VALUES = 1 << 26

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Packing:
    """What became of a row's places."""

    shape: tuple[int, int, int]  # T, N, k, as they are in the page
    error_px: float
    way: str
    n_bytes: int
    n_left_out: int  # recorded steps that are not there


def with_places(
    plain: Sequence[dict[str, Any]],
    rows: Sequence[FilmClouds],
    scales: Sequence[NDArray[np.float64]],
    spans: Sequence[Span],
    table: ArrayTable,
    budget: int,
    progress: Progress | None,
    *,
    appendable: bool = False,
) -> tuple[tuple[Packing, ...], list[Span]]:
    """Put the places of each row into its plain values; the rows of a run hold the same steps.

    Args:
        plain: The rows' plain values, which get their places.
        rows: The rows.
        scales: For each row the pixels for a unit of each component, (k,).
        spans: The steps of each run that the page may hold.
        table: Where arrays go.
        budget: So many bytes may the places of a row have.
        progress: Called with how many steps are done, and of all.
        appendable: Whether steps will be added later.

    Returns:
        What became of each row, and the steps of each run that are held.

    Raises:
        OptionError: Not even two steps fit, or points are not finite.
        ArchiveError: A run is damaged.
    """
    packing: dict[int, Packing] = {}
    held = []
    told = _Told(progress, sum(len(span.kept) for span in spans))
    for span in spans:
        mine = [k for k, row in enumerate(rows) if row.plan is span.plan]
        pack = partial(_pack, budget=budget, appendable=appendable, told=told.part(len(span.kept)))
        kept = span.kept
        if len(mine) == 1:
            found = {mine[0]: pack(rows[mine[0]], scales[mine[0]], kept, table)}
            kept = _kept(kept, found[mine[0]])
        else:
            # The row that has room for the fewest steps decides.
            tried = [pack(rows[k], scales[k], kept, ArrayTable()) for k in mine]
            kept = min((_kept(kept, each) for each in tried), key=len)
            found = {k: pack(rows[k], scales[k], kept, table, fits=True) for k in mine}
        held.append(replace(span, kept=kept))
        for k, packed in found.items():
            plain[k]["places"] = packed.places
            plain[k]["error_px"] = packed.error_px
            packing[k] = Packing(
                (len(kept), rows[k].shown.run.n_points, len(scales[k])),
                packed.error_px,
                packed.way,
                packed.n_bytes,
                held[-1].n_left_out,
            )
    return tuple(packing[k] for k in range(len(rows))), held


def _pack(
    row: FilmClouds,
    scale: NDArray[np.float64],
    steps: NDArray[np.int64],
    table: ArrayTable,
    *,
    budget: int,
    appendable: bool,
    told: Progress | None,
    fits: bool = False,
) -> Packed:
    """Pack a row at some of its steps; all of them, where it is known that they fit."""
    read, name = reader(row), step_name(row)
    shape = len(steps), row.shown.run.n_points, len(scale)
    packed = partial(
        pack_places,
        lambda start, stop: read(steps[start:stop]),
        shape,
        scale,
        table,
        appendable=appendable,
        name_step=lambda index: name(int(steps[index])),
        progress=told,
        max_bytes=None if fits else budget,
    )
    if np.prod(shape) <= FINE_VALUES:
        with suppress(OptionError):  # too large, which is seen once more below
            return packed(most_px=FINE_PX)
    return packed(most_px=MOST_PX, keep=partial(paced, row.plan))


def _kept(indices: NDArray[np.int64], packed: Packed) -> NDArray[np.int64]:
    return indices if packed.kept is None else indices[packed.kept]


class _Told:
    """Tells how many steps of several runs are done, never less than before."""

    def __init__(self, tell: Progress | None, n_steps: int) -> None:
        self._tell, self._n_steps = tell, n_steps
        self._before = self._most = 0

    def part(self, n_steps: int) -> Progress | None:
        """What to call with how much is done, and of how much, of the next steps."""
        if self._tell is None:
            return None
        tell, before = self._tell, self._before
        self._before += n_steps

        def told(done: int, of: int) -> None:
            steps = before + done * n_steps // of
            if steps > self._most:
                self._most = steps
                tell(steps, self._n_steps)

        return told
