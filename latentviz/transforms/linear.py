"""Transforms that are a matrix: each component is a sum of the D dimensions, less a mean."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..projection import Pairs
from .fitted import Component, first_pairs, title_of

TILE_BYTES = 256 << 10  # of points, less their mean, that are at hand at a time


@dataclass(frozen=True)
class Linear:
    """Points less a mean, along k directions: a `Fitted`. Two of the same numbers are equal."""

    mean: NDArray[np.float32] = field(compare=False)
    """(D,)."""
    matrix: NDArray[np.float32] = field(compare=False)
    """(k, D), a direction a row."""
    components: tuple[Component, ...]
    is_centered: bool = False
    """Whether each step's points are taken from their own mean, too."""
    figures: Mapping[str, Any] = field(default_factory=dict, compare=False)
    digest: str = field(init=False)

    note = ""

    def __post_init__(self) -> None:
        # einsum adds up along D, in memory one after the other, in an order that D alone says.
        object.__setattr__(self, "mean", np.ascontiguousarray(self.mean, np.float32))
        object.__setattr__(self, "matrix", np.ascontiguousarray(self.matrix, np.float32))
        content = hashlib.sha256(self.mean.tobytes())
        content.update(self.matrix.tobytes())
        object.__setattr__(self, "digest", content.hexdigest())

    def __call__(
        self, latents: NDArray[np.float32], indices: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """(n, N, D) to (n, N, k); what is not finite gives a point that is NaN.

        A step's bits depend on nothing but that step: BLAS would not promise that, as it splits
        products as their sizes and its threads suggest.
        """
        n_steps, n_points, n_dims = latents.shape
        placed = np.empty((n_steps, n_points, len(self.matrix)), np.float32)
        n_rows = min(n_points, max(1, TILE_BYTES // (4 * n_dims)))
        room = np.empty((n_rows, n_dims), np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            for step, points in zip(placed, latents, strict=True):
                for at in range(0, n_points, n_rows):
                    tile = points[at : at + n_rows]
                    less = np.subtract(tile, self.mean, out=room[: len(tile)])
                    np.einsum("nd,kd->nk", less, self.matrix, out=step[at : at + n_rows])
                self._finish(step)
        return placed

    def _finish(self, step: NDArray[np.float32]) -> None:
        """Center a step's points (N, k), and have NaN in all of those that are not finite."""
        whole = np.isfinite(step).all(1)
        if self.is_centered and whole.any():
            step -= step[whole].mean(0, dtype=np.float64)
        step[~whole] = np.nan

    @cached_property
    def default_dims(self) -> Pairs:
        """The planes of the first ones."""
        return first_pairs(len(self.components))

    def title(self, *shown: int) -> str:
        """Such as ``PC1 43 % · PC2 21 %``."""
        return title_of(self.components, *shown)

    def take(self, dims: tuple[int, ...]) -> Linear:
        """Some of them."""
        components = tuple(self.components[dim] for dim in dims)
        return replace(self, matrix=self.matrix[list(dims)], components=components)


def pin_signs(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions (k, D) with the entry of largest magnitude of each above 0, the first on ties."""
    largest = np.abs(directions).argmax(1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return directions * np.where(signs == 0, 1.0, signs)[:, None]
