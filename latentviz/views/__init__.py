"""Views: what of a run a film shows, as panels of a stage and parts of a scene."""

from .clock import PARTS, Clock, Span, end_of, heading, steps_covered
from .clouds import clouds_of, frame_end, frame_positions
from .coloring import are_colors, coloring, drawing_order
from .curves import film_charts
from .dots import FADED_SHARE, default_alpha, default_radius_px
from .explained import explained_chart
from .plate import UNIT_RADIUS, has_plate
from .runs import Runs, divergence_chart, losses_chart
from .selection import as_mask, point_labels, selected_points
from .shown import FEW_DIMS, Shown, fitted_of, shown_of
from .turntable import Turntable, angle_of, frames_per_turn, nearest_last

__all__ = [
    "FADED_SHARE",
    "FEW_DIMS",
    "PARTS",
    "UNIT_RADIUS",
    "Clock",
    "Runs",
    "Shown",
    "Span",
    "Turntable",
    "angle_of",
    "are_colors",
    "as_mask",
    "clouds_of",
    "coloring",
    "default_alpha",
    "default_radius_px",
    "divergence_chart",
    "drawing_order",
    "end_of",
    "explained_chart",
    "film_charts",
    "fitted_of",
    "frame_end",
    "frame_positions",
    "frames_per_turn",
    "has_plate",
    "heading",
    "losses_chart",
    "nearest_last",
    "point_labels",
    "selected_points",
    "shown_of",
    "steps_covered",
]
