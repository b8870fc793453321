"""A film's page: draws scenes onto its chrome."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scene import CloudPanel, CurvesPanel, Panel, Scene, Stage
from ..theme import Theme, rgb_bytes
from .chrome import draw_chrome
from .clouds import CloudPainter
from .curves import CurvesPainter
from .discs import Discs, draw_discs, stacked
from .heading import HeadingPainter
from .layout import dots_bottom
from .lettering import blend_sprite
from .painter import Painter

# How each kind of panel is painted.
PAINTERS: dict[type[Panel], type[Painter[Any, Any]]] = {
    CloudPanel: CloudPainter,
    CurvesPanel: CurvesPainter,
}


@dataclass(frozen=True, eq=False)
class Page:
    """All that is needed to draw any frame of a film. Made by `make_page`; drawing is pure."""

    stage: Stage
    theme: Theme
    painters: tuple[Painter[Any, Any], ...]  # one for each panel
    heading: HeadingPainter
    background: NDArray[np.uint8]  # (3, H, W)
    bottom: int  # dots are drawn above this row only

    def new_canvas(self) -> NDArray[np.uint8]:
        """Room for one frame, (3, H, W) uint8."""
        return np.empty_like(self.background)

    def draw(self, scene: Scene, canvas: NDArray[np.uint8]) -> None:
        """Draw a scene onto a canvas, whatever was on it before."""
        # The chrome leaves the rows of the dots blank: the compositor fills them.
        canvas[:, self.bottom :] = self.background[:, self.bottom :]
        moving = list(zip(self.painters, scene.parts, strict=True))
        dots = [layer for painter, part in moving for layer in painter.discs(part)]
        discs = stacked([*dots, self._ground])
        draw_discs(canvas, rgb_bytes(self.theme.background), discs, bottom=self.bottom)
        for painter, part in moving:
            for sprite in painter.sprites(part):
                blend_sprite(canvas, sprite)
        for sprite in self.heading.sprites(scene.heading):
            blend_sprite(canvas, sprite)

    @cached_property
    def _ground(self) -> Discs:
        """What lies under the dots of all panels: no panel's hides a dot that runs over."""
        return stacked([layer for painter in self.painters for layer in painter.ground()])


def make_page(stage: Stage, theme: Theme) -> Page:
    """Draw what does not change in a film."""
    painters = tuple(PAINTERS[type(panel)](panel, theme, stage.size) for panel in stage.panels)
    return Page(
        stage=stage,
        theme=theme,
        painters=painters,
        heading=HeadingPainter(stage, theme),
        background=draw_chrome(stage.size, painters, theme),
        bottom=dots_bottom(stage.size, ((type(panel), panel.cell) for panel in stage.panels)),
    )


def interleaved(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) of (3, H, W)."""
    return np.ascontiguousarray(canvas.transpose(1, 2, 0))
