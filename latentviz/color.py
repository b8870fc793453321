"""Colors as RGB floats in 0..1; hue is cyclic with period 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import OptionError

HSV = ("hue", "saturation", "value")
RGB = ("red", "green", "blue")


def rgb_from_hsv(hsv: ArrayLike) -> NDArray[np.float64]:
    """RGB from HSV.

    Args:
        hsv: (..., 3), hue (any real number, cyclic), saturation and value in 0..1.

    Returns:
        (..., 3) float64 in 0..1.
    """
    h, s, v = np.moveaxis(np.asarray(hsv, dtype=np.float64), -1, 0)
    # Each channel is a trapezoid over the hue circle, a third of a turn apart.
    k = (np.array([5.0, 3.0, 1.0]) + 6.0 * np.mod(h, 1.0)[..., None]) % 6.0
    ramp = np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0)
    return np.asarray(v[..., None] * (1.0 - s[..., None] * ramp))


def hsv_from_rgb(rgb: ArrayLike) -> NDArray[np.float64]:
    """HSV from RGB.

    Args:
        rgb: (..., 3) in 0..1.

    Returns:
        (..., 3) float64; the hue of a grey is 0, and so is the saturation of black.
    """
    rgb = np.asarray(rgb, dtype=np.float64)
    r, g, b = np.moveaxis(rgb, -1, 0)
    value = rgb.max(-1)
    chroma = value - rgb.min(-1)
    safe = np.where(chroma > 0, chroma, 1.0)
    sector = np.select(
        [chroma == 0, value == r, value == g],
        [np.zeros_like(value), (g - b) / safe, 2.0 + (b - r) / safe],
        4.0 + (r - g) / safe,
    )
    saturation = np.where(value > 0, chroma / np.where(value > 0, value, 1.0), 0.0)
    return np.stack([np.mod(sector / 6.0, 1.0), saturation, value], -1)


def rgb_grid(n: int) -> NDArray[np.float64]:
    """The RGB cube sampled ``n`` times along each axis, (n³, 3) float64, blue fastest."""
    return rgb_cube(n, n, n).points


@dataclass(frozen=True, eq=False)
class ColorCube:
    """Colors on a grid, with the coordinates of each. Made by `hsv_cube` and `rgb_cube`.

    The arrays of a cube have one dimension for each axis, in the order of ``axes``. An axis at
    which the cube was cut (`slice` with a number) is no longer among them, but keeps its
    coordinate.
    """

    axes: tuple[str, ...]
    """Names of the dimensions, in order."""
    coordinates: Mapping[str, NDArray[np.float64]]
    """Each axis's values, (n,) in 0..1; () where the cube was cut."""
    rgb: NDArray[np.float64]
    """The colors, (*shape, 3) in 0..1."""
    weights: NDArray[np.float64]
    """How often each color is to be drawn, shape; need not sum to 1."""
    variables: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """The assigned variables, each (*shape, ...)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """How many colors there are along each axis."""
        return self.weights.shape

    @property
    def points(self) -> NDArray[np.float64]:
        """All colors in a row, (N, 3), the last axis fastest."""
        return self.rgb.reshape(-1, 3)

    def __len__(self) -> int:
        """The number of colors, N."""
        return self.weights.size

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A variable (*shape, ...), or the coordinate ``name`` of every color, shape.

        A coordinate is the grid's own: the hue of a grey too is the one where it stands.

        Raises:
            OptionError: There is none of that name.
        """
        if name in self.variables:
            return self.variables[name]
        if name not in self.coordinates:
            known = ", ".join([*self.coordinates, *self.variables])
            raise OptionError(f"unknown variable {name!r} of a color cube; it has {known}")
        values = self.coordinates[name]
        if name in self.axes:
            others = [k for k, axis in enumerate(self.axes) if axis != name]
            values = np.expand_dims(values, others)
        return np.broadcast_to(values, self.shape)

    def permute(self, *axes: str) -> ColorCube:
        """The same cube with its dimensions in another order.

        Raises:
            OptionError: These are not all of its axes, each once.
        """
        if sorted(axes) != sorted(self.axes):
            raise OptionError(f"axes must be {', '.join(self.axes)} in any order, got {axes}")
        order = [self.axes.index(axis) for axis in axes]

        def rearrange(array: NDArray[Any]) -> NDArray[Any]:
            return np.moveaxis(array, order, range(len(order)))

        return self._rearranged(axes, self.coordinates, rearrange)

    def slice(self, **indices: int | slice | ArrayLike) -> ColorCube:
        """A part of the cube.

        Args:
            **indices: By axis: a number cuts there and drops the dimension; a slice, or a list of
                numbers, keeps it.

        Raises:
            OptionError: There is no such axis, or no such place on it.
        """
        cube = self
        for axis, index in indices.items():
            if axis not in cube.axes:
                raise OptionError(f"unknown axis {axis!r}; the cube has {', '.join(cube.axes)}")
            place = index if isinstance(index, int | slice) else np.asarray(index)
            where = (slice(None),) * cube.axes.index(axis) + (place,)
            try:
                coordinates = {**cube.coordinates, axis: cube.coordinates[axis][place]}
            except IndexError:
                n = len(cube.coordinates[axis])
                raise OptionError(f"{axis} has {n} places, 0 to {n - 1}; got {index!r}") from None
            kept = tuple(a for a in cube.axes if a != axis or not isinstance(index, int))
            cube = cube._rearranged(kept, coordinates, partial(_taken, where=where))
        return cube

    def assign(self, **variables: ArrayLike) -> ColorCube:
        """The cube with further variables, or others in their place.

        Args:
            **variables: (*shape, ...), or (N, ...) in the order of `points`.

        Raises:
            OptionError: A variable has another shape, or an axis's name.
        """
        shaped = dict(self.variables)
        for name, given in variables.items():
            array = np.asarray(given)
            if name in self.coordinates:
                raise OptionError(
                    f"{name!r} is an axis of the cube; give the variable another name"
                )
            if array.shape[: len(self.shape)] != self.shape:
                if array.shape[:1] != (len(self),):
                    raise OptionError(
                        f"variable {name!r} must be {self.shape} or ({len(self)},), with any "
                        f"further dimensions, got {array.shape}"
                    )
                array = array.reshape(*self.shape, *array.shape[1:])
            shaped[name] = array
        return replace(self, variables=shaped)

    def _rearranged(
        self,
        axes: tuple[str, ...],
        coordinates: Mapping[str, NDArray[np.float64]],
        rearrange: Callable[[NDArray[Any]], NDArray[Any]],
    ) -> ColorCube:
        return ColorCube(
            axes=axes,
            coordinates=coordinates,
            rgb=rearrange(self.rgb),
            weights=rearrange(self.weights),
            variables={name: rearrange(array) for name, array in self.variables.items()},
        )


