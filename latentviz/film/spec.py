"""A film as plain data: which steps it shows, how it looks, how it is encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Self

from ..errors import OptionError
from ..points import LAYER, Points, checked_texts
from ..projection import AUTO, checked_names, parse_dims, split_names
from ..raster.layout import MAX_LIMITS, check_limits, check_size, parse_size
from ..text import printable
from ..theme import THEMES
from ..video.formats import PRESETS, parse_fps
from .options import (
    WHOLE_NUMBER,
    is_number,
    is_whole,
    must_be,
    number_above_0,
    one_of,
    option,
    options_of,
    refuse_unknown,
    settle,
    whole_number,
)

if TYPE_CHECKING:
    from ..pacing import Pace
    from ..transforms import Center

FULL_SIZE = (1920, 1080)
DRAFT_SIZE = (640, 360)
PLATES = ("auto", "on", "off")
PACES = ("bezier", "geometric", "linear")
CENTERS: tuple[Center, ...] = ("run", "step")
EXPLAINED = "explained"
SHOWS = (EXPLAINED,)
COLORMAP = "viridis"
MAX_HOLD_S = 3600.0
MAX_TRAIL = 10_000  # frames
MAX_ROWS = 8  # of projections


def _is_pair(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(map(is_whole, value))


def _whole_pair(value: Sequence[Any]) -> tuple[int, int]:
    return int(value[0]), int(value[1])


def _are_pairs(value: object) -> bool:
    return isinstance(value, Sequence) and all(map(_is_pair, value))


def _dims(name: str, value: Any) -> tuple[tuple[int, int], ...] | str:
    if isinstance(value, str | list | tuple) and value in (AUTO, [AUTO], (AUTO,)):
        return AUTO
    if not _are_pairs(value):
        raise OptionError(
            f"dims must be pairs of dimensions, [(1, 0), (1, 2)], or auto alone, got {value!r}"
        )
    return tuple(map(_whole_pair, value))


def _parse_dims(text: str) -> tuple[int, int] | str:
    return text if text == AUTO else parse_dims(text)


def _project(name: str, value: Any) -> Any:
    """A transform as text, in one spelling; as itself where no text says it."""
    from ..transforms import as_transform

    transform = as_transform(value)
    return transform.text or transform


def transform_names() -> list[str]:
    """Those that can stand alone, and how the others begin."""
    from ..transforms import TRANSFORMS

    return list(TRANSFORMS)


def _is_range(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(end is None or is_whole(end) for end in value)
    )


def _size(name: str, value: Any) -> tuple[int, int]:
    size: tuple[int, int] = must_be("(width, height)", _is_pair, _whole_pair)(name, value)
    return check_size(size)


def _pace(name: str, value: Pace | str) -> Pace | str:
    """A pace of ours as text, in one spelling; any other as it is."""
    from ..pacing import pace_text, parse_pace

    if not isinstance(value, str) and not callable(value):
        raise OptionError(f"pace must be a pace, or text such as 'linear:10', got {value!r}")
    return pace_text(parse_pace(value) if isinstance(value, str) else value) or value


def _frames(name: str, value: Any) -> int:
    from ..pacing import MAX_FRAMES

    return whole_number(1, MAX_FRAMES)(name, value)


def _limits(name: str, value: Any) -> float:
    check_limits(value)
    return float(value)


def _colormap(name: str, value: Any) -> str:
    if value != COLORMAP and value not in colormap_names():
        raise OptionError(f"matplotlib has no colormap {value!r}; {COLORMAP} is one")
    return str(value)


def _shows(name: str, value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence):
        raise OptionError(f"show must be a list of {', '.join(SHOWS)}, got {value!r}")
    return tuple(dict.fromkeys(one_of(SHOWS)(name, item) for item in items))


def _points(name: str, value: Any) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or len(texts) > MAX_ROWS:
        raise OptionError(
            f"points must be texts such as 'rows:embed.weight', {MAX_ROWS} at most, got "
            f"{printable(repr(value), 60)}"
        )
    found = tuple(Points.parse(text).text for text in texts)
    if len(set(found)) < len(found):
        raise OptionError(f"points must differ, got {printable(', '.join(found))}")
    return found


def _fps(name: str, value: Any) -> str:
    fps = parse_fps(str(value))
    return f"{fps.numerator}/{fps.denominator}" if fps.denominator > 1 else str(fps.numerator)


def _hold(name: str, value: Any) -> float:
    if not (is_number(value) and 0 <= value <= MAX_HOLD_S):
        raise OptionError(f"hold must be 0 to {MAX_HOLD_S:g} seconds, got {value!r}")
    return float(value)


def colormap_names() -> list[str]:
    """Matplotlib's."""
    from ..backend import import_matplotlib

    import_matplotlib()
    from matplotlib import colormaps

    return list(colormaps)


