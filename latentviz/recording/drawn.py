"""The points that a recording is to be drawn by, if they are not its first layer's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..archive import format as f
from ..errors import OptionError
from ..points import Points, points_shape
from ..text import printable

if TYPE_CHECKING:
    from .states import States


def drawn_points(text: str, layers: Sequence[str], states: States) -> Points | None:
    """The points that a text names; None of the first layer, which are drawn as it is.

    Args:
        text: Such as ``rows:embed.weight``.
        layers: Those that are recorded.
        states: The tensors that are recorded.

    Raises:
        OptionError: It names none, or something that is not recorded or has no points.
    """
    points = Points.parse(text)
    points = Points(points.kind, f.whole_text(points.name))
    if not points.is_layer:
        drawn_shape(points, states)
        return points
    if points.name not in layers:
        recorded = f"layer={list(layers)} is" if layers else "no layer= is"
        raise OptionError(
            f"points={printable(text, 60)!r} names a layer that is not recorded: {recorded} given"
        )
    return None if points.name == layers[0] else points


def drawn_shape(points: Points, states: States) -> tuple[int, int]:
    """How many points a tensor has, N, and how many dimensions, D.

    Raises:
        OptionError: It is not recorded, or none that has points.
    """
    return points_shape(points, states.forms, "the states that are recorded have")