def _taken(array: NDArray[Any], where: tuple[Any, ...]) -> NDArray[Any]:
    return np.asarray(array[where])


def hsv_cube(
    hue: int | ArrayLike, saturation: int | ArrayLike, value: int | ArrayLike
) -> ColorCube:
    """A grid of HSV, with weights that make up for the colors that it repeats.

    Black stands in such a grid once a hue and saturation, and each grey once a hue; so weighted,
    all blacks together count as one pure color, and so do all whites.

    Args:
        hue: The number of hues, evenly spaced (without 1, which equals 0), or the hues, (n,).
        saturation: The number of saturations, 0 and 1 included, or the saturations.
        value: As ``saturation``.

    Raises:
        OptionError: An axis is empty, or leaves 0..1.
    """
    coordinates = {
        "hue": np.arange(hue) / hue if isinstance(hue, int) and hue > 0 else _axis("hue", hue),
        "saturation": _axis("saturation", saturation),
        "value": _axis("value", value),
    }
    h, s, v = np.meshgrid(*coordinates.values(), indexing="ij")
    n_hues, n_saturations, _ = h.shape
    white, black = 1 / n_hues, 1 / (n_saturations * n_hues)
    return ColorCube(
        axes=HSV,
        coordinates=coordinates,
        rgb=rgb_from_hsv(np.stack([h, s, v], -1)),
        weights=black * (1 - v) + white * (1 - s) * v + s * v,
    )


def rgb_cube(red: int | ArrayLike, green: int | ArrayLike, blue: int | ArrayLike) -> ColorCube:
    """A grid of RGB, all colors with the same weight.

    Args:
        red: The number of values, 0 and 1 included, or the values, (n,).
        green: As ``red``.
        blue: As ``red``.

    Raises:
        OptionError: An axis is empty, or leaves 0..1.
    """
    given = zip(RGB, (red, green, blue), strict=True)
    coordinates = {name: _axis(name, axis) for name, axis in given}
    rgb = np.stack(np.meshgrid(*coordinates.values(), indexing="ij"), -1)
    return ColorCube(RGB, coordinates, rgb, np.ones(rgb.shape[:3]))


def _axis(name: str, axis: int | ArrayLike) -> NDArray[np.float64]:
    if isinstance(axis, int):
        values = np.linspace(0.0, 1.0, max(axis, 0))
    else:
        values = np.asarray(axis, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not ((values >= 0) & (values <= 1)).all():
        raise OptionError(
            f"{name} must be how many colors to take along it, 1 or more, or which, (n,) in "
            f"0..1; got {axis!r}"
        )
    return values
