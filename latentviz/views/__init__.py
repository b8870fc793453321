"""Views: what of a run a film shows, as panels of a stage and parts of a scene."""

from .clock import heading, steps_covered
from .clouds import CloudsView, frame_positions
from .coloring import coloring, drawing_order
from .curves import cursor, film_charts

__all__ = [
    "CloudsView",
    "coloring",
    "cursor",
    "drawing_order",
    "film_charts",
    "frame_positions",
    "heading",
    "steps_covered",
]
