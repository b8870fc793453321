"""Transforms: how the D dimensions of latents become the k that are drawn."""

from .axes import Axes
from .fitted import Component, Fitted
from .registry import Center, Transform, transform_of

__all__ = ["Axes", "Center", "Component", "Fitted", "Transform", "transform_of"]
