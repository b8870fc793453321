"""Pages of which the chrome is kept, and their drawing in a process of its own."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..archive.versions import versions
from ..beside import Ask
from ..cache import kept
from ..raster.page import Page, make_page
from ..scene import Stage
from ..theme import Theme

PAINT = f"{__name__}:paint"


def kept_page(stage: Stage, theme: Theme, *, has_ground: bool = True) -> Page:
    """The part that all frames of a film share, of which matplotlib has drawn the chrome."""
    # Whoever has the same bytes has the same stage; who has not only draws it once more.
    about = hashlib.sha256(pickle.dumps((stage, theme))).hexdigest()

    def keeping(ground: str, draw: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        key = [about, ground, versions("matplotlib")]
        return np.asarray(kept("chrome", key, lambda: {"pixels": draw()})["pixels"])

    return make_page(stage, theme, has_ground=has_ground, keeping=keeping)


def paint(ask: Ask) -> NDArray[np.uint8]:
    """Draw a scene, in a process beside.

    Args:
        ask: Gives (stage, theme, whether there is a ground), and then a scene and the sprites that
            lie above it.

    Returns:
        A canvas, as `Page.new_canvas` has it.
    """
    from ..raster.discs import draw_discs, plate
    from ..raster.lettering import blend_sprite, font, text_sprite

    # Load the compiled code and a font meanwhile.
    canvas = np.zeros((3, 64, 64), np.uint8)
    draw_discs(canvas, plate((16, 16), 4, (9, 9, 9)), box=(0, 0, 64, 64))
    blend_sprite(canvas, text_sprite("0", font(24.0), 9, 32, (9, 9, 9)))
    stage, theme, has_ground = ask()
    page = kept_page(stage, theme, has_ground=has_ground)
    return page.drawn(*ask())
