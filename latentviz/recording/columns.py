"""The numbers of each step: losses, metrics, and the schedule's properties."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..archive import format as f
from ..archive import schema as s
from ..errors import ArchiveError, OptionError
from .tensors import in_brief

if TYPE_CHECKING:
    import torch

    Number = torch.Tensor | float

Column = NDArray[np.float64]  # (rows,); a gap where a step had no value

_LONGEST_GROUP = max(s.CURVES, key=len)
# How long a number's name may be, stored.
NUMBER_NAME = f.MAX_NAME - len(s.gaps_member(_LONGEST_GROUP, 0, ""))

# A NaN that nobody gives stands for no value while recorded: to tell gaps from NaN costs no more at
# a step than to write either. Its lowest bits are set, which no NaN of a float32 has.
_GAP_BITS = np.uint64(0x7FF8_6C76_6761_7073)
_GAP = float(_GAP_BITS.view(np.float64))


def is_number_name(name: object) -> bool:
    """Whether an archive can hold a loss, a metric or a param of that name."""
    try:
        if not isinstance(name, str):
            return False
        s.check_name(name, s.gaps_member(_LONGEST_GROUP, 0, name))
        return True
    except ArchiveError:
        return False


def add_numbers(
    columns: dict[str, Column], rows: int, k: int, values: Mapping[str, Number]
) -> None:
    """Write a step's numbers down, and gaps for those that it lacks.

    Args:
        columns: A chunk's, by name; one is added for each new name.
        rows: How many steps the chunk can come to have.
        k: The step's row.
        values: Its numbers by name.

    Raises:
        ArchiveError: A name is not one that can be recorded.
        OptionError: Something is no number, or they are not by name.
    """
    if type(values) is not dict:
        _check_is_by_name(values)
    for name in values:
        if name not in columns:
            _check_name(name)
            columns[name] = np.full(rows, _GAP)
    for name, column in columns.items():
        try:
            value = values.get(name, _GAP)
            column[k] = value if type(value) is float else _scalar(value)
        except (TypeError, ValueError, RuntimeError):
            raise _no_number(name, values[name]) from None


def column_members(
    group: str, chunk: int, columns: Mapping[str, Column], count: int
) -> Iterator[tuple[str, NDArray[np.float64] | NDArray[np.bool_]]]:
    """The columns' members: values (count,), NaN in gaps; and where there are gaps, which."""
    for name, column in columns.items():
        values = column[:count]
        gaps = values.view(np.uint64) == _GAP_BITS
        if not gaps.any():
            yield s.curve_member(group, chunk, name), values
            continue
        yield s.curve_member(group, chunk, name), np.where(gaps, np.nan, values)
        yield s.gaps_member(group, chunk, name), gaps


def final_members(
    group: str, values: Mapping[str, Number] | None
) -> dict[str, NDArray[np.float64]]:
    """What came after the last update, each () float64.

    Raises:
        ArchiveError: As `add_numbers`.
        OptionError: As `add_numbers`.
    """
    numbers = checked_numbers({} if values is None else values)
    return {s.final_member(group, name): np.array(n, np.float64) for name, n in numbers.items()}


def checked_numbers(values: Mapping[str, Number]) -> dict[str, Number]:
    """Numbers by name, as Python's own.

    Raises:
        ArchiveError: As `add_numbers`.
        OptionError: As `add_numbers`.
    """
    _check_is_by_name(values)
    numbers: dict[str, Number] = {}
    for name, value in values.items():
        _check_name(name)
        try:
            numbers[name] = _scalar(value)
        except (TypeError, ValueError, RuntimeError):
            raise _no_number(name, value) from None
    return numbers


def _check_is_by_name(values: object) -> None:
    if not isinstance(values, Mapping):
        raise OptionError(
            "losses, metrics and params must be numbers by name, such as {'loss': loss}, "
            f"got {type(values).__name__}"
        )


def _check_name(name: object) -> None:
    if not is_number_name(name):
        raise ArchiveError(
            f"{in_brief(name)} cannot name a loss, a metric or a param; use text of up to "
            f"{NUMBER_NAME} bytes (what is no plain ASCII counts three times)"
        )


def _no_number(name: str, value: object) -> OptionError:
    return OptionError(f"{name!r} must be one number, got {in_brief(value)}")


def _scalar(value: Number) -> float:
    # A tensor that is part of a graph warns when it is made a float, but not when it is read.
    item = getattr(value, "item", None)
    number = value if item is None else item()
    if isinstance(number, str | bytes):
        raise TypeError("text is no number, whatever it spells")
    try:
        return float(number)
    except OverflowError:  # a whole number beyond any float: the training goes on
        return math.inf if number > 0 else -math.inf
