"""The still pictures of a run; and what they are made of, for pictures of one's own.

A picture is drawn within `plain_style`, on the `Sheet` that `new_sheet` gives, in the colours of
the theme that `theme_named` finds; `text_width` tells what room words need. What comes of it is a
`Picture`, which is saved with its alt text; `check_picture_path` tells first where it cannot go.
`TITLE_PX`, `LABEL_PX` and `TICK_PX` are the sizes of text on a picture of its default size.
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
