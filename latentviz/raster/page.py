"""A film's page: draws scenes onto its chrome."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scene import CloudPanel, CurvesPanel, KeyPanel, Panel, Scene, Stage
from ..theme import Theme
from .chrome import draw_chrome
from .clouds import CloudPainter
from .curves import CurvesPainter
from .discs import Discs, draw_discs, stacked
from .heading import HeadingPainter
from .keys import KeyPainter
from .layout import dots_bottom, page_scale
from .lettering import blend_sprite
from .painter import Painter

# How each kind of panel is painted.
PAINTERS: dict[type[Panel], type[Painter[Any, Any]]] = {
    CloudPanel: CloudPainter,
    CurvesPanel: CurvesPainter,
    KeyPanel: KeyPainter,
}


@dataclass(frozen=True, eq=False)
class Page:
    """All that is needed to draw any frame of a film. Made by `make_page`; drawing is pure."""

    stage: Stage
    theme: Theme
    painters: tuple[Painter[Any, Any], ...]  # one for each panel
    heading: HeadingPainter
    background: NDArray[np.uint8]  # (3, H, W)
    bottom: int  # dots without a clip are drawn above this row only

    @cached_property
    def n_names_left_out(self) -> int:
        """Names that would cover others; the most of any panel."""
        clouds = [painter for painter in self.painters if isinstance(painter, CloudPainter)]
        return max((c.names.n_left_out for c in clouds if c.names is not None), default=0)

    def new_canvas(self) -> NDArray[np.uint8]:
        """Room for one frame, (3, H, W) uint8."""
        return np.empty_like(self.background)

    def draw(self, scene: Scene, canvas: NDArray[np.uint8]) -> None:
        """Draw a scene onto a canvas, whatever was on it before."""
        canvas[:] = self.background
        moving = list(zip(self.painters, scene.parts, strict=True))
        everywhere: list[Discs] = []
        for painter, part in moving:
            layers = painter.discs(part)
            if painter.clip is None:
                everywhere += layers
            else:
                draw_discs(canvas, stacked([*layers, *painter.ground()]), box=painter.clip)
        discs = stacked([*everywhere, self._ground])
        if len(discs.xs):
            draw_discs(canvas, discs, box=(0, 0, canvas.shape[2], self.bottom))
        for painter, part in moving:
            for sprite in painter.sprites(part):
                blend_sprite(canvas, sprite)
        for sprite in self.heading.sprites(scene.heading):
            blend_sprite(canvas, sprite)

    @cached_property
    def _ground(self) -> Discs:
        """What lies under the dots of all panels that have no clip: none hides a dot of another."""
        free = [painter for painter in self.painters if painter.clip is None]
        return stacked([layer for painter in free for layer in painter.ground()])


def make_page(stage: Stage, theme: Theme) -> Page:
    """Draw what does not change in a film."""
    scale = page_scale(stage.size) if stage.scale is None else stage.scale
    painters = tuple(
        PAINTERS[type(panel)](panel, theme, stage.size, scale) for panel in stage.panels
    )
    return Page(
        stage=stage,
        theme=theme,
        painters=painters,
        heading=HeadingPainter(stage, theme),
        background=draw_chrome(stage.size, painters, theme),
        bottom=dots_bottom(
            stage.size, [panel.cell for panel in stage.panels if isinstance(panel, CurvesPanel)]
        ),
    )


def interleaved(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) of (3, H, W)."""
    return np.ascontiguousarray(canvas.transpose(1, 2, 0))
