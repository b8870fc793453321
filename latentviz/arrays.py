"""What a user gives as numbers, as plain arrays of NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError
from .text import printable

NUMBERS = "biuf"  # bool, signed and unsigned whole numbers, floats
KINDS = {"U": "text", "S": "bytes", "T": "text", "M": "dates", "m": "spans of time"}


def numbers_of(what: str, value: object, *, lacking: bool = False) -> NDArray[Any]:
    """An array of real numbers, in this machine's order of bytes, nothing of it masked.

    Args:
        what: What it is, for the error.
        value: Anything that NumPy takes; tensors are taken from their device and graph.
        lacking: Whether None is a number that is lacking, and becomes NaN.

    Returns:
        Of any shape and dtype; float64 where they were Python objects.

    Raises:
        OptionError: It is no array of real numbers, or masked in places.
    """
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise OptionError(
                f"{what} must be whole, but some of it is masked; fill it: masked.filled(value)"
            )
        value = np.ma.getdata(value)
    array = _plain(what, value)
    if array.dtype == object:
        array = _from_objects(what, array, lacking=lacking)
    if array.dtype.kind not in NUMBERS:
        found = KINDS.get(array.dtype.kind, str(array.dtype))
        way_out = "; give .real and .imag apart" if array.dtype.kind == "c" else ""
        raise OptionError(f"{what} must be numbers, got {found}{way_out}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _plain(what: str, value: object) -> NDArray[Any]:
    """The array that NumPy makes of a value, of whatever dtype."""
    tensor: Any = value
    try:
        if hasattr(tensor, "detach"):
            tensor = tensor.detach().cpu()
            # NumPy knows no bfloat16, and no views that are yet to be conjugated or negated.
            tensor = tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
            value = tensor.resolve_conj().resolve_neg()
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        if "inhomogeneous" in str(error):
            raise OptionError(
                f"{what} must be an array, got rows that differ in length or depth"
            ) from None
        reason = printable(str(error).partition("\n")[0])
        raise OptionError(
            f"{what} must be what NumPy takes for an array, got {type(value).__name__} ({reason})"
        ) from None


def _from_objects(what: str, array: NDArray[Any], *, lacking: bool) -> NDArray[np.float64]:
    """Python's own numbers, as floats."""
    numbers = int | float | np.number | np.bool_
    for item in array.flat:
        if not (isinstance(item, numbers) or (lacking and item is None)):
            raise OptionError(f"{what} must be numbers, got {printable(repr(item), 60)} among them")
    try:
        return array.astype(np.float64)
    except (TypeError, OverflowError):  # complex, or more digits than a float has room for
        raise OptionError(f"{what} must be numbers that a float64 can hold") from None
