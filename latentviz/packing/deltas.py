"""Places as differences of whole numbers from step to step: what holds for any motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import MOST_WHOLE, ArrayTable, Coded, code
from .steps import Steps
from .unpacking import errors_px, in_data_units

CHUNK_BYTES = 4 << 20  # inflated: what the page inflates at once
AIM = 0.99  # of the bound: where no error of rounding to float32 is to be added
MOST_TRIES = 12
SAMPLES = 8  # chunks by which the size of all is estimated
SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True)
class Deltas:
    """Whole numbers in chunks of consecutive steps."""

    shape: tuple[int, int, int]
    chunks: tuple[Coded, ...]
    scale: NDArray[np.float64]
    """(k,) what 1 is worth in data units."""

    error_px: float

    @property
    def n_bytes(self) -> int:
        """How many the arrays take."""
        return sum(len(coded.data) for coded in (*self.chunks, *self._units))

    @property
    def _units(self) -> tuple[Coded, Coded]:
        """Scale and origin."""
        return code(self.scale), code(np.zeros_like(self.scale))

    def put(self, table: ArrayTable) -> dict[str, Any]:
        """``DeltaPlaces`` of the page's document; the arrays go into its table."""
        scale, origin = self._units
        return {
            "way": "deltas",
            "shape": list(self.shape),
            "chunks": [table.put(chunk) for chunk in self.chunks],
            "scale": table.put(scale),
            "origin": table.put(origin),
        }


def pack_deltas(
    steps: Steps, most_px: float, most_bytes: float, told: Callable[[int], None]
) -> Deltas | None:
    """The steps as differences, or None if they take more than ``most_bytes``.

    Args:
        steps: Their places are finite.
        most_px: The largest error, as of `pack_places`.
        most_bytes: The chunks' together.
        told: Called with the number of steps that are done.
    """
    scale = largest_scale(steps, most_px)
    for _ in range(MOST_TRIES):
        chunks: list[Coded] = []
        n_bytes, error = 0, 0.0
        for start, places in steps.blocks(chunk_length(steps)):
            numbers = quantised(places, scale)
            decoded = in_data_units(numbers, scale, np.zeros_like(scale))
            error = max(error, float(errors_px(decoded, places, steps.px).max()))
            if error > most_px:
                break
            chunks.append(code_chunk(numbers))
            n_bytes += len(chunks[-1].data)
            if n_bytes > most_bytes:
                return None
            told(start + len(places))
        else:
            return Deltas(steps.shape, tuple(chunks), scale, error)
        # Far from the origin the page's float32 are so coarse that they take a part of the bound.
        scale = scale / 2
    raise AssertionError("numbers finer than float32 give the places themselves")


def largest_scale(steps: Steps, most_px: float) -> NDArray[np.float64]:
    """What 1 may be worth in data units; (k,).

    Half of it is the largest error of a component, and in all k of them at once it is the bound.
    """
    k = steps.shape[2]
    scale: NDArray[np.float64] = 2 * AIM * most_px / np.sqrt(k) / steps.px
    return scale


def chunk_length(steps: Steps) -> int:
    """How many steps a chunk has."""
    return max(1, CHUNK_BYTES // (4 * steps.width))


def quantised(places: NDArray[np.float32], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places (n, N, k) as whole numbers (n, N*k)."""
    rows = places.reshape(len(places), -1)
    numbers = rows / np.tile(scale, places.shape[1])
    return np.rint(numbers, out=numbers)


def code_chunk(numbers: NDArray[np.float64]) -> Coded:
    """Whole numbers (n, N*k) of consecutive steps, in the smallest type that is exact."""
    largest = np.abs(numbers).max()
    if largest < 2**31:
        return code(numbers.astype(np.int32), delta=True)
    return code(numbers, delta=bool(largest < MOST_WHOLE))


def estimated_bytes(steps: Steps, most_px: float) -> float:
    """About how many bytes `pack_deltas` would need, by a few of the steps."""
    T = steps.shape[0]
    scale = largest_scale(steps, most_px)
    n = min(T, max(2, SAMPLE_BYTES // (4 * steps.width)))
    starts = np.unique(np.linspace(0, T - n, min(SAMPLES, T // n)).astype(int)).tolist()
    first_bytes, further_bytes = 0, 0
    for start in starts:
        numbers = quantised(steps.read(start, start + n), scale)
        first = len(code_chunk(numbers[:1]).data)
        first_bytes += first
        further_bytes += max(0, len(code_chunk(numbers).data) - first)
    per_first = first_bytes / len(starts)
    per_further = further_bytes / len(starts) / max(1, n - 1)
    n_chunks = -(-T // chunk_length(steps))
    return n_chunks * per_first + (T - n_chunks) * per_further
