"""The steps recorded since the last flush, in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..archive import schema as s
from .columns import Column, column_members

if TYPE_CHECKING:
    from .batches import BatchRows
    from .states import AtHand, Slot


# A chunk's memory, by group of members and name within it.
Memory = dict[tuple[str, str], NDArray[Any]]


@dataclass
class View:
    """A tensor's memory as an array that follows its in-place updates, and where it is copied."""

    array: NDArray[Any]  # its own memory, or its mirror's
    buffer: NDArray[Any]  # (rows, ...)


@dataclass
class Chunk:
    """The steps recorded since the last flush, each under its row, 0 to ``count - 1``."""

    first: int  # the number of its first step, if that is not given one
    every: int
    rows: int  # how many it can come to have
    memory: Memory  # an earlier chunk's, and what this one adds
    started: float = field(default_factory=time.monotonic)
    count: int = 0
    step_bytes: int = 0
    views: dict[str, View] = field(default_factory=dict)
    slots: Sequence[tuple[Slot, str]] | None = None  # those of which there are views
    # By name, what a step needs of each view, together: to look it up takes its time.
    at_hand: dict[str, AtHand] = field(default_factory=dict)
    mirrored: dict[str, tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=dict)
    batches: BatchRows | None = None
    latents: dict[str, dict[int, NDArray[Any]]] = field(default_factory=dict)  # by layer and row
    latents_bytes: int = 0
    losses: dict[str, Column] = field(default_factory=dict)
    metrics: dict[str, Column] = field(default_factory=dict)
    params: dict[str, Column] = field(default_factory=dict)
    numbered: dict[int, int] = field(default_factory=dict)  # by row, steps that were given a number

    def buffer(
        self, key: tuple[str, str], rows: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        """Memory for so many rows of something, whose shape and dtype never change, or for more."""
        buffer = self.memory.get(key)
        if buffer is None or len(buffer) < rows:
            buffer = self.memory[key] = np.empty((rows, *shape), dtype)
        return buffer

    @property
    def is_more_than_states(self) -> bool:
        """Whether its bytes are not known beforehand, by its rows."""
        return self.batches is not None or self.latents_bytes > 0

    @property
    def n_bytes(self) -> int:
        """What its steps take."""
        batches = self.batches.n_bytes(self.count) if self.batches is not None else 0
        return self.count * (self.step_bytes + self.latents_bytes) + batches

    def add_latents(self, latents: Mapping[str, NDArray[Any]]) -> None:
        """Add those of the step to come, by layer."""
        for layer, array in latents.items():
            self.latents.setdefault(layer, {})[self.count] = array
        self.latents_bytes = sum(array.nbytes for array in latents.values())

    def steps(self) -> NDArray[np.int64]:
        """(count,) the steps' numbers: as given, and from there on counted."""
        rows = np.arange(self.count, dtype=np.int64)
        begins = np.array([0, *self.numbered], np.int64)
        numbers = np.array([self.first, *self.numbered.values()], np.int64)
        last = np.searchsorted(begins, rows, side="right") - 1
        out: NDArray[np.int64] = numbers[last] + self.every * (rows - begins[last])
        return out

    def arrays(self, number: int) -> Iterator[tuple[str, NDArray[Any]]]:
        """The members' names and arrays, but for the steps, as they are called in that chunk."""
        for name, view in self.views.items():
            yield s.state_member(number, name), view.buffer[: self.count]
        if self.batches is not None:
            for part, array in self.batches.arrays(self.count):
                yield s.batch_member(number, part), array
        for layer, rows in self.latents.items():
            array = np.stack([rows[k] for k in range(self.count)])
            yield s.latents_member(number, layer), array
        for group, columns in (
            (s.LOSSES, self.losses),
            (s.METRICS, self.metrics),
            (s.PARAMS, self.params),
        ):
            yield from column_members(group, number, columns, self.count)
