"""A panel of points: its dots, what lies below them, its title, and marks of what lies beyond."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..palette import role_color
from ..scene import Box, Cloud, CloudPanel
from ..theme import rgb_bytes
from .discs import Discs, dots, plate, stacked
from .fonts import covering
from .framing import NUMBER_PX, draw_frame
from .labels import PlacedLabels, placed_labels
from .layout import Window, window_of
from .lettering import Sprite, fitted_text, font, text_sprite
from .marks import edge_marks
from .painter import Painter
from .trails import trail_sprites

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE_PX = 24.0  # sizes on a page of 1080 pixels
LEAST_TITLE_PX = 8.0  # on any page
LEAST_TITLE_SHARE = 0.7  # so much smaller is a title that would be too long
TITLE_SHARE = 0.95  # of its box's width, at most
NAME_SHARE = 0.1  # of the page's width: so much on the left of a row is room for its name
NAME_MARGIN_PX = 24.0  # to either side of it
MARK_PX = 18.0
LEAST_MARK_PX = 8.0
MARK_SHARE = 1 / 14  # of a frame's side, at most
HIGHLIGHTED_PX = 5.0  # radius, at least
TRAIL_PX = 3.0
LEAST_TRAIL_PX = 1.5
OUTLINE_PX = 2.0  # of the unit sphere
HALO_SHARE = 0.15  # of a note's size, around its letters


class CloudPainter(Painter[CloudPanel, Cloud]):
    """Paints clouds of points."""

    @cached_property
    def window(self) -> Window:
        """Where the data lie on the page."""
        return window_of(self.panel)

    @cached_property
    def clip(self) -> tuple[int, int, int, int] | None:
        """Within its frame, if it has one."""
        if not self.panel.framed:
            return None
        body = self.panel.cell.body
        sides = (body.x, body.y, body.x + body.width, body.y + body.height)
        left, top, right, bottom = map(round, sides)
        return left, top, right, bottom

    @property
    def has_chrome(self) -> bool:
        """Whether it has a frame."""
        return self.panel.framed

    def chrome(self, figure: Figure) -> None:
        """The frame, with its disc."""
        draw_frame(figure, self.size, self.panel, self.window, self.theme, self.scale)

    def ground(self) -> Iterator[Discs]:
        """The disc behind the dots, where there is no frame."""
        if self.panel.plate_radius is None or self.panel.framed:
            return
        radius_px = self._px(self.panel.plate_radius)
        if self.panel.turns:  # the sphere has an outline
            line_px = max(1.0, OUTLINE_PX * self.scale)
            color = rgb_bytes(self.theme.muted)
            inner = plate(self.window.center, radius_px - line_px, rgb_bytes(self.theme.disc))
            yield stacked([inner, plate(self.window.center, radius_px, color)])
            return
        yield plate(self.window.center, radius_px, rgb_bytes(self.theme.disc))

    def discs(self, part: Cloud) -> Iterator[Discs]:
        """The dots."""
        rgb = self.panel.coloring.rgb
        if part.shade is not None:
            shade = part.shade[:, None]
            rgb = rgb * shade + self._background * (1 - shade)
        yield dots(
            self._from_center(part.xy),
            rgb,
            part.order,
            center=self.window.center,
            px_per_unit=self.window.px_per_unit,
            radius_px=self._radius_px,
            faded_radius_px=self._px(self.panel.dot_radius),
            alpha=part.alpha,
            # Without a frame a dot may run over into the neighbour, but not as far as to pass for
            # one of its own.
            farthest_px=self.panel.cell.body.width,
            faded=None if part.faded_alpha is None else self._faded,
            faded_alpha=part.faded_alpha or 0.0,
            origin=(0, 0) if self.clip is None else self.clip[:2],
            shares=part.shares,
        )

    def sprites(self, part: Cloud) -> Iterator[Sprite]:
        """The title, paths, marks where points of any sub-step lie beyond the edges, and names."""
        if self.panel.title or self.panel.row_name:
            yield from self._titles
        body = self.panel.cell.body
        if part.trails is not None:
            paths = self._on_page(part.trails.paths)
            # A point that is nowhere now has left no path.
            paths[~np.isfinite(paths[:, -1]).all(-1)] = np.nan
            rgb = self.panel.coloring.rgb[part.trails.points]
            yield from trail_sprites(
                paths,
                [(r, g, b) for r, g, b in np.rint(rgb * 255).astype(int).tolist()],
                width_px=max(LEAST_TRAIL_PX, TRAIL_PX * self.scale),
                within=self._room,
            )
        yield from edge_marks(
            self._from_center(part.xy),
            reach=self.window.edges,
            center=self.window.center,
            half_px=(body.width / 2, body.height / 2),
            px_per_unit=self.window.px_per_unit,
            mark_px=self._mark_px,
            color=rgb_bytes(self.theme.text),
        )
        if part.note:
            yield from self._note(part.note)
        if self.names is not None:
            yield from self.names.sprites(self._on_page(part.xy[:, -1]), self._room)

    def _note(self, text: str) -> Iterator[Sprite]:
        """Words in the lower left corner; shorter ones, or none, where there is no room."""
        body, size_px = self.panel.cell.body, max(LEAST_TITLE_PX, NUMBER_PX * self.scale)
        face, pad = font(size_px), 0.4 * size_px
        for words in (text, text.partition(" at ")[0]):
            if face.getlength(words) + 2 * pad <= body.width:
                x, y = body.x + pad, body.y + body.height - pad
                around = max(1, round(HALO_SHARE * size_px))
                ground = rgb_bytes(self.theme.background)
                yield text_sprite(words, face, x, y, ground, stroke_px=around)
                yield text_sprite(words, face, x, y, rgb_bytes(self.theme.text))
                return

    @cached_property
    def names(self) -> PlacedLabels | None:
        """The names beside points, placed once for all frames; None where none are asked for."""
        labels = self.panel.labels
        if labels is None:
            return None
        return placed_labels(
            labels,
            self._on_page(labels.moments),
            radius_px=self._radius_px,
            scale=self.scale,
            within=self._room,
            theme=self.theme,
        )

    @property
    def _room(self) -> Box:
        """Where names and paths may be: in the frame, or on the part of the page that dots have."""
        body, labels = self.panel.cell.body, self.panel.labels
        if labels is not None and labels.within is not None:
            return labels.within
        if self.panel.framed:
            return body
        return Box(0, body.y, self.size[0], body.height)

    @property
    def _mark_px(self) -> float:
        """How large a mark is: in a small frame smaller."""
        mark_px = MARK_PX * self.scale
        if self.panel.framed:
            mark_px = min(mark_px, MARK_SHARE * self.panel.cell.body.width)
        return max(LEAST_MARK_PX, mark_px)

    @cached_property
    def _background(self) -> NDArray[np.float32]:
        """(3,) the color that far points come near to, in 0..1: the disc's, if there is one."""
        below = self.theme.background if self.panel.plate_radius is None else self.theme.disc
        return np.array(rgb_bytes(below), np.float32) / np.float32(255)

    @cached_property
    def _faded(self) -> NDArray[np.bool_] | None:
        """(N,) the points that are not highlighted, where some are."""
        return None if self.panel.highlighted is None else ~self.panel.highlighted

    @property
    def _radius_px(self) -> float:
        """Of dots; of those that are highlighted, where some are: these can be seen among many."""
        radius_px = self._px(self.panel.dot_radius)
        if self.panel.highlighted is None:
            return radius_px
        return max(radius_px, HIGHLIGHTED_PX * self.scale)

    def _on_page(self, xy: NDArray[np.float32]) -> NDArray[np.float64]:
        """Places in data units (..., 2), right and up, as pixels, right and down."""
        from_center = self._from_center(xy).astype(np.float64) * (1, -1)
        return np.asarray(from_center * self.window.px_per_unit + self.window.center)

    def _from_center(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Places in data units, from the panel's center."""
        center = self.panel.center
        return xy if center == (0.0, 0.0) else xy - np.array(center, np.float32)

    @cached_property
    def _titles(self) -> tuple[Sprite, ...]:
        """The title, centred above the dots; and the row's name, shortened if they are too long.

        The name stands on the left of the panel, or before the title where there is no room.
        """
        box, body, title, name = (
            self.panel.cell.head, self.panel.cell.body, self.panel.title, self.panel.row_name
        )  # fmt: skip
        size_px = max(LEAST_TITLE_PX, TITLE_PX * self.scale)
        color, margin = rgb_bytes(self.theme.text), NAME_MARGIN_PX * self.scale
        role = self.panel.row_role
        name_color = color if role is None else rgb_bytes(role_color(role, self.theme))
        sprites, before = [], ""
        if name and self.panel.named_beside and body.x >= NAME_SHARE * self.size[0]:
            face = covering(name, font(size_px))
            words = fitted_text(name, face, body.x - 2 * margin)
            at = body.x - margin, body.y + body.height / 2
            sprites.append(text_sprite(words, face, *at, name_color, anchor="rm"))
        elif name:
            before = name
            title = f"{name}  {title}".rstrip()
        if title and box.height:
            room = box.width * TITLE_SHARE
            length = covering(title, font(size_px)).getlength(title)
            if length > room:  # smaller before shorter
                least_px = max(LEAST_TITLE_PX, LEAST_TITLE_SHARE * size_px)
                size_px = max(least_px, float(np.floor(size_px * room / length)))
            face = covering(title, font(size_px))
            words = fitted_text(title, face, room)
            x, y = box.x + box.width / 2, box.y + box.height * 0.8
            if role is None or not words.startswith(before):
                sprites.append(text_sprite(words, face, x, y, color, anchor="ms"))
            else:
                left = x - face.getlength(words) / 2
                sprites.append(text_sprite(before, face, left, y, name_color))
                if rest := words.removeprefix(before).strip():
                    right = x + face.getlength(words) / 2
                    sprites.append(text_sprite(rest, face, right, y, color, anchor="rs"))
        return tuple(sprites)

    def _px(self, length: float) -> float:
        """A length of the data in pixels, in the compositor's precision."""
        return float(np.float32(length) * np.float32(self.window.px_per_unit))
