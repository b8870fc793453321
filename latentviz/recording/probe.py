"""The points whose latents are to be drawn, and their colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..archive import format as f
from ..errors import OptionError
from .tensors import as_tensor, to_numpy

if TYPE_CHECKING:
    import torch

    from .tensors import Array, Arrays


def copied_probe(probe: Arrays) -> torch.Tensor | dict[str, torch.Tensor]:
    """A copy: the caller may go on to overwrite what was given."""
    if not isinstance(probe, Mapping):
        points = as_tensor(probe).detach().clone()
        if points.ndim == 0 or not len(points):
            raise OptionError(
                f"a probe must be (N, ...) with one point at least, got shape {tuple(points.shape)}"
            )
        return points
    tensors = {name: as_tensor(value).detach().clone() for name, value in probe.items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    lengths = {shape[:1] for shape in shapes.values()}
    if len(lengths) != 1 or lengths <= {(), (0,)}:
        raise OptionError(
            "a probe of several inputs must be tensors (N, ...) by name, with the same N of one "
            f"point at least, got {shapes}; what is not one row a point (a graph's edges) can be a "
            "buffer of the model: wrap it in a module that holds it and passes it on"
        )
    for name in tensors:
        f.check_name(name, "probe/inputs/")
    return tensors


def probe_parts(
    inputs: torch.Tensor | dict[str, torch.Tensor],
) -> Iterator[tuple[str, torch.Tensor]]:
    """What a probe consists of, as its members are named."""
    if isinstance(inputs, dict):
        yield from ((f"inputs/{name}", tensor) for name, tensor in inputs.items())
    else:
        yield "inputs", inputs


def checked_colors(probe: Mapping[str, NDArray[Any]], colors: Array | None) -> NDArray[Any] | None:
    """The colours to store, checked."""
    inputs = next(iter(probe.values()))
    if colors is None:
        looks_right = inputs.ndim == 2 and inputs.shape[1] == 3 and inputs.dtype.kind == "f"
        alone = "inputs" in probe
        in_range = alone and looks_right and bool(((inputs >= 0) & (inputs <= 1)).all())
        return inputs if in_range else None
    array = to_numpy(as_tensor(colors))
    if array.shape not in ((len(inputs), 3), (len(inputs),)):
        raise OptionError(
            f"colors must be ({len(inputs)}, 3) RGB or ({len(inputs)},) labels or scalars, "
            f"got {array.shape}"
        )
    if not np.isfinite(array).all():
        raise OptionError("colors must be finite, got NaN or infinity")
    if array.ndim == 2 and not ((array >= 0) & (array <= 1)).all():
        raise OptionError("RGB colors must lie in 0..1; divide bytes by 255")
    return array
