"""Views: what of a run a film shows, as panels of a stage and parts of a scene."""

from .clock import heading, steps_covered
from .clouds import clouds_of, frame_positions, panels_of
from .coloring import coloring, drawing_order
from .curves import cursor, film_charts
from .explained import explained_chart
from .shown import FEW_DIMS, Shown, fitted_of, shown_of

__all__ = [
    "FEW_DIMS",
    "Shown",
    "clouds_of",
    "coloring",
    "cursor",
    "drawing_order",
    "explained_chart",
    "film_charts",
    "fitted_of",
    "frame_positions",
    "heading",
    "panels_of",
    "shown_of",
    "steps_covered",
]
