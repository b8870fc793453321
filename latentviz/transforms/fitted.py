"""What a transform has learned from runs: how their points are placed, and what to call that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from ..projection import Pairs
from ..runs.blocks import Projecting


@dataclass(frozen=True)
class Component:
    """One of the k dimensions that a transform gives."""

    name: str
    """Such as ``PC1``."""
    share: float | None = None
    """Of the variance, 0..1; None where the transform has no such notion."""


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

    def title(self, right: int, up: int) -> str:
        """What stands above a picture of two of its components."""

    def take(self, dims: tuple[int, ...]) -> Self:
        """The same for these components alone, in this order: no more is computed."""
