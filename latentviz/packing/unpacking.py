"""Places of what they were packed to, by the arithmetic of the page (`viewer/places.js`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from .arrays import array_at


def unpack_places(places: dict[str, Any], data: bytes) -> NDArray[np.float32]:
    """The places of all points at all packed steps, in data units.

    Args:
        places: `Packed.places`.
        data: The bytes of the table that they were packed into.

    Returns:
        (T, N, k) float32, as the page has them. Of an SVD, the last bits of its sums differ.
    """
    T, N, k = places["shape"]
    scale, origin = array_at(data, places["scale"]), array_at(data, places["origin"])
    if places["way"] == "deltas":
        chunks = [array_at(data, ref) for ref in places["chunks"]]
        return np.concatenate([in_data_units(chunk, scale, origin) for chunk in chunks]).reshape(
            T, N, k
        )
    coefficients = in_units(
        array_at(data, places["coefficients"]), array_at(data, places["coefficient_units"])
    )
    basis = in_units(
        array_at(data, places["basis"]), array_at(data, places["basis_units"])[:, None]
    )
    with one_thread():
        sums = coefficients @ basis
    sums += array_at(data, places["mean"])
    return in_data_units(sums, scale, origin).reshape(T, N, k)


def in_units(numbers: NDArray[Any], units: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whole numbers times their units, as float32."""
    return (numbers.astype(np.float64) * units).astype(np.float32)


def in_data_units(
    numbers: NDArray[Any], scale: NDArray[np.float64], origin: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Numbers (n, N*k) as places (n, N, k) float32."""
    places: NDArray[np.float64] = numbers.reshape(len(numbers), -1, len(scale)) * scale
    places += origin
    return places.astype(np.float32)


def errors_px(
    places: NDArray[np.float32], truth: NDArray[np.float32], px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The largest error of each step: the norm over the components, in pixels.

    Args:
        places: (n, N, k).
        truth: (n, N, k).
        px: (k,) pixels per data unit.

    Returns:
        (n,).
    """
    squares = np.zeros(places.shape[:2])
    for j, px_per_unit in enumerate(px):
        error = np.subtract(places[..., j], truth[..., j], dtype=np.float64)
        error *= px_per_unit
        error *= error
        squares += error
    largest: NDArray[np.float64] = np.sqrt(squares.max(axis=1))
    return largest
