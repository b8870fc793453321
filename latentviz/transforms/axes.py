"""The latents' own dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..projection import DEFAULT_DIMS, Pairs, within
from .fitted import Component


@dataclass(frozen=True)
class Axes:
    """The latents' dimensions of these numbers, in this order, as they are: a `Fitted`."""

    dims: tuple[int, ...]
    n_dims: int
    """D."""

    note = ""

    def __call__(
        self, latents: NDArray[np.float32], indices: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """(n, N, D) to (n, N, k), a copy."""
        return np.take(latents, self.dims, axis=2)

    @property
    def components(self) -> tuple[Component, ...]:
        """Named by their numbers."""
        return tuple(Component(str(dim)) for dim in self.dims)

    @property
    def default_dims(self) -> Pairs:
        """Those of the published films that there are."""
        return within(DEFAULT_DIMS, len(self.dims))

    @property
    def figures(self) -> Mapping[str, Any]:
        """Nothing was learned."""
        return {}

    @property
    def matrix(self) -> NDArray[np.float32]:
        """A row of zeros and a one for each."""
        rows = np.zeros((len(self.dims), self.n_dims), np.float32)
        rows[np.arange(len(self.dims)), self.dims] = 1
        return rows

    def title(self, *shown: int) -> str:
        """Such as ``[1,0]``."""
        return f"[{','.join(str(self.dims[dim]) for dim in shown)}]"

    def take(self, dims: tuple[int, ...]) -> Axes:
        """Some of them."""
        return Axes(tuple(self.dims[dim] for dim in dims), self.n_dims)
