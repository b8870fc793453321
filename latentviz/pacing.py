"""Which recorded steps each frame shows.

Training moves fast early and slowly later, so frames need not be evenly spaced. A pace gives each
frame's first recorded step as an index; a frame covers all from there up to the next frame's, so
none is ever dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .easing import Point, cubic_bezier
from .errors import OptionError

MAX_FRAMES = 1_000_000  # nine hours at 30 a second
MAX_OFFSET = 1e12


class Pace(Protocol):
    """Chooses each frame's first recorded step."""

    def __call__(self, n_steps: int, n_frames: int) -> NDArray[np.int64]:
        """Indices (F,) int64 of recorded steps, increasing; F may be less than ``n_frames``."""
        ...


@dataclass(frozen=True)
class BezierPace:
    """Eased by a cubic Bézier over the length of the film."""

    cp1: Point = (0.42, 0.0)
    cp2: Point = (0.95, 1.0)

    def __call__(self, n_steps: int, n_frames: int) -> NDArray[np.int64]:
        """See `Pace`."""
        progress = cubic_bezier(np.linspace(0.0, 1.0, n_frames), self.cp1, self.cp2)
        # A control point above 1 or below 0 overshoots; the recorded steps end there.
        indices = np.clip(np.rint(progress * (n_steps - 1)), 0, n_steps - 1)
        return np.unique(indices.astype(np.int64))


@dataclass(frozen=True)
class GeometricPace:
    """Each stride a constant factor longer than the one before; ``offset`` tames the first."""

    offset: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.offset <= MAX_OFFSET:
            raise OptionError(
                f"a geometric pace's offset must be above 0 and at most {MAX_OFFSET:g}, "
                f"got {self.offset:g}"
            )

    def __call__(self, n_steps: int, n_frames: int) -> NDArray[np.int64]:
        """See `Pace`."""
        ends = np.geomspace(self.offset, n_steps + self.offset, n_frames, endpoint=False)
        indices = ends.astype(np.int64) - int(self.offset)
        return np.unique(np.clip(indices, 0, n_steps - 1))


@dataclass(frozen=True)
class LinearPace:
    """Every ``stride``-th step, however many frames that makes."""

    stride: int = 1

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise OptionError(f"a linear pace's stride must be 1 or more, got {self.stride}")

    def __call__(self, n_steps: int, n_frames: int) -> NDArray[np.int64]:
        """See `Pace`."""
        return np.arange(0, n_steps, self.stride, dtype=np.int64)


def parse_pace(text: str) -> Pace:
    """A pace as the command line spells it.

    ``bezier``, ``bezier:X1,Y1,X2,Y2``, ``geometric``, ``geometric:OFFSET``, ``linear`` or
    ``linear:STRIDE``.

    Raises:
        OptionError: It is none of these.
    """
    name, _, rest = text.partition(":")
    values = rest.split(",") if rest else []
    try:
        match name, values:
            case "bezier", []:
                return BezierPace()
            case "bezier", [x1, y1, x2, y2]:
                pace = BezierPace((float(x1), float(y1)), (float(x2), float(y2)))
                cubic_bezier(0.0, pace.cp1, pace.cp2)  # refuses a curve that runs backwards
                return pace
            case "geometric", []:
                return GeometricPace()
            case "geometric", [offset]:
                return GeometricPace(float(offset))
            case "linear", []:
                return LinearPace()
            case "linear", [stride]:
                return LinearPace(int(stride))
    except OptionError:
        raise
    except ValueError:  # not a number; said below
        pass
    raise OptionError(
        "pace must be bezier, bezier:X1,Y1,X2,Y2, geometric, geometric:OFFSET, linear or "
        f"linear:STRIDE, got {text!r}"
    )


def pace_text(pace: Pace) -> str | None:
    """What `parse_pace` takes for that pace; None if it is none of its own."""
    match pace:
        case BezierPace(cp1, cp2):
            return f"bezier:{','.join(map(_number_text, (*cp1, *cp2)))}"
        case GeometricPace(offset):
            return f"geometric:{_number_text(offset)}"
        case LinearPace(stride):
            return f"linear:{stride}"
        case _:
            return None


def _number_text(number: float) -> str:
    """All digits of a number, and no more."""
    return repr(float(number)).removesuffix(".0")


@dataclass(frozen=True)
class Frame:
    """A frame of a film: which recorded steps it shows, as indices ``start`` to ``stop - 1``.

    Attributes:
        index: Its number.
        start: The first recorded step.
        stop: The index after the last.
        after: Whether it shows what followed the last one's update, too.
        between: The moments that it shows in place of these, between recorded steps and at them, as
            indices with a fraction; None where it shows recorded steps alone.
        end: With these, the index with a fraction at which the next frame begins.
    """

    index: int
    start: int
    stop: int
    after: bool = False
    between: tuple[float, ...] | None = None
    end: float = 0.0

    @property
    def stride(self) -> int:
        """How many recorded steps it covers."""
        return self.stop - self.start


def frames(pace: Pace, n_steps: int, n_frames: int) -> list[Frame]:
    """The frames of a film of ``n_steps`` recorded steps, which they cover without a gap.

    Raises:
        OptionError: ``n_frames`` is out of range.
    """
    if not 1 <= n_frames <= MAX_FRAMES:
        raise OptionError(f"frames must lie within 1 to {MAX_FRAMES}, got {n_frames}")
    starts = pace(n_steps, n_frames)
    stops = np.append(starts[1:], n_steps)
    return [
        Frame(i, int(start), int(stop))
        for i, (start, stop) in enumerate(zip(starts, stops, strict=True))
    ]
