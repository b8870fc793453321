"""What is shown of a run in a film, and what the panels of one kind are to tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ..pacing import Frame
from ..raster.layout import Layout
from ..runs.run import Run
from ..scene import Cell, Panel, Part
from ..theme import Role, Theme
from ..views import Clock, Span
from .spec import FilmSpec


@dataclass(frozen=True, eq=False)
class Plan:
    """What a film shows of one of its runs."""

    run: Run
    spec: FilmSpec
    theme: Theme
    clock: Clock
    span: Span
    per_turn: int  # frames in a turn of what turns
    name: str = ""  # of the run, where there are several
    role: Role | None = None  # the color of its curves, where there are several

    @property
    def frames(self) -> Sequence[Frame]:
        """Which recorded steps each frame covers."""
        return self.span.frames

    @property
    def first(self) -> int:
        """Index of the first recorded step."""
        return self.span.first

    @property
    def stop(self) -> int:
        """Index after the last."""
        return self.span.stop


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

    def parts(self, index: int) -> tuple[Part, ...]:
        """What moves in each of them, in the frame of that number."""
        ...
