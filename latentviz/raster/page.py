"""A film's page: draws scenes onto its chrome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scene import Scene, Stage
from ..text import counted, printable
from ..theme import Theme, rgb_bytes
from .chrome import draw_chrome
from .hud import Heading, draw_cursor, title_sprites
from .layout import Layout, page_layout
from .lettering import Sprite, blend_sprite
from .marks import edge_marks

_DOTS, _PLATE = 0, 1  # kinds of disc
_OFF_PAGE = np.float32(1e9)
UNIT_RADIUS = 1.0
MARK_PX = 18.0  # on a page of 1080 pixels
LEAST_MARK_PX = 8.0  # on any page


@dataclass(frozen=True)
class Page:
    """All that is needed to draw any frame of a film. Made by `make_page`; drawing is pure."""

    layout: Layout
    stage: Stage
    theme: Theme
    background: NDArray[np.uint8]  # (3, H, W)
    heading: Heading
    titles: list[Sprite]

    def new_canvas(self) -> NDArray[np.uint8]:
        """Room for one frame, (3, H, W) uint8."""
        return np.empty_like(self.background)

    def draw(self, scene: Scene, canvas: NDArray[np.uint8]) -> None:
        """Draw a scene onto a canvas, whatever was on it before."""
        from .discs import composite

        bottom = self.layout.dots_bottom
        # The chrome leaves the rows of the dots blank: the compositor fills them.
        background = np.array(rgb_bytes(self.theme.background), np.uint8)
        canvas[:, bottom:] = self.background[:, bottom:]
        xs, ys, counts, kinds, colors = self._trails(scene)
        px_per_unit = self.layout.px_per_unit
        radii = np.array([self.stage.dot_radius, UNIT_RADIUS], np.float32) * np.float32(px_per_unit)
        alphas = np.array([scene.alpha, 1.0], np.float32)
        composite(
            canvas, background, bottom,
            xs, ys, counts, kinds, colors, radii, alphas,
        )  # fmt: skip
        for sprite in self.titles:
            blend_sprite(canvas, sprite)
        for sprite in self.heading.sprites(scene.words, scene.number, scene.speed):
            blend_sprite(canvas, sprite)
        if scene.n_left_out:
            note = f"{counted(scene.n_left_out, 'point')} not finite"
            for sprite in self.heading.note(note, scene.words, scene.number, scene.speed):
                blend_sprite(canvas, sprite)
        for sprite in self._marks(scene):
            blend_sprite(canvas, sprite)
        for panel, box in zip(self.stage.panels, self.layout.panels, strict=True):
            first, last = int(panel.steps[0]), int(panel.steps[-1])
            share = (scene.step - first) / max(1, last - first)
            draw_cursor(canvas, box, share, self.theme, self.layout.scale)

    def _marks(self, scene: Scene) -> Iterator[Sprite]:
        """Where points of any sub-step lie beyond the edges of their projection."""
        layout = self.layout
        right, up = layout.edges_px
        for cell, center, points in zip(layout.cells, layout.centers, scene.positions, strict=True):
            yield from edge_marks(
                points,
                reach=(right / layout.px_per_unit, up / layout.px_per_unit),
                center=center,
                half_px=(cell.width / 2, cell.height / 2),
                px_per_unit=layout.px_per_unit,
                mark_px=max(LEAST_MARK_PX, MARK_PX * layout.scale),
                color=rgb_bytes(self.theme.text),
            )

    def _trails(
        self, scene: Scene
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float32],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.float32],
    ]:
        """The discs, topmost first: each projection's points from the last, then all unit discs."""
        P, N, n, _ = scene.positions.shape
        dots = P * N
        xs, ys = np.empty((dots + P, n), np.float32), np.empty((dots + P, n), np.float32)
        scale = np.float32(self.layout.px_per_unit)
        centers = np.array(self.layout.centers, np.float32)
        xs[dots:], ys[dots:] = centers[:, :1], centers[:, 1:]
        across, down = xs[:dots].reshape(P, N, n), ys[:dots].reshape(P, N, n)
        topmost = self.stage.order[::-1]
        with np.errstate(over="ignore"):  # too far off the page for a number is off the page
            np.multiply(scene.positions[..., 0][:, topmost], scale, out=across)
            np.multiply(scene.positions[..., 1][:, topmost], -scale, out=down)
            # A dot may run over into the neighbour, but not as far as to pass for one of its own.
            across[np.abs(across) > self.layout.cells[0].width] = _OFF_PAGE
            if scene.n_left_out:
                nowhere = np.isnan(across)
                across[nowhere], down[nowhere] = _OFF_PAGE, 0
            across += centers[:, 0, None, None]
            down += centers[:, 1, None, None]
        counts, kinds = np.full(dots + P, n, np.int32), np.full(dots + P, _DOTS, np.int32)
        counts[dots:], kinds[dots:] = 1, _PLATE
        colors = np.empty((dots + P, 3), np.float32)
        colors[:dots].reshape(P, N, 3)[:] = self.stage.colors[topmost] * np.float32(255)
        colors[dots:] = rgb_bytes(self.theme.disc)
        return xs, ys, counts, kinds, colors


def make_page(stage: Stage, *, size: tuple[int, int], theme: Theme) -> Page:
    """Lay out a film's page and draw what does not change.

    Raises:
        OptionError: The size or the limits are out of range.
    """
    layout = page_layout(
        size,
        n_projections=len(stage.projections),
        limits=stage.limits,
        n_panels=len(stage.panels),
    )
    return Page(
        layout=layout,
        stage=stage,
        theme=theme,
        background=draw_chrome(layout, stage.panels, theme),
        heading=Heading(layout, theme, last_step=stage.last_step),
        titles=title_sprites(layout, [printable(p.title) for p in stage.projections], theme),
    )


def interleaved(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) of (3, H, W)."""
    return np.ascontiguousarray(canvas.transpose(1, 2, 0))
