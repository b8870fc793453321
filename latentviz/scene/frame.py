"""What one frame shows: words above, and for each panel of the stage what moves in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# The longest words of a heading, before its number and without one: a title keeps clear of them.
AFTER_STEP, AFTER_LAST = "after step", "after the last update"


@dataclass(frozen=True)
class Heading:
    """What stands above a frame."""

    words: str  # what the number is; without one they stand alone
    number: str = ""
    speed: str = ""
    note: str = ""  # at the end of the row, where there is room


@dataclass(frozen=True)
class Part:
    """What moves in a panel; each kind of panel has a class of its own."""


@dataclass(frozen=True, eq=False)
class Trails:
    """The paths of some points over the last frames."""

    points: NDArray[np.int64]  # (M,) the points' numbers
    paths: NDArray[np.float32]  # (M, k, 2) the oldest place first, in data units; NaN for nowhere


@dataclass(frozen=True, eq=False)
class Cloud(Part):
    """What moves in a `CloudPanel`: its points, each drawn once a sub-step.

    A later sub-step covers the earlier ones of its point, a point that is later in the order covers
    the earlier ones whole.
    """

    xy: NDArray[np.float32]  # (N, n, 2): point, sub-step, right and up in data units; NaN for none
    alpha: float  # of each sub-step
    order: NDArray[np.int64]  # (N,) the points' numbers, the lowest first
    n_left_out: int = 0  # points that are not finite at some sub-step, where they are NaN
    faded_alpha: float | None = None  # of each sub-step of a point that is not highlighted
    trails: Trails | None = None
    # (N,) how much of its color each point keeps, the less the farther it is; None for all of it.
    shade: NDArray[np.float32] | None = None
    note: str = ""  # of the points, such as that their run has ended
    # (n,) how long a shutter sees each sub-step, 1 in all: they are drawn one by one, each as
    # opaque as all would be in one place, and their light is averaged. None where they are stacked.
    shares: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Cursor(Part):
    """What moves in a `CurvesPanel`: the line at a step."""

    step: int


@dataclass(frozen=True)
class Caption(Part):
    """What a `CaptionPanel` says."""

    text: str  # may be empty


@dataclass(frozen=True)
class Still(Part):
    """The part of a panel in which nothing moves."""


@dataclass(frozen=True)
class Scene:
    """What one frame shows."""

    heading: Heading
    parts: tuple[Part, ...]  # one for each panel of the stage
