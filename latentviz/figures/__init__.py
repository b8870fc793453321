"""The still pictures of a run, and the parts to draw your own pictures with.

`plain_style` sets matplotlib up, and `new_sheet` gives a `Sheet` to draw on, in the colors of the
theme that `theme_named` finds. `text_width` measures the room that a text needs. Return a
`Picture`, which saves itself with its alt text; `check_picture_path` checks beforehand that it can
be saved. `TITLE_PX`, `LABEL_PX` and `TICK_PX` are the sizes of text, in pixels, on a picture of its
default size.
"""

from ..raster.chrome import plain_style, text_width
from ..theme import theme_named
from .axes import LABEL_PX, TICK_PX, TITLE_PX, Sheet, new_sheet
from .picture import Picture, check_picture_path

__all__ = [
    "LABEL_PX",
    "TICK_PX",
    "TITLE_PX",
    "Picture",
    "Sheet",
    "check_picture_path",
    "new_sheet",
    "plain_style",
    "text_width",
    "theme_named",
]
