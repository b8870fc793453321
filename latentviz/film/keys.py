"""The keys of a film: what the colors of its points mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import ClassVar

from ..raster.keys import key_height
from ..raster.layout import Layout, has_room_for_charts, page_scale
from ..raster.squares import KeyHeight
from ..scene import Categories, Cell, KeyPanel, Panel, Ramp, Still
from .clouds import FilmClouds
from .panels import Plan


class FilmKeys:
    """A key for each row of clouds; one for all where they are the same; none of colors."""

    kind: ClassVar[type[Panel]] = KeyPanel

    def __init__(self, plan: Plan, rows: Sequence[FilmClouds]) -> None:
        self._plan, self._rows = plan, rows

    @cached_property
    def by_row(self) -> tuple[Categories | Ramp | None, ...]:
        """One for each row; a single one for all; or none, where nobody could read them."""
        keys = [row.coloring.key for row in self._rows]
        if not has_room_for_charts(self._plan.spec.size) or not any(keys):
            return ()
        return (keys[0],) if all(key == keys[0] for key in keys) else tuple(keys)

    @property
    def heights(self) -> tuple[KeyHeight | None, ...]:
        """How high each is, for `page_layout`."""
        scale = page_scale(self._plan.spec.size)
        return tuple(
            None if key is None else partial(key_height, key, scale=scale) for key in self.by_row
        )

    def __len__(self) -> int:
        return sum(key is not None for key in self.by_row)

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[KeyPanel, ...]:
        """A panel for each key."""
        return tuple(map(KeyPanel, cells, [key for key in self.by_row if key is not None]))

    def parts(self, index: int) -> tuple[Still, ...]:
        """Nothing moves."""
        return (Still(),) * len(self)
