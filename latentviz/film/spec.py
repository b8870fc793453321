"""A film as plain data: which steps it shows, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..backend import COLORMAP, colormap_names
from ..errors import OptionError
from ..points import LAYER, checked_texts
from ..projection import Dims, checked_names, split_names
from ..raster.layout import MAX_LIMITS, parse_size
from ..text import printable
from ..theme import THEMES
from .options import (
    FLAG,
    Plain,
    must_be,
    number_above_0,
    one_of,
    option,
    refuse_unknown,
    whole_number,
)
from .values import (
    SHOWS,
    as_captions,
    as_colormap,
    as_dims,
    as_frames,
    as_limits,
    as_pace,
    as_points,
    as_project,
    as_shows,
    as_size,
    as_steps,
    as_texts,
    as_title,
    as_titles,
    parse_caption,
    parse_plane,
    parse_steps,
    parse_titles,
    transform_names,
)

if TYPE_CHECKING:
    from ..pacing import Pace
    from ..transforms import Center, Register

FULL_SIZE = (1920, 1080)
DRAFT_SIZE = (1280, 720)
PLATES = ("auto", "on", "off")
PACES = ("bezier", "geometric", "linear")
CENTERS: tuple[Center, ...] = ("run", "step")
REGISTERS: tuple[Register, ...] = ("final", "all")
FRACTION = "fraction"
ALIGNS = ("step", FRACTION)
MAX_TRAIL = 10_000  # frames
ON_OFF = ("on", "off")
SHUTTER = "shutter"
BLURS = ("stack", SHUTTER)
WHOLE_DEG = 360.0
TURN_S, MAX_TURN_S = 12.0, 3600.0
GROUNDS = ("theme", "white", "transparent")


@dataclass(frozen=True, kw_only=True)
class FilmSpec(Plain):
    """How a film looks. The defaults are those of `latentviz render`."""

    dims: Sequence[Dims] | Literal["auto"] | None = option(
        help="Draw dimension I to the right and J up; repeat for more projections side by side. "
        "With K, which is depth, the panel turns about its upright axis. "
        "auto draws the dimensions of largest spread; with --project, the first components.",
        default="1,0 and 1,2 and 3,2; auto with --project, and for more than four dimensions",
        convert=as_dims,
        parse=parse_plane,
        metavar="I,J[,K]",
        is_repeated=True,
    )
    """Pairs of dimensions, or of components, (right, up), one a projection, or ``auto``; by default
    (1,0), (1,2), (3,2) of up to four dimensions. Three, (right, up, depth), turn."""
    names: Sequence[str] = option(
        (),
        help="Names for the projections' titles, in order, separated by commas.",
        convert=lambda name, value: checked_names(value),
        parse=split_names,
        metavar="NAME,...",
    )
    """Names for the projections' titles, in order."""
    titles: Sequence[str] | str = option(
        "auto",
        help="Titles of the projections in place of their own, in order, separated by commas; an "
        "empty one drops its own. off drops all, and their room goes to the panels.",
        default="auto, the dimensions such as [1,0]",
        convert=as_titles,
        parse=parse_titles,
        metavar="TITLE,...",
    )
    """Titles of the projections in place of their own, in order, row by row; ``auto`` for their
    own; ``off`` for none."""
    title: str | None = option(
        help="A title at the left of the heading. An empty one drops it.",
        default="the name of the run; none where points are colors",
        convert=as_title,
        metavar="TEXT",
    )
    """A title at the left of the heading; by default the run's name, unless points are colors;
    empty for none."""
    heading: str = option(
        "on",
        help="Write the title, the step and the speed above the panels; off gives the panels their "
        "room.",
        convert=one_of(ON_OFF),
        choices=ON_OFF,
    )
    """Whether there is a heading: ``on`` or ``off``."""
    charts: str = option(
        "on",
        help="Draw the curves over the steps; off gives the points their room.",
        convert=one_of(ON_OFF),
        choices=ON_OFF,
    )
    """Whether there are curves over the steps: ``on`` or ``off``."""
    captions: Sequence[tuple[tuple[int | None, int | None], str]] = option(
        (),
        help="Write TEXT below the panels at the steps from A up to, but not including, B; either "
        "may be left out. Repeat for more; where several are at a step, the last one is shown.",
        default="none",
        convert=as_captions,
        parse=parse_caption,
        flag="caption",
        metavar="A:B:TEXT",
        is_repeated=True,
    )
    """Lines of text below the panels, each ((first, stop), text), as for `steps`."""
    project: object = option(
        help="Draw the latents through a transform: pca, pca@final, pca@STEP, classes, umap, "
        "matrix:FILE.npy or rows:TENSOR@STEP. --dims then counts its components.",
        default="none; the latents' own dimensions",
        convert=as_project,
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
        convert=as_size,
        parse=parse_size,
        metavar="WxH",
    )
    """(width, height) in pixels, both even."""
    frames: int = option(
        1000,
        help="Frames to ask for; the film leaves out those that would show nothing new.",
        convert=as_frames,
        parse=int,
    )
    """How many frames to ask the pace for; frames that would show nothing new are dropped."""
    pace: Pace | str = option(
        "bezier",
        help="Which steps each frame shows: bezier[:X1,Y1,X2,Y2], geometric[:OFFSET] or "
        "linear[:STRIDE].",
        default="bezier:0.42,0,0.95,1",
        convert=as_pace,
        metavar="PACE",
        complete=lambda: PACES,
    )
    """Which recorded steps each frame shows; a string is as on the command line."""
    steps: tuple[int | None, int | None] = option(
        (None, None),
        help="Show only the recorded steps from A up to, but not including, B.",
        default="all",
        convert=as_steps,
        parse=parse_steps,
        metavar="A:B",
    )
    """Show only the recorded steps from the first up to, and without, the second."""
    blur: str = option(
        "stack",
        help="How the steps of a frame are drawn: stacked, the later over the earlier; or as a "
        "shutter sees them, each whole, their light averaged for as long as it is open. A still "
        "point looks the same.",
        convert=one_of(BLURS),
        choices=BLURS,
    )
    """How the steps of a frame are drawn: ``stack``, the later over the earlier; or ``shutter``,
    averaged in linear light."""
    shutter: float | None = option(
        help="With --blur shutter: for how long of each frame it is open, up to its end, in "
        "degrees; 360 is all of it.",
        default="360",
        convert=number_above_0(WHOLE_DEG),
        parse=float,
        metavar="DEGREES",
    )
    """For how long of each frame the shutter is open, in degrees, above 0 and at most 360, which is
    the default; with blur ``shutter``."""
    interpolate: bool = option(
        False,
        help="Where frames are more than steps, move points between recorded steps on straight "
        "lines; the heading says so. For the paces bezier and geometric.",
        convert=FLAG,
        parse=bool,
    )
    """Move points between recorded steps on straight lines, where frames are more than steps."""
    turn: float | None = option(
        help="Turn panels of three dimensions once in so many seconds of the film.",
        default="12",
        convert=number_above_0(MAX_TURN_S),
        parse=float,
        metavar="SECONDS",
    )
    """In how many seconds panels of three dimensions turn once; by default 12."""
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
        convert=as_limits,
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
        convert=as_shows,
        choices=SHOWS,
        is_repeated=True,
    )
    """Panels more below: ``explained``, the share of each step's variance that each projection
    holds."""
    theme: str = option(
        "dark", help="Color theme.", convert=one_of(tuple(THEMES)), choices=tuple(THEMES)
    )
    """``dark`` or ``light``."""
    ground: str = option(
        "theme",
        help="The ground of the page: the theme's; white, for paper, with the colors of the light "
        "theme; or transparent, in PNG, WebP, WebM, SVG and PDF.",
        convert=one_of(GROUNDS),
        choices=GROUNDS,
    )
    """The ground of the page: ``theme``; ``white``, with the colors of the light theme; or
    ``transparent``."""
    colormap: str = option(
        COLORMAP,
        help="Matplotlib colormap for points colored by a scalar.",
        convert=as_colormap,
        metavar="NAME",
        complete=colormap_names,
    )
    """A matplotlib colormap, for points that are colored by a scalar."""
    label: Sequence[str] = option(
        (),
        help="Write names beside points: their numbers or names, separated by commas, the name of "
        "a class (class:NAME or name:NAME where one is a number), or all; repeat for more.",
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
        convert=as_points,
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

    run_names: Sequence[str] | None = option(
        help="Names of the runs, in order, separated by commas.",
        default="those of their files",
        convert=as_texts,
        parse=split_names,
        metavar="NAME,...",
    )
    """Names of several runs, in order; by default those of their files."""
    align: str = option(
        "step",
        help="Show several runs at the same step; or at the same fraction of each. A run that has "
        "ended stays as it is.",
        convert=one_of(ALIGNS),
        choices=ALIGNS,
    )
    """By what several runs share a clock: ``step``, the same step number; or ``fraction``, the
    same share of each run."""
    register: Register | None = option(
        help="Turn each further run onto the first, by the one orthogonal matrix that brings "
        "corresponding points closest, at the final state or over all steps that both have.",
        default="none",
        convert=one_of(REGISTERS),
        choices=REGISTERS,
    )
    """``final`` or ``all``: turn each further run onto the first, fitted at the state after the
    last update, or over all steps that both have."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layer is not None and self.points:
            raise OptionError(
                f"layer is short for points layer:{printable(self.layer)}, and points are given; "
                "give one of them"
            )
        if self.names and self.titles != "auto":
            raise OptionError(
                "names follow the titles of the projections, and titles replace them; give one"
            )
        if self.title and self.heading == "off":
            raise OptionError("the title stands in the heading; give one, or heading on")
        if self.captions and self.align == FRACTION:
            raise OptionError(
                "captions are at steps, and runs aligned by their fractions are at different ones"
            )
        if self.shutter is not None and self.blur != SHUTTER:
            raise OptionError("shutter is of blur shutter; give that too")
        if self.blur == SHUTTER and self.ground == "transparent":
            raise OptionError(
                "a shutter adds up light, which a transparent ground has none of; give another "
                "ground, or blur stack"
            )
        if self.show and self.charts == "off":
            raise OptionError("show is of a chart; give one, or charts on")

    @property
    def shutter_deg(self) -> float | None:
        """For how long of each frame a shutter is open; None where there is none."""
        if self.blur != SHUTTER:
            return None
        return WHOLE_DEG if self.shutter is None else self.shutter

    @property
    def sources(self) -> tuple[str, ...]:
        """The points to draw, in rows; none, where these are the run's own."""
        return tuple(self.points or ()) if self.layer is None else (f"{LAYER}:{self.layer}",)


def film_spec(spec: FilmSpec | None, options: dict[str, Any]) -> FilmSpec:
    """The spec, or that of keywords.

    Raises:
        OptionError: Both are given, or an option is unknown or bad.
    """
    if spec is None:
        refuse_unknown(FilmSpec, options)
        return FilmSpec(**options)
    if options:
        raise OptionError("give spec= or keywords, not both")
    return spec
