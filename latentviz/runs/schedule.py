"""A run's schedule: what is set at each step, recorded or before there is any run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..archive.format import MAX_STEP
from ..archive.values import checked_keyframes, checked_moments
from ..arrays import numbers_of
from ..errors import OptionError
from ..text import printable

V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class Schedule:
    """The properties of a training over T steps, and what is to happen when.

    `Run.schedule` gives a recorded run's; make one to draw what is yet to be trained
    (`plot_timeline`). Arrays may be whatever NumPy takes; they are kept as below.

    Raises:
        OptionError: A shape or a type is wrong, or the steps do not increase.
    """

    name: str
    steps: NDArray[np.int64]
    """(T,) increasing."""
    params: Mapping[str, NDArray[np.float64]]
    """Each property's value at each step, (T,)."""
    keyframes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The steps at which each property is keyed."""
    phases: Sequence[tuple[int, str]] = ()
    """The steps at which the phases start, and their names."""
    actions: Sequence[tuple[int, str]] = ()
    """The steps at which something is done, and its name."""
    gaps: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Where each property has no value, (T,); by default where it is NaN."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise OptionError(f"a schedule's name must be text, got {type(self.name).__name__}")
        steps = increasing_steps("a schedule's steps", self.steps, None)
        params, gaps = {}, {}
        for name, values in by_name("params", self.params).items():
            params[name], lacking = values_and_gaps(f"property {name!r}", values, len(steps))
            if isinstance(values, np.ma.MaskedArray):
                gaps[name] = lacking
        for name, where in by_name("gaps", self.gaps).items():
            gaps[name] = _booleans(f"gaps of property {name!r}", where, len(steps))
        plain = {
            "steps": steps,
            "params": params,
            "gaps": gaps,
            "keyframes": checked_keyframes(self.keyframes),
            "phases": checked_moments("phases", self.phases),
            "actions": checked_moments("actions", self.actions),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)

    def gaps_of(self, name: str) -> NDArray[np.bool_]:
        """Where a property has no value, (T,) bool."""
        given = self.gaps.get(name)
        return np.isnan(self.params[name]) if given is None else given


def by_name(what: str, values: Mapping[str, V] | None) -> Mapping[str, V]:
    """Values by their names; none where there is None.

    Raises:
        OptionError: It is no mapping, or a name is no text.
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise OptionError(
            f"{what} must be arrays by their names, such as {{'lr': [...]}}, "
            f"got {printable(repr(values), 60)}"
        )
    return values


def increasing_steps(what: str, steps: object, n_steps: int | None) -> NDArray[np.int64]:
    """Step numbers, (T,) increasing.

    Args:
        what: What they are, for the error.
        steps: Whole numbers; of any dtype, if they are whole.
        n_steps: T, if that is known; at least 1 otherwise.

    Raises:
        OptionError: They are not such.
    """
    array = numbers_of(what, steps)
    shape = "(T,)" if n_steps is None else f"({n_steps},)"
    expected = f"{what} must be {shape} increasing whole numbers"
    if array.ndim != 1 or len(array) == 0 or n_steps not in (None, len(array)):
        raise OptionError(f"{expected}, got shape {array.shape}")
    if array.dtype.kind == "b":
        raise OptionError(f"{expected}, got bool")
    array = array.astype(np.float64) if array.dtype.kind == "f" else array
    odd = ~((array >= -MAX_STEP) & (array <= MAX_STEP))  # NaN, too
    if array.dtype.kind == "f":
        odd |= array != np.floor(array)
    if odd.any():
        raise OptionError(f"{expected} within {MAX_STEP}, got {array[odd][0]!s} among them")
    whole = array.astype(np.int64)
    if (falls := np.flatnonzero(np.diff(whole) <= 0)).size:
        a, b = whole[falls[0] : falls[0] + 2]
        raise OptionError(f"{expected}, got {a} before {b}")
    return whole


def values_and_gaps(
    what: str, values: object, n_steps: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A curve's values and where it has none, (T,) each; there its value is NaN.

    Args:
        what: What it is, for the error.
        values: (T,). NaN and None are gaps; in a masked array what is masked is, and NaN is NaN.
        n_steps: T.

    Raises:
        OptionError: The shape or the type is wrong.
    """
    if isinstance(values, np.ma.MaskedArray):
        gaps = np.ma.getmaskarray(values)
        values = np.ma.getdata(values)
        array = numbers_of(what, values).astype(np.float64)
        array[gaps] = np.nan
    else:
        array = numbers_of(what, values, lacking=True).astype(np.float64, copy=False)
        gaps = np.isnan(array)
    _check_shape(what, array, n_steps)
    return array, gaps


def _booleans(what: str, where: object, n_steps: int) -> NDArray[np.bool_]:
    array = numbers_of(what, where)
    _check_shape(what, array, n_steps)
    if array.dtype != bool:
        raise OptionError(f"{what} must be bool, got {array.dtype}")
    return array


def _check_shape(what: str, array: NDArray[np.generic], n_steps: int) -> None:
    if array.shape != (n_steps,):
        raise OptionError(f"{what} must be ({n_steps},), one value a step, got {array.shape}")
