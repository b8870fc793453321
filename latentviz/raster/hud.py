"""What changes from frame to frame besides the dots: the heading, and the lines at the step."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..theme import Theme, rgb_bytes
from .fonts import covering
from .layout import Box, Layout
from .lettering import Sprite, blend_sprite, fitted_text, font, text_sprite

HEADING_PX = 34.0  # sizes on a page of 1080 pixels
TITLE_PX = 24.0
LEAST_HEADING_PX, LEAST_TITLE_PX = 10.0, 8.0  # on any page
TITLE_SHARE = 0.95  # of its box's width, at most
SPEED_SPACES = 3  # between the number and the speed
NOTE_MARGIN = 0.02  # of the page's width, right of what else the heading's row says
CURSOR_PX = 2.0
CURSOR_ALPHA = 0.85


class Heading:
    """The step's number, in the middle of the page, and the playback speed.

    The number has a slot as wide as the longest one; what stands left and right of it ends and
    begins at the same place in all frames, so that nothing jitters.
    """

    def __init__(self, layout: Layout, theme: Theme, *, last_step: int) -> None:
        """Make room for the longest number to come."""
        self._font = font(max(LEAST_HEADING_PX, HEADING_PX * layout.scale))
        self._text, self._muted = rgb_bytes(theme.text), rgb_bytes(theme.muted)
        slot = len(str(last_step)) * self._font.getlength("0")
        box = layout.heading
        self._middle = box.x + box.width / 2
        self._word_end = self._middle - slot / 2 - self._font.getlength(" ")
        self._speed_at = self._middle + slot / 2 + self._font.getlength(" ") * SPEED_SPACES
        self._baseline = box.y + box.height * 0.75
        self._end = box.x + box.width * (1 - NOTE_MARGIN)
        self._note_px = max(LEAST_TITLE_PX, TITLE_PX * layout.scale)

    def sprites(self, words: str, number: int | None, speed: int | None) -> list[Sprite]:
        """The heading of one frame.

        Args:
            words: What the number is; they stand alone in the middle if there is none.
            number: Of the step.
            speed: How many steps the frame stands for; None says nothing of it.
        """
        if number is None:
            return [self._sprite(words, self._middle, self._text, anchor="ms")]
        sprites = [
            self._sprite(words, self._word_end, self._muted, anchor="rs"),
            self._sprite(str(number), self._middle, self._text, anchor="ms"),
        ]
        if speed is not None:
            sprites.append(self._sprite(speed_words(speed), self._speed_at, self._muted))
        return sprites

    def note(self, text: str, words: str, number: int | None, speed: int | None) -> list[Sprite]:
        """A few words at the end of the heading's row, where that leaves room for them.

        Args:
            text: The words.
            words: As of `sprites`, as are the others.
            number: Of the step.
            speed: In steps a frame.
        """
        taken = max(
            sprite.x + sprite.mask.shape[1] for sprite in self.sprites(words, number, speed)
        )
        for size_px in (self._note_px, LEAST_TITLE_PX):
            face = font(size_px)
            if taken + size_px + face.getlength(text) <= self._end:
                at = self._end, self._baseline
                return [text_sprite(text, face, *at, self._text, anchor="rs")]
        return []

    def _sprite(
        self, text: str, x: float, color: tuple[int, int, int], *, anchor: str = "ls"
    ) -> Sprite:
        return text_sprite(text, self._font, x, self._baseline, color, anchor=anchor)


def title_sprites(layout: Layout, titles: list[str], theme: Theme) -> list[Sprite]:
    """Each projection's title, centred above it, shortened if it is too long."""
    sprites = []
    for box, title in zip(layout.titles, titles, strict=True):
        face = covering(title, font(max(LEAST_TITLE_PX, TITLE_PX * layout.scale)))
        name = fitted_text(title, face, box.width * TITLE_SHARE)
        at = box.x + box.width / 2, box.y + box.height * 0.8
        sprites.append(text_sprite(name, face, *at, rgb_bytes(theme.text), anchor="ms"))
    return sprites


def draw_cursor(
    canvas: NDArray[np.uint8], box: Box, share: float, theme: Theme, scale: float
) -> None:
    """Draw the vertical line at the current step, ``share`` of the way along a panel."""
    width = max(1.0, CURSOR_PX * scale)
    left = box.x + share * box.width - width / 2
    first, last = math.floor(left), math.ceil(left + width)
    # How much of each pixel column the line covers: it moves smoothly, not pixel by pixel.
    cover = [min(x + 1, left + width) - max(x, left) for x in range(first, last)]
    top, bottom = round(box.y), round(box.y + box.height)
    mask = np.empty((bottom - top, len(cover)), np.float32)
    mask[:] = [part * CURSOR_ALPHA for part in cover]
    blend_sprite(canvas, Sprite(mask, first, top, rgb_bytes(theme.cursor)))


def speed_words(speed: int) -> str:
    """The playback speed, in steps a frame; one step a frame is no fast-forward."""
    return f"▸▸{speed}x" if speed > 1 else f"▸{speed}x"