def parse_steps(text: str) -> tuple[int | None, int | None]:
    """A range of steps, ``A:B``, either of which may be left out.

    Raises:
        OptionError: The text is no such range.
    """
    first, colon, stop = text.partition(":")
    try:
        if not colon:
            raise ValueError
        a, b = (int(first) if first else None), (int(stop) if stop else None)
        if min(a or 0, b or 0) < 0:
            raise ValueError
    except ValueError:
        raise OptionError(
            "steps must be A:B, whole numbers of 0 or more, either of which may be left out, "
            f"got {text!r}"
        ) from None
    return a, b


class _Plain:
    """A frozen dataclass of options, which checks its values when it is made."""

    def __post_init__(self) -> None:
        settle(self)

    def to_dict(self) -> dict[str, Any]:
        """All options, as values that JSON and TOML can hold; None where one is not given.

        Raises:
            OptionError: A pace is a function of yours, which has no such value.
        """
        values = {name: getattr(self, name) for name in options_of(type(self))}
        return {name: _jsonable(name, value) for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The spec of the values that `to_dict` gave; a missing value, or None, means the default.

        Raises:
            OptionError: There is no such option, or a value is bad.
        """
        refuse_unknown(cls, values)
        return cls(**{name: value for name, value in values.items() if value is not None})


@dataclass(frozen=True, kw_only=True)
class FilmSpec(_Plain):
    """How a film looks. The defaults are those of `latentviz render`."""

    dims: Sequence[tuple[int, int]] | Literal["auto"] | None = option(
        help="Draw dimension I to the right and J up; repeat for more projections side by side. "
        "auto draws the dimensions of largest spread; with --project, the first components.",
        default="1,0 and 1,2 and 3,2; auto with --project, and for more than four dimensions",
        convert=_dims,
        parse=_parse_dims,
        metavar="I,J",
        is_repeated=True,
    )
    """Pairs of dimensions, or of components, (right, up), one a projection, or ``auto``; by default
    (1,0), (1,2), (3,2) of up to four dimensions."""
    names: Sequence[str] = option(
        (),
        help="Names for the projections' titles, in order, separated by commas.",
        convert=lambda name, value: checked_names(value),
        parse=split_names,
        metavar="NAME,...",
    )
    """Names for the projections' titles, in order."""
    project: object = option(
        help="Draw the latents through a transform: pca, pca@final, pca@STEP, classes, umap, "
        "matrix:FILE.npy or rows:TENSOR@STEP. --dims then counts its components.",
        default="none; the latents' own dimensions",
        convert=_project,
        metavar="TRANSFORM",
        complete=transform_names,
    )
    """A transform by the text of the command line, as an array (D, k), or as a function that makes
    (n, N, k) of (n, N, D); by default the latents' own dimensions are drawn."""
    center: Center | None = option(
        help="Take the points that --project draws from their mean over the run, or each step's "
        "from that step's own.",
        default="run for pca and classes, none for matrix and rows",
        convert=one_of(CENTERS),
        choices=CENTERS,
    )
    """``run`` or ``step``: what the points of a transform are taken from."""
    size: tuple[int, int] = option(
        FULL_SIZE,
        help="Size in pixels, both even, each 120 to 8192. From 640x360 on there are panels below.",
        default="1920x1080",
        convert=_size,
        parse=parse_size,
        metavar="WxH",
    )
    """(width, height) in pixels, both even."""
    frames: int = option(
        1000,
        help="Frames to ask for; the film leaves out those that would show nothing new.",
        convert=_frames,
        parse=int,
    )
    """How many frames to ask the pace for; frames that would show nothing new are dropped."""
    pace: Pace | str = option(
        "bezier",
        help="Which steps each frame shows: bezier[:X1,Y1,X2,Y2], geometric[:OFFSET] or "
        "linear[:STRIDE].",
        default="bezier:0.42,0,0.95,1",
        convert=_pace,
        metavar="PACE",
        complete=lambda: PACES,
    )
    """Which recorded steps each frame shows; a string is as on the command line."""
    steps: tuple[int | None, int | None] = option(
        (None, None),
        help="Show only the recorded steps from A up to, but not including, B.",
        default="all",
        convert=must_be("(first, stop), either of which may be None", _is_range, tuple),
        parse=parse_steps,
        metavar="A:B",
    )
    """Show only the recorded steps from the first up to, and without, the second."""
    alpha: float | None = option(
        help="Opacity of a still dot, 0 to 1.",
        default="0.9, less for more than 1000 points, unless they are colors",
        convert=number_above_0(1),
        parse=float,
    )
    """Opacity of a still dot, above 0 and at most 1; by default 0.9, and less for more than 1000
    points that are no colors."""
    dot_radius: float | None = option(
        help="Radius of a dot in data units.",
        default="0.07 of the limits, 0.105 for 1.5, of points that are colors; others have smaller "
        "dots, the more there are",
        convert=number_above_0(MAX_LIMITS, called="a dot's radius"),
        parse=float,
    )
    """Radius of a dot in data units; by default 0.07 of the limits where points are colors, and
    elsewhere the smaller the more points there are."""
    limits: float | None = option(
        help="Show -LIMITS..LIMITS up and down; marks at the edge show points that lie beyond.",
        default="all dots at all steps, but for a few that run away: of points that are colors 1.5 "
        "or a round number above it, of others each projection's own, around their middle",
        convert=_limits,
        parse=float,
    )
    """Each projection shows -limits..limits, up and down. By default it holds all dots at all steps
    of the film, but for a few that run away (see `Reach.kept`). Of points that are colors, all show
    1.5 or a round number above it; of others, each shows what it needs, around the middle of its
    points. What lies beyond is marked at the edge."""
    plate: str = option(
        "auto",
        help="Draw the unit disc behind the dots. 'auto' draws it behind latents in their own "
        "dimensions, if the points are colors or fill it: coordinates reach as far as 0.5, none "
        "beyond 1.5, and there are at most 8 dimensions, or all norms are at most 1.1.",
        convert=one_of(PLATES),
        choices=PLATES,
    )
    """Whether the unit disc is drawn: ``auto``, ``on`` or ``off``. Where it is, the origin is in
    the middle."""
    show: Sequence[str] = option(
        (),
        help="Show a panel more below: explained, the share of each step's variance that each "
        "projection holds.",
        convert=_shows,
        choices=SHOWS,
        is_repeated=True,
    )
    """Panels more below: ``explained``, the share of each step's variance that each projection
    holds."""
    theme: str = option(
        "dark", help="Color theme.", convert=one_of(tuple(THEMES)), choices=tuple(THEMES)
    )
    """``dark`` or ``light``."""
    colormap: str = option(
        COLORMAP,
        help="Matplotlib colormap for points colored by a scalar.",
        convert=_colormap,
        metavar="NAME",
        complete=colormap_names,
    )
    """A matplotlib colormap, for points that are colored by a scalar."""
    label: Sequence[str] = option(
        (),
        help="Write names beside points: their numbers or names, separated by commas, the name of "
        "a class (class:NAME where it is a number), or all; repeat for more.",
        default="none",
        convert=checked_texts,
        metavar="POINTS",
        is_repeated=True,
    )
    """The points that have their names beside them: numbers, names, a class, or ``all``."""
    highlight: Sequence[str] = option(
        (),
        help="Let these points stand out, as for --label; all others fade.",
        default="none",
        convert=checked_texts,
        metavar="POINTS",
        is_repeated=True,
    )
    """The points that stand out, as for `label`; all others fade."""
    trail: int = option(
        0,
        help="Draw the paths of the highlighted points over the last K frames, fading.",
        default="none",
        convert=whole_number(0, MAX_TRAIL),
        parse=int,
        metavar="K",
    )
    """Over how many frames the paths of the highlighted points reach back; 0 for none."""
    points: Sequence[str] = option(
        (),
        help="The points that are drawn: layer:NAME, rows:TENSOR or columns:TENSOR; repeat for a "
        "row of projections each. Rows and columns are of a tensor of the state, flattened after "
        "its first axis, such as rows:embed.weight; they need neither a model nor a probe.",
        default="as the run was recorded, or the first layer",
        convert=_points,
        metavar="POINTS",
        is_repeated=True,
    )
    """The points that are drawn, such as ``rows:embed.weight``; of several, each has a row."""
    layer: str | None = option(
        help="The layer whose latents are drawn, short for --points layer:NAME; lstm:1 is the "
        "second item of the output of lstm.",
        default="the first that was recorded",
        convert=must_be("a layer's name", lambda value: isinstance(value, str), str),
        metavar="NAME",
    )
    """The layer whose latents are drawn; short for points ``layer:NAME``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layer is not None and self.points:
            raise OptionError(
                f"layer is short for points layer:{printable(self.layer)}, and points are given; "
                "give one of them"
            )

    @property
    def sources(self) -> tuple[str, ...]:
        """The points to draw, in rows; none, where these are the run's own."""
        return tuple(self.points or ()) if self.layer is None else (f"{LAYER}:{self.layer}",)


@dataclass(frozen=True, kw_only=True)
class EncodingSpec(_Plain):
    """How a film is encoded; None is the default of its format."""

    fps: str | float | Fraction | None = option(
        help="Frames a second, e.g. 30 or 30000/1001; at most 50 in a GIF and 90 in a WebP. Not "
        "for numbered frames.",
        default="30; 20 in a GIF",
        convert=_fps,
        metavar="RATE",
    )
    crf: int | None = option(
        help="Quality of H.264, from 1 (best) to 51 (smallest), or of VP9, to 63.",
        default="23; 35 in a WebM",
        convert=WHOLE_NUMBER,
        parse=int,
    )
    preset: str | None = option(
        help="The preset of x264, for H.264: how much effort it takes.",
        default="medium",
        convert=must_be("text", lambda value: isinstance(value, str), str),
        metavar="NAME",
        complete=lambda: PRESETS,
    )
    quality: int | None = option(
        help="Quality of a WebP, from 0 (smallest) to 100 (best).",
        default="75",
        convert=WHOLE_NUMBER,
        parse=int,
    )
    loop: int | None = option(
        help="Play a GIF or a WebP N times; 0 plays it for ever.",
        default="0",
        convert=WHOLE_NUMBER,
        parse=int,
        metavar="N",
    )
    hold: float | None = option(
        help="Show the last frame for so much longer, so that a loop can be read. Not for numbered "
        "frames.",
        default="1.5",
        convert=_hold,
        parse=float,
        metavar="SECONDS",
    )


def _jsonable(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return [_jsonable(name, item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise OptionError(f"{name} is {type(value).__name__}, which cannot be written down")
