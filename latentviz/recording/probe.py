"""The points whose latents are to be drawn, and their colors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..archive import schema as s
from ..errors import OptionError
from .tensors import as_tensor, to_numpy

if TYPE_CHECKING:
    import torch

    from .tensors import Arrays


def copied_probe(probe: Arrays) -> torch.Tensor | dict[str, torch.Tensor]:
    """A copy: the caller may go on to overwrite what was given."""
    if not isinstance(probe, Mapping):
        points = as_tensor(probe, "probe").detach().clone()
        if points.ndim == 0 or not len(points):
            raise OptionError(
                f"a probe must be (N, ...) with one point at least, got shape {tuple(points.shape)}"
            )
        return points
    tensors = {
        name: as_tensor(value, f"probe {name!r}").detach().clone() for name, value in probe.items()
    }
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    lengths = {shape[:1] for shape in shapes.values()}
    if len(lengths) != 1 or lengths <= {(), (0,)}:
        raise OptionError(
            "a probe of several inputs must be tensors (N, ...) by name, with the same N of one "
            f"point at least, got {shapes}; what is not one row a point (a graph's edges) can be a "
            "buffer of the model: wrap it in a module that holds it and passes it on"
        )
    for name in tensors:
        s.check_name(name, s.probe_member(name))
    return tensors


def probe_parts(
    inputs: torch.Tensor | dict[str, torch.Tensor],
) -> Iterator[tuple[str | None, torch.Tensor]]:
    """What a probe consists of, by name; None of one that is one input."""
    if isinstance(inputs, dict):
        yield from inputs.items()
    else:
        yield None, inputs


@dataclass(frozen=True)
class TokenPoints:
    """The points where each token is one."""

    n_rows: int  # N, of the probe
    n_tokens: int  # S, of each row
    present: NDArray[np.bool_] | None  # (N, S) which are not masked; None if all are

    @property
    def n_points(self) -> int:
        """How many points there are: tokens that are not masked."""
        return self.n_rows * self.n_tokens if self.present is None else int(self.present.sum())

    def spread(self, what: str, values: NDArray[Any]) -> NDArray[Any]:
        """Colors, classes or names of the points.

        Args:
            what: Which of these they are, for the error.
            values: (N, ...) of the probe's rows, (N, S, ...) or (N * S, ...) of their tokens, of
                which those that are masked are left out.

        Raises:
            OptionError: They are neither.
        """
        N, S, shape = self.n_rows, self.n_tokens, values.shape
        # (N, 3) could be either, where there are three tokens: RGB is no whole numbers.
        is_rgb = shape[1:] == (3,) and values.dtype.kind == "f"
        if shape[:2] == (N, S) and values.ndim <= 3 and not (is_rgb and values.ndim == 2):
            tokens = values.reshape(N * S, *shape[2:])
        elif values.ndim <= 2 and shape[:1] == (N * S,):
            tokens = values
        elif values.ndim <= 2 and shape[:1] == (N,):
            tokens = values.repeat(S, axis=0)
        else:
            are_colors = what == "colors"
            one = f"({N}, 3) RGB or ({N},) labels or scalars" if are_colors else f"({N},)"
            each = f"({N * S}, 3), ({N * S},)" if are_colors else f"({N * S},)"
            raise OptionError(
                f"{what} must be {one}, one of each point, or of each of their tokens: {each} or "
                f"({N}, {S}); got {shape}"
            )
        return tokens if self.present is None else tokens[self.present.ravel()]


def checked_colors(
    inputs: NDArray[Any] | None,
    colors: object,
    n_points: int,
    points: TokenPoints | None,
) -> NDArray[Any] | None:
    """The colors to store, checked; None if the points have none.

    Args:
        inputs: The probe, if it is one input.
        colors: Numbers; or None, where the probe itself may be the points' colors.
        n_points: How many points there are.
        points: The points, if each token is one.

    Raises:
        OptionError: They are no colors of so many points.
    """
    if colors is None:
        if inputs is None or not _looks_like_colors(inputs):
            return None
        array = inputs
    else:
        array = to_numpy(as_tensor(colors, "colors"))  # type: ignore[arg-type]  # it says which
    if points is not None:
        array = points.spread("colors", array)
    if array.shape not in ((n_points, 3), (n_points,)):
        raise OptionError(
            f"colors must be ({n_points}, 3) RGB or ({n_points},) labels or scalars, "
            f"got {array.shape}"
        )
    if not np.isfinite(array).all():
        raise OptionError("colors must be finite, got NaN or infinity")
    if array.ndim == 2 and not ((array >= 0) & (array <= 1)).all():
        raise OptionError("RGB colors must lie in 0..1; divide bytes by 255")
    return array


def _looks_like_colors(inputs: NDArray[Any]) -> bool:
    looks_right = inputs.ndim == 2 and inputs.shape[1] == 3 and inputs.dtype.kind == "f"
    return looks_right and bool(((inputs >= 0) & (inputs <= 1)).all())
