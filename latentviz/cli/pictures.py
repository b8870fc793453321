"""The still pictures: `slices`, `errors`, `timeline`, `history`, `sphere`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import OptionError
from ..projection import split_names
from ..raster.layout import parse_size
from .group import examples, main
from .options import (
    SEVERAL_RUNS,
    Command,
    all_opened,
    decorated,
    drawing_beside,
    given,
    mark_options,
    opened,
    project_options,
    run_options,
    runs_options,
    several_runs_options,
)

if TYPE_CHECKING:
    from ..figures.picture import Picture


theme_option = click.option(
    "--theme", type=click.Choice(["dark", "light"]), help="Color theme. Default: dark."
)


def _only_one(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> str | None:
    """The one value that was given, if any was."""
    if len(given) > 1:
        raise OptionError(f"a picture shows one of these points; give --{param.name} once")
    return given[0] if given else None


points_option = click.option(
    "--points",
    multiple=True,
    callback=_only_one,
    metavar="POINTS",
    help="The points that are drawn: layer:NAME, rows:TENSOR or columns:TENSOR. Default: as the "
    "run was recorded, or the first layer.",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the picture's figures as JSON, for other programs.",
)


def sheet_options(size: str, *, vector: bool) -> Callable[[Command], Command]:
    """Where a picture goes, and what all pictures have in common.

    Args:
        size: The default, for the help.
        vector: Whether it can be saved as SVG and PDF.
    """
    formats = ".png, .svg or .pdf" if vector else ".png"
    width, height = parse_size(size)

    def decorate(command: Command) -> Command:
        decorators = [
            click.option(
                "-o", "--output", required=True, type=click.Path(path_type=Path),
                help=f"The picture to write: {formats}.",
            ),
            click.option(
                "--size", metavar="WxH",
                help=f"Size in pixels, from {width // 2}x{height // 2} on. Default: {size}.",
            ),
            theme_option,
            json_option,
        ]  # fmt: skip
        return decorated(command, decorators)

    return decorate


def picture_options(size: str, *, vector: bool) -> Callable[[Command], Command]:
    """`sheet_options`, and the run to read."""

    def decorate(command: Command) -> Command:
        return decorated(command, [run_options, sheet_options(size, vector=vector)])

    return decorate


def step_option(command: Command) -> Command:
    """Which step a picture shows."""
    decorate = click.option(
        "--step", type=int, help="A recorded step. Default: the state after the last update."
    )
    return decorate(command)


def write(
    plot: Callable[..., Picture],
    *,
    run: Path,
    model: str | None,
    max_bytes: int | None,
    output: Path,
    size: str | None,
    as_json: bool,
    vector: bool,
    summary: Callable[[dict[str, Any]], str] | None = None,
    beside: str | None = None,
    **options: Any,
) -> None:
    """Draw a picture of a run, and `publish` it; ``beside`` is the work of a `Beside`."""
    from ..figures.picture import check_picture_path

    check_picture_path(output, vector=vector)
    options["size"] = None if size is None else parse_size(size)
    with drawing_beside(beside, output) as painter, opened(run, model, max_bytes) as source:
        picture = plot(source, **given(**options, beside=painter))
    publish(picture, output, as_json=as_json, summary=summary)


def publish(
    picture: Picture,
    output: Path,
    *,
    as_json: bool,
    summary: Callable[[dict[str, Any]], str] | None = None,
) -> None:
    """Save a picture, and say so."""
    picture.save(output)
    more = f"; {summary(dict(picture.data))}" if summary else ""
    tell(picture, output, f"{picture.title}{more}", as_json=as_json)


def tell(picture: Picture, output: Path, words: str, *, as_json: bool) -> None:
    """Say that a picture was written: in words, or all that there is to know of it as JSON."""
    if as_json:
        about = {"picture": str(output), "alt": picture.alt, **picture.data}
        click.echo(json.dumps(about, indent=2))
        return
    click.echo(f"{output}: {words}")


@main.command(epilog=examples("latentviz slices run.npz -o slices.png"))
@picture_options("1600x800", vector=True)
@step_option
@click.option("--true-colors", is_flag=True, help="Show the true colors alone.")
def slices(**options: Any) -> None:
    """Draw the HSV cube of RUN's colors, cut at four saturations.

    Hue runs across, and value up. Each cell is filled with the reconstruction of its color, and an
    inner square shows the true one.
    """
    from ..figures.slices import SLICES, plot_slices

    write(plot_slices, vector=True, summary=_errors, beside=SLICES, **options)


@main.command(epilog=examples("latentviz errors run.npz -o errors.png --step 5000"))
@picture_options("1600x1000", vector=True)
@step_option
def errors(**options: Any) -> None:
    """Draw the errors of RUN's reconstruction of the HSV cube, and print the largest.

    The picture shows the mean squared error of 552,960 colors. Lines in the colors themselves run
    along hue, saturation and value through the full colors, on one linear axis. Images show the
    cube, cut at four saturations. The command also prints the median.
    """
    from ..figures.errors import plot_errors

    write(plot_errors, vector=True, summary=_errors, **options)


@main.command(epilog=examples("latentviz timeline run.npz -o schedule.svg --theme light"))
@picture_options("1600x900", vector=True)
def timeline(**options: Any) -> None:
    """Draw the schedule of RUN: every property over steps.

    Keyframes, phases and actions are marked. Properties of comparable scale share a panel; the
    learning rate has one of its own.
    """
    from ..figures.timeline import plot_timeline

    write(plot_timeline, vector=True, **options)


@main.command(
    epilog=examples(
        "latentviz history run.npz -o history.png --dims 0,1 --dims 0,2",
        "latentviz history a.npz b.npz -o both.png --project pca --register final",
    )
)
@runs_options
@sheet_options("1600x900", vector=True)
@step_option
@click.option(
    "--dims",
    multiple=True,
    metavar="I,J",
    help="Draw dimension I to the right and J up; repeat for more projections. The thumbnails show "
    "the first. auto draws the dimensions of largest spread; with --project, the first components. "
    "Default: 1,0 and 1,2 and 1,3; auto with --project, and for more than four dimensions.",
)
@project_options
@click.option(
    "--layer", metavar="NAME",
    help="The layer whose latents are drawn, short for --points layer:NAME; lstm:1 is the second "
    "item of the output of lstm.",
)  # fmt: skip
@points_option
@mark_options
@click.option(
    "--names",
    metavar="NAME,...",
    help="Names for the projections' titles, in order, separated by commas.",
)
@click.option(
    "--limits",
    type=float,
    help="Show -LIMITS..LIMITS of each dimension, in the thumbnails too. Default: limits that show "
    "all dots, or all but 0.5 % of the points if those run away, and the unit disc of colors; the "
    "thumbnails have their own, and so has each projection of points that are no colors.",
)
@click.option(
    "--colormap", metavar="NAME",
    help="Matplotlib colormap for points colored by a scalar. Default: viridis.",
)  # fmt: skip
@several_runs_options
def history(
    runs: tuple[Path, ...], dims: tuple[str, ...], names: str | None, **options: Any
) -> None:
    """Draw RUN's latent space at a step, over thumbnails of earlier steps.

    The limits are written beside each picture; a triangle marks where points lie beyond.

    Of several runs, up to six, each has a row, in the first projection, at the same moments.
    """
    from ..figures.history import plot_history
    from ..figures.painting import PAINT
    from ..projection import parse_planes

    options["dims"] = parse_planes(dims)
    options["names"] = None if names is None else split_names(names)
    if len(runs) > 1:
        _histories(runs, **options)
        return
    several = [name for name in SEVERAL_RUNS if options.pop(name) is not None]
    if several:
        raise OptionError(f"{several[0]} is of several runs; give two or more")
    write(plot_history, run=runs[0], vector=True, beside=PAINT, **options)


def _histories(
    runs: tuple[Path, ...],
    *,
    model: str | None,
    max_bytes: int | None,
    output: Path,
    size: str | None,
    as_json: bool,
    run_names: str | None,
    **options: Any,
) -> None:
    """The histories of several runs."""
    from ..figures.picture import check_picture_path
    from ..film.histories import plot_histories

    check_picture_path(output, vector=True)
    options["size"] = None if size is None else parse_size(size)
    options["run_names"] = None if run_names is None else split_names(run_names)
    with all_opened(runs, model, max_bytes) as opened_runs:
        picture = plot_histories(opened_runs, **given(**options))
    publish(picture, output, as_json=as_json)


@main.command(hidden=True, add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def coverage(arguments: tuple[str, ...]) -> None:
    """Say where the picture of a sweep is drawn now."""
    rest = shlex.join(arguments) or "..."
    raise OptionError(
        f"coverage is a command of the trainers now: python -m trainers coverage {rest}"
    )


def _errors(data: dict[str, Any]) -> str:
    return f"error max {data['error_max']:.3g}, median {data['error_median']:.3g}"
