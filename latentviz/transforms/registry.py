"""The transforms by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from ..errors import OptionError
from ..runs.blocks import Fitted, Source
from .axes import Axes


class Transform(Protocol):
    """How latents become what is drawn: a frozen dataclass of its options."""

    name: ClassVar[str]

    def fit(self, source: Source) -> Fitted:
        """Learn from a run's latents what is needed, such as directions.

        Args:
            source: The latents as they are.

        Returns:
            A function of (n, N, D) that gives (n, N, k) float32, each step by itself; hashable.
        """

    def to_dict(self) -> dict[str, Any]:
        """The options, in plain values."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Transform:
        """A transform of such options.

        Raises:
            OptionError: They are none.
        """


TRANSFORMS: Mapping[str, type[Transform]] = {Axes.name: Axes}


def transform_from_dict(values: Mapping[str, Any]) -> Transform:
    """A transform from plain values: its ``name``, and what its `to_dict` gave.

    Raises:
        OptionError: There is none of that name, or its options are wrong.
    """
    options = dict(values)
    name = options.pop("name", None)
    if name not in TRANSFORMS:
        raise OptionError(f"transform must be one of {', '.join(TRANSFORMS)}, got {name!r}")
    return TRANSFORMS[name].from_dict(options)
