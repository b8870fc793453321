"""A film's page: draws scenes onto its chrome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..scene import CaptionPanel, CloudPanel, CurvesPanel, KeyPanel, Panel, Scene, Stage
from ..theme import Theme
from .captions import CaptionPainter
from .chrome import chrome_figure, draw_chrome
from .clouds import CloudPainter
from .curves import CurvesPainter
from .discs import Discs, draw_discs, stacked
from .ground import BLACK, WHITE, transparent
from .heading import HeadingPainter
from .keys import KeyPainter
from .layout import dots_bottom, page_scale
from .lettering import Sprite, blend_sprite
from .painter import Painter
from .vector import Vectors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# How each kind of panel is painted.
PAINTERS: dict[type[Panel], type[Painter[Any, Any]]] = {
    CaptionPanel: CaptionPainter,
    CloudPanel: CloudPainter,
    CurvesPanel: CurvesPainter,
    KeyPanel: KeyPainter,
}


# Given the color of a ground, and what draws the chrome on it.
Keeping = Callable[[str, Callable[[], NDArray[np.uint8]]], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Page:
    """All that is needed to draw any frame of a film. Made by `make_page`; drawing is pure."""

    stage: Stage
    theme: Theme
    painters: tuple[Painter[Any, Any], ...]  # one for each panel
    heading: HeadingPainter | None
    background: NDArray[np.uint8]  # (3, H, W)
    bottom: int  # dots without a clip are drawn above this row only
    # The same on white, where the ground is transparent; the background is on black then.
    on_white: NDArray[np.uint8] | None = None

    @cached_property
    def n_names_left_out(self) -> int:
        """Names that would cover others; the most of any panel."""
        clouds = [painter for painter in self.painters if isinstance(painter, CloudPainter)]
        return max((c.names.n_left_out for c in clouds if c.names is not None), default=0)

    def new_canvas(self) -> NDArray[np.uint8]:
        """Room for one frame, (3, H, W) uint8; (4, H, W) where the ground is transparent."""
        n_planes = 3 if self.on_white is None else 4
        return np.empty((n_planes, *self.background.shape[1:]), np.uint8)

    def draw(self, scene: Scene, canvas: NDArray[np.uint8]) -> None:
        """Draw a scene onto a canvas, whatever was on it before."""
        if self.on_white is None:
            canvas[:] = self.background
            self._draw_over(scene, canvas)
            return
        black, white = self.background.copy(), self.on_white.copy()
        self._draw_over(scene, black)
        self._draw_over(scene, white)
        canvas[:] = transparent(black, white)

    def drawn(self, scene: Scene, above: Iterable[Sprite] = ()) -> NDArray[np.uint8]:
        """A canvas of its own with a scene, and more text and marks above it."""
        canvas = self.new_canvas()
        self.draw(scene, canvas)
        for sprite in above:
            blend_sprite(canvas, sprite)
        return canvas

    def _draw_over(self, scene: Scene, canvas: NDArray[np.uint8]) -> None:
        """Draw what moves over what does not."""
        for discs, box in self._discs(scene):
            draw_discs(canvas, discs, box=box)
        for sprites in self._sprites(scene):
            for sprite in sprites:
                blend_sprite(canvas, sprite)

    def figure(self, scene: Scene, *, above: Iterable[Sprite] = ()) -> Figure:
        """A scene as a figure of matplotlib's, for SVG and PDF; made within `plain_style`.

        The same things stand in the same places as `draw` has them.

        Args:
            scene: What to draw.
            above: More text and marks.
        """
        ground = self.theme.background if self.on_white is None else "none"
        figure = chrome_figure(self.stage.size, self.painters, ground)
        vectors = Vectors(figure)
        for discs, box in self._discs(scene):
            vectors.discs(discs, box)
        for sprites in self._sprites(scene):
            vectors.sprites(sprites)
        vectors.sprites(above)
        return figure

    def _discs(self, scene: Scene) -> Iterator[tuple[Discs, tuple[int, int, int, int]]]:
        """What to draw of dots, and within which box; of two, the later lies on top."""
        everywhere: list[Discs] = []
        for painter, part in zip(self.painters, scene.parts, strict=True):
            layers = painter.discs(part)
            if painter.clip is None:
                everywhere += layers
            else:
                yield stacked([*layers, *painter.ground()]), painter.clip
        discs = stacked([*everywhere, self._ground])
        everywhere.clear()  # of thousands of steps in a frame they are tens of MB
        if len(discs.xs):
            yield discs, (0, 0, self.stage.size[0], self.bottom)

    def _sprites(self, scene: Scene) -> Iterator[Iterable[Sprite]]:
        """Text and marks, in order."""
        for painter, part in zip(self.painters, scene.parts, strict=True):
            yield painter.sprites(part)
        if self.heading is not None:
            yield self.heading.sprites(scene.heading)

    @cached_property
    def _ground(self) -> Discs:
        """What lies under the dots of all panels that have no clip: none hides a dot of another."""
        free = [painter for painter in self.painters if painter.clip is None]
        return stacked([layer for painter in free for layer in painter.ground()])


def make_page(
    stage: Stage, theme: Theme, *, has_ground: bool = True, keeping: Keeping | None = None
) -> Page:
    """Draw what does not change in a film.

    Args:
        stage: What there is.
        theme: Its colors.
        has_ground: Whether the theme's ground lies under all; or none does, and frames have alpha.
        keeping: Gives the chrome on a ground, as it was kept, or as it is drawn.
    """

    def chrome(ground: str) -> NDArray[np.uint8]:
        def drawn() -> NDArray[np.uint8]:
            return draw_chrome(stage.size, painters, ground)

        return drawn() if keeping is None else keeping(ground, drawn)

    scale = page_scale(stage.size) if stage.scale is None else stage.scale
    painters = tuple(
        PAINTERS[type(panel)](panel, theme, stage.size, scale) for panel in stage.panels
    )
    return Page(
        stage=stage,
        theme=theme,
        painters=painters,
        heading=None if stage.heading is None else HeadingPainter(stage, stage.heading, theme),
        background=chrome(theme.background if has_ground else BLACK),
        on_white=None if has_ground else chrome(WHITE),
        bottom=dots_bottom(
            stage.size,
            [panel.cell for panel in stage.panels if isinstance(panel, CurvesPanel | CaptionPanel)],
        ),
    )


def interleaved(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) of (3, H, W), or 4 of 4."""
    return np.stack([*canvas], axis=-1)  # a quarter of the time that a transposed copy takes
