"""A film's page: draws scenes onto its chrome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scene import Scene, Stage
from ..text import printable
from ..theme import Theme, rgb_bytes
from .chrome import draw_chrome
from .hud import Heading, Sprite, blend_sprite, draw_cursor, title_sprites
from .layout import Layout, page_layout

_DOTS, _PLATE = 0, 1  # kinds of disc
UNIT_RADIUS = 1.0


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
        for sprite in self.heading.sprites(scene.step, scene.stride):
            blend_sprite(canvas, sprite)
        for panel, box in zip(self.stage.panels, self.layout.panels, strict=True):
            first, last = int(panel.steps[0]), int(panel.steps[-1])
            share = (scene.step - first) / max(1, last - first)
            draw_cursor(canvas, box, share, self.theme, self.layout.scale)

    def _trails(
        self, scene: Scene
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float32],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.float32],
    ]:
        """The discs, topmost first: each projection's points from the last, then its unit disc."""
        P, N, n, _ = scene.positions.shape
        xs = np.empty((P, N + 1, n), np.float32)
        ys = np.empty((P, N + 1, n), np.float32)
        scale = np.float32(self.layout.px_per_unit)
        centers = np.array(self.layout.centers, np.float32)
        xs[:, N], ys[:, N] = centers[:, :1], centers[:, 1:]
        with np.errstate(over="ignore"):  # too far off the page for a number is off the page
            np.multiply(scene.positions[:, ::-1, :, 0], scale, out=xs[:, :N])
            np.multiply(scene.positions[:, ::-1, :, 1], -scale, out=ys[:, :N])
            xs[:, :N] += centers[:, 0, None, None]
            ys[:, :N] += centers[:, 1, None, None]
        counts = np.full((P, N + 1), n, np.int32)
        kinds = np.full((P, N + 1), _DOTS, np.int32)
        colors = np.empty((P, N + 1, 3), np.float32)
        counts[:, N], kinds[:, N] = 1, _PLATE
        colors[:, :N] = self.stage.colors[::-1] * np.float32(255)
        colors[:, N] = rgb_bytes(self.theme.disc)
        return (
            xs.reshape(-1, n),
            ys.reshape(-1, n),
            counts.ravel(),
            kinds.ravel(),
            colors.reshape(-1, 3),
        )


def make_page(stage: Stage, *, size: tuple[int, int], theme: Theme, max_stride: int) -> Page:
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
        heading=Heading(layout, theme, last_step=stage.last_step, max_stride=max_stride),
        titles=title_sprites(layout, [printable(p.title) for p in stage.projections], theme),
    )


def interleaved(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) of (3, H, W)."""
    return np.ascontiguousarray(canvas.transpose(1, 2, 0))
