"""A recorded run's states: every tensor of the model, before each step's update."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archive.schema import STATES, final_member
from ..errors import ArchiveError
from .chunks import Chunks

KEPT_CHUNKS = 2  # a block may straddle two

State = dict[str, NDArray[Any]]


class States:
    """A run's states; those of the last chunks are kept."""

    def __init__(self, chunks: Chunks, bfloat16: Collection[str]) -> None:
        """Read nothing yet.

        Args:
            chunks: The archive's.
            bfloat16: The tensors whose bits are stored.
        """
        self.chunks, self._bfloat16 = chunks, frozenset(bfloat16)
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, State] = OrderedDict()
        self._forms: dict[str, tuple[tuple[int, ...], str]] = {}

    def form(self, name: str) -> tuple[tuple[int, ...], str]:
        """A tensor's shape at each step, and its dtype.

        Raises:
            ArchiveError: It is malformed.
        """
        if name not in self._forms:
            kept = self._kept.get(0)
            array = self.tensor(name, 0) if kept is None else kept[name]
            dtype = "bfloat16" if name in self._bfloat16 else str(array.dtype)
            self._forms[name] = array.shape[1:], dtype
        return self._forms[name]

    def tensor(self, name: str, c: int | None) -> NDArray[Any]:
        """One tensor over a chunk's steps, (K, ...), or of None after the last update, (...).

        Nothing is kept, and no other tensor is read.

        Raises:
            ArchiveError: It is malformed.
        """
        if c is None:
            return self._widened(name, self.chunks.reader.read(final_member(STATES, name)))
        return self._widened(name, self.chunks.read(STATES, c, name))

    @property
    def names(self) -> list[str]:
        """Of the tensors; none if states were not recorded."""
        return self.chunks.names[STATES]

    @property
    def has_final(self) -> bool:
        """Whether that after the last update is there: a recording that was cut off has none."""
        return bool(self.names) and final_member(STATES, self.names[0]) in self.chunks.reader

    def read(self, index: int | None) -> State:
        """The state before a recorded step's update; of None, after the last one.

        Raises:
            ArchiveError: There are none, or it is malformed.
        """
        reader = self.chunks.reader
        if not self.names:
            raise ArchiveError(f"{reader.path} was recorded without states")
        if index is None and not self.has_final:
            index = len(self.chunks.steps) - 1
        if index is None:
            return {name: self.tensor(name, None) for name in self.names}
        c, k = self.chunks.locate(index)
        return {name: array[k] for name, array in self.chunk(c).items()}

    def block(self, start: int, stop: int) -> State:
        """Each tensor over the recorded steps start..stop, (stop - start, ...)."""
        spans = self.chunks.spans(start, stop)
        held = [(self.chunk(c), rows) for c, rows in spans]
        return {
            name: np.concatenate([state[name][rows] for state, rows in held]) for name in self.names
        }

    def chunk(self, c: int) -> State:
        """Each tensor over a chunk's steps, (K, ...)."""
        with self._lock:
            if c not in self._kept:
                self._kept[c] = {name: self.tensor(name, c) for name in self.names}
                if len(self._kept) > KEPT_CHUNKS:
                    self._kept.popitem(last=False)
            return self._kept[c]

    def _widened(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        """A tensor of the state; bfloat16, stored as the uint16 of its bits, as float32."""
        if name not in self._bfloat16:
            return array
        if array.dtype != np.uint16:
            raise ArchiveError(
                f"{self.chunks.reader.path}: tensor {name!r} is said to be bfloat16, which is "
                f"stored as uint16, got {array.dtype}"
            )
        # The upper half of a float32's bits.
        return (array.astype(np.uint32) << 16).view(np.float32)
