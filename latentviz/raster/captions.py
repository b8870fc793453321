"""Captions: text below the panels, in a band that is as high in every frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from ..scene import Caption, CaptionPanel
from ..text import LONGEST_CAPTION, printable, wrapped
from ..theme import rgb_bytes
from .fonts import covering
from .lettering import Sprite, font, text_sprite
from .painter import Painter

CAPTION_PX = 26.0  # sizes on a page of 1080 pixels
LEAST_CAPTION_PX = 11.0  # on any page
MOST_LINES = 2
# In the height of a character.
LINE = 1.35
BASELINE = 0.95  # of a line, from its top
ABOVE, BELOW = 0.6, 0.35


class CaptionPainter(Painter[CaptionPanel, Caption]):
    """Paints captions, in the middle of their band."""

    def sprites(self, part: Caption) -> Iterator[Sprite]:
        """A frame's caption."""
        box, size_px = self.panel.cell.body, _size_px(self.scale)
        for k, line in enumerate(_lines(part.text, box.width, size_px)):
            y = box.y + (ABOVE + BASELINE + k * LINE) * size_px
            at = box.x + box.width / 2, y
            color = rgb_bytes(self.theme.text)
            yield text_sprite(line, font(size_px), *at, color, anchor="ms")


def caption_height(texts: Sequence[str], width: float, scale: float) -> float:
    """How high a band is that holds any of these texts, in pixels.

    Args:
        texts: What it is to say.
        width: How wide it is.
        scale: How large all things are, 1 on a page of 1080 pixels.
    """
    size_px = _size_px(scale)
    n_lines = max(len(_lines(text, width, size_px)) for text in texts)
    return (ABOVE + n_lines * LINE + BELOW) * size_px


def _size_px(scale: float) -> float:
    return max(LEAST_CAPTION_PX, CAPTION_PX * scale)


@lru_cache(maxsize=64)  # measuring takes long, and frame after frame says the same
def _lines(text: str, width: float, size_px: float) -> tuple[str, ...]:
    text = printable(text, LONGEST_CAPTION)
    face = covering(text, font(size_px))
    return tuple(wrapped(text, width, face.getlength, most=MOST_LINES))
