"""The places of points at all steps as few bytes, with a stated largest error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import ArrayTable
from .deltas import estimated_bytes, pack_deltas
from .steps import Read, Steps, look_through
from .svd import pack_svd
from .thinning import Keep, Way, thinned

MOST_PX = 0.5
CLEARLY_LESS = 0.8  # of what the other way is estimated to take: it is not tried
CLEARLY_MORE = 1.3  # of what there may be, by an estimate: it is not tried
WHOLE = 1000  # progress is told in thousandths


@dataclass(frozen=True)
class Packed:
    """Places as the page's document has them."""

    places: dict[str, Any]
    """``SvdPlaces`` or ``DeltaPlaces``, as plain data."""

    error_px: float
    """The largest error over all packed steps and points, in pixels."""

    n_bytes: int
    """How many bytes the places take in the page."""

    kept: NDArray[np.int64] | None
    """The indices of the steps that are packed, where some were left out; None where none were."""

    @property
    def way(self) -> str:
        """``svd`` or ``deltas``."""
        way: str = self.places["way"]
        return way


def pack_places(
    read: Read,
    shape: tuple[int, int, int],
    px_per_unit: Sequence[float] | NDArray[np.float64],
    table: ArrayTable,
    *,
    most_px: float = MOST_PX,
    max_bytes: int | None = None,
    keep: Keep | None = None,
    appendable: bool = False,
    name_step: Callable[[int], str] = "index {}".format,
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """Pack the places of N points in k components at T steps.

    Of two ways the smaller one is taken: a truncated SVD over time (`svd`), or differences from
    step to step (`deltas`). The error of a point at a step is the Euclidean norm over all its
    components in pixels, so no plane and no turned view shows more of it. It is measured on what
    the page computes, rounding included. The same places give the same bytes.

    Args:
        read: Gives places (n, N, k) float32 in data units of the steps from ``start`` up to, and
            without, ``stop``. Called several times for each step; in order, within a pass.
        shape: T, N and k, each at least 1.
        px_per_unit: (k,) pixels per data unit of each component, in a panel of 760 pixels.
        table: Takes the arrays.
        most_px: The largest error, in pixels.
        max_bytes: How many the places may take; by default any number.
        keep: Gives the steps that are kept where some are left out, for the largest number of
            frames (found to a few in a hundred) that keeps to ``max_bytes``. By default none are.
        appendable: Whether steps are to follow: then it is differences in any case.
        name_step: Has a step's index in words, for an error.
        progress: Called with how much is done, and of how much.

    Raises:
        OptionError: A place is NaN or infinite, or not even two steps keep to ``max_bytes``.
    """
    px = np.asarray(px_per_unit, np.float64)
    if min(shape) < 1 or px.shape != (shape[2],):
        raise ValueError(f"expected T, N and k, and pixels for each of k; got {shape}, {px.shape}")
    if not (np.all((px > 0) & np.isfinite(px)) and most_px > 0):
        raise ValueError(f"pixels are more than 0, got {px} and {most_px}")
    told = _Progress(progress)
    T = shape[0]
    steps = look_through(Steps(read, shape, px), name_step, told.stage(0, 0.15, T))
    most = np.inf if max_bytes is None else max_bytes
    if appendable:
        packed: Way | None = pack_deltas(steps, most_px, most, told.stage(0.15, 0.9, T))
    else:
        packed = _smaller(steps, most_px, most, told)
    kept = None
    if max_bytes is not None and (packed is None or packed.n_bytes > max_bytes):
        kept, packed = thinned(
            steps, most_px, max_bytes, keep, packed, told.further(0.9), appendable=appendable
        )
    assert packed is not None, "without a limit, differences are not too many"
    places = packed.put(table)
    told.share(1.0)
    return Packed(places, packed.error_px, packed.n_bytes, kept)


def _smaller(steps: Steps, most_px: float, most_bytes: float, told: _Progress) -> Way | None:
    """The smaller of both ways, of those that are worth trying; it may be too large.

    None where it is seen that both take more than ``most_bytes``.
    """
    of_deltas = estimated_bytes(steps, most_px)
    svd = pack_svd(steps, most_px, CLEARLY_MORE * of_deltas, told.part(0.15, 0.7))
    if svd is not None and svd.n_bytes < CLEARLY_LESS * of_deltas:
        return svd
    if of_deltas > CLEARLY_MORE * most_bytes:
        return svd
    most_bytes = min(most_bytes, np.inf if svd is None else svd.n_bytes)
    return pack_deltas(steps, most_px, most_bytes, told.stage(0.7, 0.9, steps.shape[0])) or svd


class _Progress:
    """Tells how much is done, never less than before."""

    def __init__(self, tell: Callable[[int, int], None] | None) -> None:
        self._tell = tell
        self._done = -1

    def share(self, share: float) -> None:
        """So much of all is done."""
        done = int(WHOLE * share)
        if self._tell is not None and done > self._done:
            self._done = done
            self._tell(done, WHOLE)

    def part(self, first: float, last: float) -> Callable[[float], None]:
        """What to call with the share that is done of a part of all."""
        return lambda share: self.share(first + share * (last - first))

    def stage(self, first: float, last: float, n: int) -> Callable[[int], None]:
        """What to call with the number that is done of n that are a part of all."""
        return lambda done: self.share(first + done / n * (last - first))

    def further(self, first: float) -> Callable[[], None]:
        """What to call whenever some more is done, of which nobody knows how much there will be."""
        left = [1 - first]

        def tell() -> None:
            left[0] *= 0.75
            self.share(1 - left[0])

        return tell
