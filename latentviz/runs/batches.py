"""The batches that steps were trained on: of any lengths, end to end in a chunk."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..archive.schema import BATCHES, INPUTS, LABELS, OFFSETS, SHAPES
from ..errors import ArchiveError
from .chunks import Chunks


@dataclass(frozen=True)
class Batch:
    """The batch that a step was trained on."""

    inputs: NDArray[Any] | Any  # (B, ...); or a dictionary of such by name
    labels: Mapping[str, NDArray[Any]]  # each (B, ...)


class _ChunkBatches(NamedTuple):
    """A chunk's batches, end to end."""

    offsets: NDArray[np.int64]  # (K + 1,), where each begins
    parts: dict[str, NDArray[Any]]  # each (ΣB, ...)
    shapes: dict[str, NDArray[np.int64]]  # (K, dimensions less one), of parts that are padded


class Batches:
    """A run's batches; the last chunk's are kept."""

    def __init__(self, chunks: Chunks) -> None:
        """Read nothing yet."""
        self._chunks = chunks
        self._lock = threading.Lock()
        self._last: tuple[int, _ChunkBatches] | None = None

    def read(self, index: int) -> Batch:
        """The batch that a recorded step was trained on.

        Raises:
            ArchiveError: It has no batch, or it is malformed.
        """
        c, k = self._chunks.locate(index)
        if not self._chunks.has(BATCHES, c, OFFSETS):
            step = self._chunks.steps[index]
            raise ArchiveError(f"{self._chunks.reader.path}: step {step} has no batch")
        offsets, parts, shapes = self._chunk(c)
        start, stop = offsets[k : k + 2]
        rows = {name: part[start:stop] for name, part in parts.items()}
        for name, lengths in shapes.items():
            rows[name] = rows[name][(slice(None), *map(slice, lengths[k]))]
        inputs = rows[INPUTS] if INPUTS in rows else _under(INPUTS, rows)
        return Batch(inputs, _under(LABELS, rows))

    @property
    def labels(self) -> list[str]:
        """The labels' names, whichever chunks hold them."""
        names = self._chunks.names[BATCHES]
        return list(_under(LABELS, dict.fromkeys(names)))

    def _chunk(self, c: int) -> _ChunkBatches:
        with self._lock:
            if self._last is None or self._last[0] != c:
                self._last = (c, self._read(c))
            return self._last[1]

    def _read(self, c: int) -> _ChunkBatches:
        chunks = self._chunks
        offsets: NDArray[Any] = chunks.read(BATCHES, c, OFFSETS)
        # ``inputs`` or ``inputs/NAME``, ``labels/NAME``, and ``shapes/`` of these.
        names = [name for name in chunks.names[BATCHES] if name != OFFSETS]
        members: dict[str, NDArray[Any]]
        members = {n: chunks.read(BATCHES, c, n) for n in names if chunks.has(BATCHES, c, n)}
        shapes = _under(SHAPES, members)
        parts = {n: array for n, array in members.items() if not n.startswith(f"{SHAPES}/")}
        rows = chunks.rows(c)
        expected = rows.stop - rows.start + 1
        if (
            (INPUTS in parts) == bool(_under(INPUTS, parts))
            or offsets.shape != (expected,)
            or offsets.dtype != np.int64
            or offsets[0] != 0
            or (offsets[1:] < offsets[:-1]).any()
            or {len(part) for part in parts.values()} != {int(offsets[-1])}
            or not shapes.keys() <= parts.keys()
            or any(
                lengths.shape != (expected - 1, parts[name].ndim - 1)
                or lengths.dtype != np.int64
                or (lengths < 0).any()
                or (lengths > parts[name].shape[1:]).any()
                for name, lengths in shapes.items()
            )
        ):
            raise ArchiveError(f"{chunks.reader.path}: the batches of chunk {c} are malformed")
        return _ChunkBatches(offsets, parts, shapes)


def _under(prefix: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts whose names begin so, by what follows in them."""
    prefix += "/"
    return {n.removeprefix(prefix): part for n, part in parts.items() if n.startswith(prefix)}
