"""A panel of curves: the chart, drawn once a film, and the line at the step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..scene import Cursor, CurvesPanel
from ..theme import rgb_bytes
from .chart import draw_chart, draw_titles
from .layout import SIDE_MARGIN
from .legend import draw_legend
from .lettering import Sprite
from .painter import Painter
from .shapes import Area

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURSOR_PX = 2.0  # on a page of 1080 pixels
CURSOR_ALPHA = 0.85


class CurvesPainter(Painter[CurvesPanel, Cursor]):
    """Paints curves over the steps."""

    def chrome(self, figure: Figure) -> None:
        """The chart, the curves' names above it, and what its axes are of."""
        chart, cell, (width, height) = self.panel.chart, self.panel.cell, self.size
        box = cell.body
        bottom = height - box.y - box.height
        axes = figure.add_axes(
            (box.x / width, bottom / height, box.width / width, box.height / height)
        )
        draw_chart(axes, chart, self.theme, self.scale)
        draw_legend(figure, self.size, self.scale, cell.head, chart, self.theme)
        left_px = box.x - SIDE_MARGIN * self.scale
        draw_titles(figure, axes, chart, self.theme, self.scale, left_px=left_px)

    def sprites(self, part: Cursor) -> Iterator[Sprite]:
        """The vertical line."""
        box, steps = self.panel.cell.body, self.panel.chart.steps
        first, last = int(steps[0]), int(steps[-1])
        share = (part.step - first) / max(1, last - first)
        width = max(1.0, CURSOR_PX * self.scale)
        left = box.x + share * box.width - width / 2
        start, stop = math.floor(left), math.ceil(left + width)
        # How much of each pixel column it covers: it moves smoothly, not pixel by pixel.
        cover = [min(x + 1, left + width) - max(x, left) for x in range(start, stop)]
        top, bottom = round(box.y), round(box.y + box.height)
        mask = np.empty((bottom - top, len(cover)), np.float32)
        mask[:] = [share * CURSOR_ALPHA for share in cover]
        right = left + width
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        yield Sprite(
            mask, start, top, rgb_bytes(self.theme.cursor), Area(corners, alpha=CURSOR_ALPHA)
        )
