"""What a transform has learned from runs: how their points are placed, and what to call that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..projection import Pairs
from ..runs.blocks import Projecting


@dataclass(frozen=True)
class Component:
    """One of the k dimensions that a transform gives."""

    name: str
    """Such as ``PC1``."""
    share: float | None = None
    """Of the variance, 0..1; None where the transform has no such notion."""

    @property
    def title(self) -> str:
        """The name with its share, such as ``PC1 43 %``."""
        if self.share is None:
            return self.name
        percent = 100 * self.share
        # Of the many small ones, one digit tells more than "0 %".
        digits = 0 if percent >= 9.95 or percent == 0 else 1
        return f"{self.name} {percent:.{digits}f} %"


class Fitted(Projecting, Protocol):
    """A transform that is ready for use: (n, N, D) to (n, N, k); hashable."""

    @property
    def components(self) -> tuple[Component, ...]:
        """The k dimensions that it gives."""

    @property
    def default_dims(self) -> Pairs:
        """Which pairs of components are drawn unless somebody says so."""

    @property
    def note(self) -> str:
        """What every frame says of it in its heading; mostly nothing."""

    @property
    def figures(self) -> Mapping[str, Any]:
        """What it was learned from, as plain values that JSON can hold."""

    @property
    def matrix(self) -> NDArray[np.float32] | None:
        """(k, D) where each component is a sum of the D dimensions by these weights, up to a shift.

        None where components are no such sums.
        """

    def title(self, *shown: int) -> str:
        """What stands above a picture of two or three of its components."""

    def take(self, dims: tuple[int, ...]) -> Self:
        """The same for these components alone, in this order: no more is computed."""


def title_of(components: tuple[Component, ...], *shown: int) -> str:
    """The title of two or three components, such as ``PC1 43 % · PC2 21 %``."""
    return " · ".join(components[dim].title for dim in shown)


def first_pairs(n_components: int) -> Pairs:
    """The planes of the first components: (0, 1), (0, 2), (1, 2), as far as there are these."""
    if n_components < 2:
        return ((0, 0),)
    return ((0, 1), (0, 2), (1, 2)) if n_components > 2 else ((0, 1),)
