"""Which numbers stand along an axis, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, takewhile

MOST = 5  # labels along a height
APART = 1.3  # labels' distance, in their height
LONGEST_PLAIN, LONGEST_USUAL = 6, 8  # digits, of any number and of one within USUAL
USUAL = (1e-3, 1e5)

MINUS = "\N{MINUS SIGN}"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ROW = (1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Ticks:
    """Values to label, their labels, and such as get a fainter line alone."""

    values: tuple[float, ...]
    labels: tuple[str, ...]
    minor: tuple[float, ...] = ()


def room_for(length_px: float, text_px: float) -> int:
    """How many labels so high an axis of that length has room for."""
    return min(MOST, int(length_px / (APART * text_px)))


def linear_ticks(low: float, high: float, *, most: int = MOST, whole: bool = False) -> Ticks:
    """Multiples of 1, 2 or 5 times a power of ten from ``low`` to ``high``.

    Args:
        low: Where the axis begins.
        high: Where it ends.
        most: How many labels there is room for; there may be two in any case.
        whole: Whole numbers only, written in full.
    """
    values = next(
        values
        for step in _steps((high - low) / (max(2, most) + 1), at_least=1.0 if whole else 0.0)
        if len(values := _multiples(step, low, high)) <= max(2, most)
    )
    labels = tuple(f"{v:.0f}" for v in values) if whole else number_labels(values)
    return Ticks(tuple(values), labels)


def log_ticks(low: float, high: float, *, length_px: float, text_px: float) -> Ticks:
    """Decades; where fewer than two are within, 1, 2 and 5 times powers of ten, or closer still.

    At least two are labelled, one of them in the lower half, unless the axis is too short for that.

    Args:
        low: Where the axis begins, above 0.
        high: Where it ends.
        length_px: How long it is.
        text_px: How high a label is.
    """
    start, span = math.log10(low), math.log10(high) - math.log10(low)

    def fits(values: Sequence[float]) -> bool:
        places = [(math.log10(v) - start) / span for v in values]
        near = [b - a for a, b in pairwise(places)]
        return (
            2 <= len(values) <= MOST
            and places[0] <= 0.5
            and min(near) * length_px >= APART * text_px
        )

    decades = _powers(low, high)
    row = [m * p for p in _powers(low / 10, high) for m in _ROW if low <= m * p <= high]
    closer = (_multiples(step, low, high) for step in _steps((high - low) / (2 * MOST)))
    even = list(takewhile(lambda values: len(values) > 1, closer))
    choices = chain(
        _strides(decades) if len(decades) > 1 else [],
        _every(row),
        even,
        *map(_every, even),
    )
    # Where there is no room for two, there is one.
    one = (decades or row or [*linear_ticks(low, high, most=2).values])[:1]
    values = next((values for values in choices if fits(values)), one)
    minor = [decade for decade in decades if decade not in values]
    return Ticks(tuple(values), number_labels(values), tuple(minor))


def number_labels(values: Sequence[float]) -> tuple[str, ...]:
    """All as plain numbers where these are short, else all as powers of ten."""
    plain = [f"{v:.10g}" for v in values]
    usual = all(v == 0 or USUAL[0] <= abs(v) < USUAL[1] for v in values)
    longest = max((len(text.lstrip("-")) for text in plain), default=0)
    if not any("e" in text for text in plain) and longest <= (
        LONGEST_USUAL if usual else LONGEST_PLAIN
    ):
        return tuple(text.replace("-", MINUS) for text in plain)
    return tuple(map(_as_power, values))


def _as_power(value: float) -> str:
    if value == 0:
        return "0"
    mantissa, exponent = f"{abs(value):.9e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPT)
    return (MINUS if value < 0 else "") + (power if mantissa == "1" else f"{mantissa}·{power}")


def _steps(least: float, *, at_least: float = 0.0) -> Iterator[float]:
    """1, 2 and 5 times powers of ten, from ``least`` upwards."""
    exponent = math.floor(math.log10(max(least, at_least, 1e-300)))
    while True:
        for m in _ROW:
            step = float(f"{m}e{exponent}")
            if step >= max(least, at_least):
                yield step
        exponent += 1


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    multiples = range(first, min(last, first + 10_000) + 1)
    # 3 * 0.1 is not 0.3; and steps of training are whole numbers with all of their digits.
    return [k * step if step >= 1 else float(f"{k * step:.12g}") for k in multiples]


def _powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [float(f"1e{k}") for k in range(first, last + 1)]


def _strides(decades: list[float]) -> Iterator[list[float]]:
    """All of them, every second and so on: those that have 1 among them first."""
    for n in range(1, len(decades)):
        yield [decade for decade in decades if round(math.log10(decade)) % n == 0]
        yield decades[::n]


def _every(values: list[float]) -> Iterator[list[float]]:
    """All of them, every second, every third and so on, each from the lowest."""
    for n in range(1, len(values)):
        yield values[::n]
