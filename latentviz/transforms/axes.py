"""Some of the latents' own dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..runs.blocks import Source


@dataclass(frozen=True)
class Axes:
    """The latents' dimensions of these numbers, in this order, as they are."""

    name: ClassVar[str] = "axes"

    dims: tuple[int, ...]

    def fit(self, source: Source) -> Axes:
        """Itself: there is nothing to be learned from a run."""
        return self

    def __call__(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, N, D) to (n, N, k), a copy."""
        return np.take(latents, self.dims, axis=2)

    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` reads, in plain values."""
        return {"dims": list(self.dims)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Axes:
        """What `to_dict` gave.

        Raises:
            OptionError: The dimensions are no whole numbers of 0 or more, or there are none.
        """
        dims = values.get("dims")
        if (
            values.keys() != {"dims"}
            or not isinstance(dims, Sequence)
            or not dims
            or not all(type(dim) is int and dim >= 0 for dim in dims)
        ):
            raise OptionError(f"axes must be given as dims, such as [1, 0], got {dict(values)}")
        return cls(tuple(dims))
