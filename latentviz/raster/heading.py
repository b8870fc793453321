"""The row of words above a frame: the step, in the middle of the page, and the playback speed."""

from __future__ import annotations

from ..scene import AFTER_LAST, AFTER_STEP, Box, Heading, Stage
from ..theme import Theme, rgb_bytes
from .fonts import covering
from .layout import page_scale
from .lettering import Sprite, fitted_text, font, text_sprite

HEADING_PX = 34.0  # sizes on a page of 1080 pixels
NOTE_PX = 24.0
LEAST_HEADING_PX, LEAST_NOTE_PX = 10.0, 8.0  # on any page
SPEED_SPACES = 3  # between the number and the speed
NOTE_MARGIN = 0.02  # of the page's width, right of what else the row says, and left of it
LEAST_TITLE_SHARE = 4.0  # of a letter's size: where there is less room, there is no title


class HeadingPainter:
    """Places a heading's words.

    The number has a slot as wide as the longest one; what stands left and right of it ends and
    begins at the same place in all frames, so that nothing jitters.
    """

    def __init__(self, stage: Stage, box: Box, theme: Theme) -> None:
        """Make room for the longest number to come."""
        scale = page_scale(stage.size)
        self._font = font(max(LEAST_HEADING_PX, HEADING_PX * scale))
        self._text, self._muted = rgb_bytes(theme.text), rgb_bytes(theme.muted)
        slot = len(str(stage.last_step)) * self._font.getlength("0")
        self._middle = box.x + box.width / 2
        self._word_end = self._middle - slot / 2 - self._font.getlength(" ")
        self._speed_at = self._middle + slot / 2 + self._font.getlength(" ") * SPEED_SPACES
        self._baseline = box.y + box.height * 0.75
        self._end = box.x + box.width * (1 - NOTE_MARGIN)
        self._note_px = max(LEAST_NOTE_PX, NOTE_PX * scale)
        self._title = self._titled(stage, box)

    def _titled(self, stage: Stage, box: Box) -> list[Sprite]:
        """The title, shortened where it would touch the words of any frame."""
        face, color = self._font, self._text
        if stage.quiet_title:
            face, color = font(self._note_px), self._muted
        face = covering(stage.title, face)
        left = box.x + NOTE_MARGIN * box.width
        words = min(
            self._word_end - self._font.getlength(AFTER_STEP),
            self._middle - self._font.getlength(AFTER_LAST) / 2,
        )
        room = words - self._font.getlength(" ") * SPEED_SPACES - left
        if not stage.title or room < LEAST_TITLE_SHARE * face.size:
            return []
        title = fitted_text(stage.title, face, room)
        return [text_sprite(title, face, left, self._baseline, color)]

    def sprites(self, heading: Heading) -> list[Sprite]:
        """A frame's words; its note only where there is room for it."""
        if not heading.number:
            sprites = [self._sprite(heading.words, self._middle, self._text, anchor="ms")]
        else:
            sprites = [
                self._sprite(heading.words, self._word_end, self._muted, anchor="rs"),
                self._sprite(heading.number, self._middle, self._text, anchor="ms"),
            ]
            if heading.speed:
                sprites.append(self._sprite(heading.speed, self._speed_at, self._muted))
        if heading.note:
            taken = max(sprite.x + sprite.mask.shape[1] for sprite in sprites)
            sprites += self._note(heading.note, taken)
        return sprites + self._title

    def _note(self, text: str, taken: float) -> list[Sprite]:
        """Words at the end of the row, if what is taken of it leaves room for them."""
        for size_px in (self._note_px, LEAST_NOTE_PX):
            face = font(size_px)
            if taken + size_px + face.getlength(text) <= self._end:
                at = self._end, self._baseline
                return [text_sprite(text, face, *at, self._text, anchor="rs")]
        return []

    def _sprite(
        self, text: str, x: float, color: tuple[int, int, int], *, anchor: str = "ls"
    ) -> Sprite:
        return text_sprite(text, self._font, x, self._baseline, color, anchor=anchor)
