"""Points as a transform gives them: block by block of steps, some of which are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .source import Store

# All that a run's points are is kept if it is no more than this: a film looks at it for its limits,
# then draws it. Of more, a few blocks: a frame may straddle two.
KEPT_RUN_BYTES = 96 << 20
KEPT_BYTES = 8 << 20
KEPT_BLOCKS = 2

Latents = NDArray[np.float32]  # (n, N, D)


class Projecting(Protocol):
    """How latents become the points that are kept; hashable."""

    def __call__(self, latents: Latents, indices: NDArray[np.int64], /) -> Latents:
        """The points of some steps, each step by itself.

        Args:
            latents: (n, N, D), which are left as they are.
            indices: (n,) which of the recorded steps they are of; T for what followed the last
                update.

        Returns:
            (n, N, k) float32.
        """


@dataclass(frozen=True)
class Then:
    """Two of them, one after the other."""

    first: Projecting
    second: Projecting

    def __call__(self, latents: Latents, indices: NDArray[np.int64], /) -> Latents:
        """See `Projecting`."""
        return self.second(self.first(latents, indices), indices)


class View(NamedTuple):
    """A layer's points, as a transform gives them."""

    layer: str
    projecting: Projecting | None  # None leaves them as they are


@dataclass(frozen=True)
class Source:
    """A run's points in one view, at any of its steps; blocks of them are kept, transformed.

    Sources that are made together read their layers from one forward pass.
    """

    blocks: Blocks
    view: View
    together: tuple[View, ...]

    def positions(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Where the points are at recorded steps, one or more.

        Args:
            indices: (n,) which of the recorded steps, in any order.

        Returns:
            (n, N, k) float32, where the transform gives k dimensions.

        Raises:
            ArchiveError: The run is damaged, or has neither latents nor whole states.
            ModelError: The model is not known, or cannot be run.
        """
        return self.blocks.positions(self, indices)

    def final(self) -> NDArray[np.float32]:
        """Where they are after the last update, (N, k), if that is known (`Run.has_final`).

        Raises:
            ArchiveError: The run is damaged.
            ModelError: The model is not known, or cannot be run.
        """
        return self.blocks.final(self)


class Blocks:
    """A run's blocks of steps: reads them, transforms them, and keeps the latest."""

    def __init__(self, store: Store, n_steps: int) -> None:
        """Read nothing yet.

        Args:
            store: Where the latents are.
            n_steps: T.
        """
        self._store, self._n_steps = store, n_steps
        self._lock = threading.RLock()  # one thread evaluates; the others wait for its blocks
        # By view and number; the last one, of what follows the last update, is None.
        self._kept: OrderedDict[tuple[View, int | None], Latents] = OrderedDict()
        self._n_bytes = 0  # of all that is kept

    def sources(self, views: Sequence[View]) -> tuple[Source, ...]:
        """A source for each view; the layers are read together."""
        return tuple(Source(self, view, tuple(views)) for view in views)

    def positions(self, source: Source, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """See `Source.positions`."""
        with self._lock:
            starts = self._store.starts(source.view.layer)
            numbers = np.searchsorted(starts, indices, side="right") - 1
            order = np.argsort(numbers, kind="stable")
            out: Latents | None = None
            for rows in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
                number = int(numbers[rows[0]])
                values = self._block(source, number)[indices[rows] - starts[number]]
                if out is None:
                    out = np.empty((len(indices), *values.shape[1:]), np.float32)
                out[rows] = values
        assert out is not None  # there is at least one index
        return out

    def final(self, source: Source) -> NDArray[np.float32]:
        """See `Source.final`."""
        with self._lock:
            final: Latents = self._block(source, None)[0]
            return final.copy()

    def _block(self, source: Source, number: int | None) -> Latents:
        """The points of a block of consecutive recorded steps, or after the last update."""
        key = source.view, number
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        others = [v for v in self._companions(source, number) if (v, number) not in self._kept]
        views = dict.fromkeys([*others, source.view])  # this one last: it is needed now
        layers = list(dict.fromkeys(view.layer for view in views))
        if number is None:
            raw = {n: a[None] for n, a in self._store.read_final(layers).items()}
            indices = np.array([self._n_steps])
        else:
            starts = self._store.starts(source.view.layer)
            stop = int(starts[number + 1]) if number + 1 < len(starts) else self._n_steps
            raw = self._store.read(layers, int(starts[number]), stop)
            indices = np.arange(int(starts[number]), stop)
        for view in views:
            latents = raw[view.layer]
            points = latents if view.projecting is None else view.projecting(latents, indices)
            self._kept[view, number] = points
            self._n_bytes += points.nbytes
        block = self._kept[key]
        self._drop(source, number, len(views))
        return block

    def _companions(self, source: Source, number: int | None) -> list[View]:
        """The views that are read with a source's block: those of which it is one, too."""
        own, store = source.view, self._store
        if len(source.together) == 1:
            return [own]
        if number is None:
            return [v for v in source.together if v == own or store.has_final(v.layer)]
        starts = store.starts(own.layer)
        return [v for v in source.together if np.array_equal(store.starts(v.layer), starts)]

    def _drop(self, source: Source, number: int | None, n_read: int) -> None:
        """Forget the blocks that were used the longest ago, if there are too many bytes."""
        now = [self._kept[v, number] for v in source.together if (v, number) in self._kept]
        run_bytes = sum(block[0].nbytes for block in now) * self._n_steps
        most = KEPT_RUN_BYTES if run_bytes <= KEPT_RUN_BYTES else KEPT_BYTES
        while self._n_bytes > most and len(self._kept) > n_read:
            # Those of two blocks are kept even so, unless they are very large.
            are_few = len(self._kept) <= KEPT_BLOCKS * len(source.together)
            if are_few and self._n_bytes <= KEPT_RUN_BYTES:
                break
            self._n_bytes -= self._kept.popitem(last=False)[1].nbytes
