"""What is shown of a run in a film, and what the panels of one kind are to tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ..pacing import Frame
from ..raster.layout import Layout
from ..runs.run import Run
from ..scene import Cell, Panel, Part
from ..theme import Theme
from .spec import FilmSpec


@dataclass(frozen=True, eq=False)
class Plan:
    """What a film shows of a run."""

    run: Run
    spec: FilmSpec
    theme: Theme
    frames: Sequence[Frame]
    first: int  # index of the first recorded step
    stop: int  # index after the last


class FilmPanels(Protocol):
    """All panels of one kind in a film."""

    kind: ClassVar[type[Panel]]

    def __len__(self) -> int:
        """How many there are."""
        ...

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[Panel, ...]:
        """The panels.

        Args:
            cells: Where they stand.
            layout: The whole page's.
        """
        ...

    def parts(self, frame: Frame) -> tuple[Part, ...]:
        """What moves in each of them, in one frame."""
        ...
