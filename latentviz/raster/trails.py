"""The paths of points over a film's last frames, as masks that fade towards their beginning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..scene import Box
from .lettering import Sprite
from .shapes import Strokes

_FINER = 3  # a mask is drawn so many times as large, and made smaller, for smooth edges
_OPACITY = 0.85  # where a path ends, at its point
_LEVELS = 255


def trail_sprites(
    paths_px: NDArray[np.float64],
    colors: Sequence[tuple[int, int, int]],
    *,
    width_px: float,
    within: Box,
) -> Iterator[Sprite]:
    """Draw paths; those of one color share a mask, in which newer parts lie over older ones.

    Args:
        paths_px: (M, k, 2) each path's places, the oldest first, right and down; a path is broken
            where it is NaN.
        colors: Each path's, M.
        width_px: Of a path.
        within: Beyond this nothing is drawn.
    """
    left, top = int(np.floor(within.x)), int(np.floor(within.y))
    right, bottom = int(np.ceil(within.x + within.width)), int(np.ceil(within.y + within.height))
    for color in dict.fromkeys(colors):
        mine = paths_px[[other == color for other in colors]]
        found = mine[np.isfinite(mine).all(-1)]
        if not len(found) or mine.shape[1] < 2:
            continue
        margin = np.ceil(width_px) + 1
        x0, y0 = np.clip(np.floor(found.min(0) - margin), (left, top), (right, bottom)).astype(int)
        x1, y1 = np.clip(np.ceil(found.max(0) + margin), (left, top), (right, bottom)).astype(int)
        if x0 == x1 or y0 == y1:
            continue
        mask = _mask((mine - (x0, y0)) * _FINER, (x1 - x0, y1 - y0), width_px * _FINER)
        box = left, top, right, bottom
        yield Sprite(mask, int(x0), int(y0), color, _strokes(mine, width_px), clip=box)


def _strokes(paths: NDArray[np.float64], width_px: float) -> Strokes:
    """Paths (m, k, 2) as lines, the oldest first."""
    n_parts = paths.shape[1] - 1
    lines = np.stack([paths[:, :-1], paths[:, 1:]], 2).swapaxes(0, 1).reshape(-1, 2, 2)
    alphas = np.repeat(_OPACITY * np.arange(1, n_parts + 1) / n_parts, len(paths))
    whole = np.isfinite(lines).all((1, 2))
    return Strokes(lines[whole], alphas[whole], width_px)


def _mask(paths: NDArray[np.float64], size: tuple[int, int], width: float) -> NDArray[np.float32]:
    """Paths (m, k, 2) on a mask of (width, height) that is to be made smaller, (h, w) 0..1."""
    image = Image.new("L", (size[0] * _FINER, size[1] * _FINER))
    draw, radius = ImageDraw.Draw(image), width / 2
    n_parts = paths.shape[1] - 1
    for part in range(n_parts):
        # The oldest first: where paths cross, the newer part is seen.
        level = round(_OPACITY * _LEVELS * (part + 1) / n_parts)
        for start, end in zip(paths[:, part], paths[:, part + 1], strict=True):
            if not (np.isfinite(start).all() and np.isfinite(end).all()):
                continue
            draw.line([*start, *end], fill=level, width=max(1, round(width)))
            # Round joints.
            draw.ellipse([*(end - radius), *(end + radius)], fill=level)
    smaller = image.resize(size, Image.Resampling.BOX)
    return np.asarray(smaller, dtype=np.float32) / np.float32(_LEVELS)
