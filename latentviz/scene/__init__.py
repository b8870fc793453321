"""What a film shows, as plain values: no run, no pixels, no colors that a theme decides."""

from .frame import Cloud, Cursor, Heading, Part, Scene, Still, Trails
from .stage import (
    Box,
    Categories,
    Cell,
    Chart,
    CloudPanel,
    Coloring,
    Curve,
    CurvesPanel,
    KeyPanel,
    Labels,
    Panel,
    Ramp,
    Stage,
)

__all__ = [
    "Box",
    "Categories",
    "Cell",
    "Chart",
    "Cloud",
    "CloudPanel",
    "Coloring",
    "Cursor",
    "Curve",
    "CurvesPanel",
    "Heading",
    "KeyPanel",
    "Labels",
    "Panel",
    "Part",
    "Ramp",
    "Scene",
    "Stage",
    "Still",
    "Trails",
]
