"""Views: what of a run a film shows, as panels of a stage and parts of a scene."""

from .clock import heading, steps_covered
from .clouds import clouds_of, frame_end, frame_positions
from .coloring import are_colors, coloring, drawing_order
from .curves import cursor, film_charts
from .dots import default_alpha, default_radius_px
from .explained import explained_chart
from .selection import point_labels, selected_points
from .shown import FEW_DIMS, Shown, fitted_of, shown_of

__all__ = [
    "FEW_DIMS",
    "Shown",
    "are_colors",
    "clouds_of",
    "coloring",
    "cursor",
    "default_alpha",
    "default_radius_px",
    "drawing_order",
    "explained_chart",
    "film_charts",
    "fitted_of",
    "frame_end",
    "frame_positions",
    "heading",
    "point_labels",
    "selected_points",
    "shown_of",
    "steps_covered",
]
