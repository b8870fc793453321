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
    width, k = numbers.shape[1], len(scale)
    scales, origins = np.tile(scale, width // k), np.tile(origin, width // k)
    places = np.empty(numbers.shape, np.float32)
    exact = np.empty(width)
    for row, out in zip(numbers, places, strict=True):  # of which each fits into the CPU's cache
        np.multiply(row, scales, out=exact)
        exact += origins
        out[:] = exact
    return places.reshape(len(numbers), -1, k)


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
    n, N, k = places.shape
    pixels = np.tile(px.astype(np.float32), N)
    largest = np.empty(n)
    error, squares = np.empty(N * k, np.float32), np.empty(N, np.float32)
    with np.errstate(over="ignore"):  # an infinite error is large enough
        for i in range(n):
            # Of numbers that are close to each other, float32 has the difference exactly.
            np.subtract(places[i].reshape(-1), truth[i].reshape(-1), out=error)
            error *= pixels
            error *= error
            np.copyto(squares, error[::k])
            for j in range(1, k):
                squares += error[j::k]
            largest[i] = squares.max()
    return np.sqrt(largest)
