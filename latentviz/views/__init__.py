"""Views: what of a run is shown in a frame, as a scene."""

from .curves import curve_panels
from .points import drawing_order, point_colors
from .projections import ProjectionsView, frame_positions, steps_covered

__all__ = [
    "ProjectionsView",
    "curve_panels",
    "drawing_order",
    "frame_positions",
    "point_colors",
    "steps_covered",
]
