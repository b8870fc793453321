"""Transforms: how the D dimensions of latents become the k that are drawn."""

from .axes import Axes
from .explained import check_linear, explained
from .fitted import Component, Fitted
from .procrustes import Register, registered
from .registry import TRANSFORMS, as_transform, transform_of
from .spread import spread_of, widest, widest_pairs
from .states import all_states, evenly, read_states
from .transform import CENTERS, Center, Transform

__all__ = [
    "CENTERS",
    "TRANSFORMS",
    "Axes",
    "Center",
    "Component",
    "Fitted",
    "Register",
    "Transform",
    "all_states",
    "as_transform",
    "check_linear",
    "evenly",
    "explained",
    "read_states",
    "registered",
    "spread_of",
    "transform_of",
    "widest",
    "widest_pairs",
]
