"""Pages of a film with charts that no run was recorded for."""

import numpy as np

from latentviz.raster.layout import page_layout
from latentviz.raster.page import make_page
from latentviz.scene import CloudPanel, Coloring, CurvesPanel, Stage
from latentviz.theme import theme_named


def page_of(charts, *, size=(1920, 1080), theme="dark", n_clouds=3):
    """A page with charts below clouds of no points."""
    layout = page_layout(size, [n_clouds], n_charts=len(charts))
    nothing = Coloring(np.empty((0, 3), np.float32))
    clouds = [CloudPanel(cell, "", 1.5, 0.1, 1.0, nothing) for cell in layout.cells[:n_clouds]]
    panels = [*clouds, *map(CurvesPanel, layout.cells[n_clouds:], charts)]
    return make_page(Stage(size, layout.heading, 0, tuple(panels)), theme_named(theme))


def chart_cells(page):
    """Where a page's charts stand."""
    return [panel.cell for panel in page.stage.panels if isinstance(panel, CurvesPanel)]
