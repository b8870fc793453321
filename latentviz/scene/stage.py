"""What all frames of a film share: the page, and the panels on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..theme import Role

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def _no_steps() -> NDArray[np.int64]:
    import numpy as np

    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the page; (x, y) is its top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Cell:
    """A panel's share of the page."""

    head: Box  # a row of words, above
    body: Box


@dataclass(frozen=True)
class Panel:
    """One of the things that stand on a page; each kind is a class of its own."""

    cell: Cell


@dataclass(frozen=True)
class Categories:
    """The key of classes, in the order of their colors."""

    names: tuple[str, ...]
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Ramp:
    """The key of a scalar: a colormap's ends, and what they stand for."""

    low: float
    high: float
    colormap: str  # as matplotlib calls it


@dataclass(frozen=True, eq=False)
class Coloring:
    """The points' colors, and what these mean."""

    rgb: NDArray[np.float32]  # (N, 3) in 0..1
    key: Categories | Ramp | None = None  # None where a color stands for nothing but itself


@dataclass(frozen=True, eq=False)
class Labels:
    """Names that follow their points."""

    points: NDArray[np.int64]  # (L,) the points' numbers
    texts: tuple[str, ...]  # L
    # Where all points are at some moments of the film, the last one last: names are placed by it,
    # once, so that they do not jump. (F, N, 2), right and up, in data units; NaN for nowhere.
    moments: NDArray[np.float32]
    # Where names may be; by default in the frame, or on the part of the page that dots have.
    within: Box | None = None


@dataclass(frozen=True, eq=False)
class CloudPanel(Panel):
    """Points in the plane."""

    title: str  # above it; nothing where it is empty
    limits: float  # it shows so much to either side of its center, up and down
    dot_radius: float  # in data units
    plate_radius: float | None  # in data units, of the disc about the origin; None for no disc
    coloring: Coloring
    center: tuple[float, float] = (0.0, 0.0)  # right and up, in data units
    # Whether a line stands around it, beyond which no dot goes, with a scale; or dots may run over.
    framed: bool = False
    numbered: bool = True  # whether two numbers of the scale stand below its frame
    row_name: str = ""  # what it and those to its right have in common
    named_beside: bool = True  # whether that may stand on its left, or only before its title
    row_role: Role | None = None  # the color of that name, where curves have it too
    labels: Labels | None = None
    highlighted: NDArray[np.bool_] | None = None  # (N,) all others fade; None where none do
    # Whether it shows space, and turns about its upright axis: 0 to the right is that axis, and the
    # plate is the unit sphere.
    turns: bool = False


@dataclass(frozen=True)
class KeyPanel(Panel):
    """What the colors of points mean."""

    key: Categories | Ramp


@dataclass(frozen=True)
class CaptionPanel(Panel):
    """A line of text or two, which changes with the steps."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over the steps."""

    name: str
    values: NDArray[np.float64]  # (T,), NaN before its first value and where it is broken
    keyed: NDArray[np.int64]  # indices of the steps at which it is keyed
    role: Role  # its color
    # Indices of the steps at which it is NaN or infinite, and was not without a value.
    broken: NDArray[np.int64] = field(default_factory=_no_steps)
    raw: NDArray[np.float64] | None = None  # (T,) of which `values` are the smoothed ones
    # Indices of the few steps at which it was measured: `values` is a line from one to the next.
    measured: NDArray[np.int64] = field(default_factory=_no_steps)
    final: float | None = None  # after the last update, where that was measured


@dataclass(frozen=True, eq=False)
class Chart:
    """Curves over the same steps, in one pair of axes."""

    steps: NDArray[np.int64]  # (T,)
    curves: tuple[Curve, ...]
    log: bool
    label: str
    note: str = ""  # follows the label where there is room
    quantity: str = "value"
    brief_note: str = ""  # follows the label elsewhere
    shares: bool = False  # a linear axis shows 0 to 1, whatever the curves
    close_up: bool = False  # a linear axis shows 0 to 1, or leaves zero out, as curves need it
    parts: int | None = None  # what stands for steps counts so many parts of each run


@dataclass(frozen=True, eq=False)
class CurvesPanel(Panel):
    """A chart with a line at the step that is shown."""

    chart: Chart


@dataclass(frozen=True)
class Stage:
    """A page."""

    size: tuple[int, int]  # (width, height) in pixels
    heading: Box | None
    last_step: int  # the greatest step number, for which the heading makes room
    panels: tuple[Panel, ...]  # where dots of two overlap, the earlier panel's lie on top
    title: str = ""  # at the left of the heading
    quiet_title: bool = False  # whether it is small and muted
    scale: float | None = None  # of lines and text, 1 on 1920x1080; None for as the size has it
