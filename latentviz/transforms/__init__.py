"""Transforms: how the D dimensions of latents become the k that are drawn."""

from .axes import Axes
from .registry import Transform, transform_from_dict

__all__ = ["Axes", "Transform", "transform_from_dict"]
