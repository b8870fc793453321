"""Films and their frames: `render`, `frame` and `info`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import OptionError
from ..summary import summary
from ..text import LONGEST_LINE, counted, printable
from .group import main
from .options import (
    Command,
    colormap_names,
    completed,
    decorated,
    given,
    opened,
    parse_size,
    progress,
    run_options,
    split_names,
)

if TYPE_CHECKING:
    from ..movie import FilmOptions

PACES = ("bezier", "geometric", "linear")


def _film_options(command: Command) -> Command:
    """How a film looks. What is not given takes the default of `FilmOptions`."""
    decorators = [
        click.option(
            "--dims", multiple=True, metavar="I,J",
            help="Draw dimension I to the right and J up; repeat for more projections side by "
            "side. Default: 1,0 and 1,2 and 3,2.",
        ),
        click.option(
            "--names", metavar="NAME,...",
            help="Names for the projections' titles, in order, separated by commas.",
        ),
        click.option(
            "--size", metavar="WxH",
            help="Size in pixels, both even, each 120 to 8192; from 640x360 on with panels below. "
            "Default: 1920x1080.",
        ),
        click.option(
            "--frames", type=int,
            help="Frames to ask for; those that would show nothing new are dropped. Default: 1000.",
        ),
        click.option(
            "--pace", metavar="PACE", shell_complete=completed(lambda: PACES),
            help="Which steps each frame shows: bezier[:X1,Y1,X2,Y2], geometric[:OFFSET] or "
            "linear[:STRIDE]. Default: bezier:0.42,0,0.95,1.",
        ),
        click.option(
            "--steps", metavar="A:B",
            help="Show only recorded steps from A up to, and without, B. Default: all.",
        ),
        click.option(
            "--alpha", type=float, help="Opacity of a still dot, 0 to 1. Default: 0.9."
        ),
        click.option(
            "--dot-radius", type=float,
            help="Radius of a dot in data units. Default: 0.07 of the limits, 0.105 for 1.5.",
        ),
        click.option(
            "--limits", type=float,
            help="Show -LIMITS..LIMITS up and down; points beyond are marked at the edge. Default: "
            "1.5, or a round number above it that holds all dots at all steps, but for a few that "
            "run away.",
        ),
        click.option(
            "--theme", type=click.Choice(["dark", "light"]), help="Colour theme. Default: dark."
        ),
        click.option(
            "--colormap", metavar="NAME", shell_complete=completed(colormap_names),
            help="Matplotlib colormap for points coloured by a scalar. Default: viridis.",
        ),
        click.option(
            "--layer", metavar="NAME",
            help="The layer whose latents are drawn. Default: the first that was recorded.",
        ),
        click.option(
            "--draft", is_flag=True,
            help="A quick look: 640x360 and a fast preset, unless given otherwise.",
        ),
    ]  # fmt: skip
    return decorated(command, decorators)


def _presets() -> tuple[str, ...]:
    from ..video.formats import PRESETS

    return PRESETS


@main.command()
@run_options
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path),
    help="The video to write: .mp4, .mov, .mkv (H.264), .webm (VP9), .gif, .webp; or its frames, "
    "such as frames/%05d.png.",
)  # fmt: skip
@_film_options
@click.option(
    "--fps",
    metavar="RATE",
    help="Frames a second, e.g. 30 or 30000/1001; not for frames. Default: 30; 20 in a GIF.",
)
@click.option(
    "--crf",
    type=int,
    help="Quality of H.264, 1 (best) to 51 (smallest), or VP9, to 63. Default: 23; 35 in a WebM.",
)
@click.option(
    "--preset",
    metavar="NAME",
    shell_complete=completed(_presets),
    help="x264's preset, for H.264. Default: medium.",
)
@click.option(
    "--quality", type=int, help="Quality of a WebP, 0 (smallest) to 100 (best). Default: 75."
)
@click.option(
    "--loop",
    type=int,
    metavar="N",
    help="Play a GIF or a WebP N times; 0: for ever. Default: 0.",
)
@click.option(
    "--hold", type=float, metavar="SECONDS",
    help="Show the last frame for so much longer; not for frames. Default: 1.5.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the frames of an earlier film.")
@click.option("--threads", type=int, help="Threads that draw. Default: one a core.")
@click.option(
    "--frame-hashes", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the SHA-256 of each raw RGB frame to this file, one a line. Where latents are "
    "evaluated from the states they hold for one kind of CPU: another may differ by a level in a "
    "few pixels. Those of a run recorded with latents=True hold everywhere; or compare frames with "
    "a tolerance (latentviz compare).",
)  # fmt: skip
def render(
    run: Path,
    model: str | None,
    max_bytes: int | None,
    output: Path,
    fps: str | None,
    preset: str | None,
    draft: bool,
    crf: int | None,
    quality: int | None,
    loop: int | None,
    hold: float | None,
    overwrite: bool,
    threads: int | None,
    frame_hashes: Path | None,
    **film: Any,
) -> None:
    """Render the film of RUN, every recorded step of it."""
    from .. import movie
    from ..video.formats import codec_for, parse_fps

    codec = codec_for(output)
    if preset is None and draft:
        preset = codec.draft_preset
    settings = given(
        fps=fps,
        crf=crf,
        preset=preset,
        quality=quality,
        loop=loop,
        hold=hold,
        overwrite=overwrite or None,
        threads=threads,
        frame_hashes=frame_hashes,
    )
    options = _parse_film(draft=draft, **film)
    with opened(run, model, max_bytes) as source:
        plan = movie.Film(source, options)
        with progress("Rendering", plan.frame_words) as advance:
            movie.render(plan, output, progress=advance, **settings)
        beyond = plan.frames_beyond
    rate = parse_fps(fps or codec.fps)
    n_held = movie.held_frames(codec, rate, hold)
    held = f" (the last frame is held for {float(n_held / rate):.3g} s)" if n_held else ""
    seconds = float((len(plan) + n_held) / rate)
    duration = "" if codec.is_folder else f"{seconds:.1f} s{held}, "
    width, height = options.size
    click.echo(f"{output}: {counted(len(plan), 'frame')}, {duration}{width}x{height}, {plan.shown}")
    click.echo(f"  {plan.pacing}")
    if beyond:
        click.echo(
            f"  in {counted(beyond, 'frame')} points lie beyond the edges, where marks say so; "
            "--limits shows more"
        )


@main.command()
@run_options
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The PNG to write."
)
@click.option("--frame", "frame_index", type=int, help="Number of the frame, from 0.")
@click.option("--step", type=int, help="A recorded step; draws the frame that shows it.")
@_film_options
def frame(
    run: Path,
    model: str | None,
    max_bytes: int | None,
    output: Path,
    frame_index: int | None,
    step: int | None,
    draft: bool,
    **film: Any,
) -> None:
    """Draw one frame of the film of RUN as a PNG, the same pixels as in the film.

    The last frame, unless --frame or --step says which.
    """
    from ..figures.picture import check_picture_path
    from ..movie import frame_picture

    options = _parse_film(draft=draft, **film)
    check_picture_path(output, vector=False)
    with opened(run, model, max_bytes) as source:
        picture = frame_picture(source, frame=frame_index, step=step, options=options)
    picture.save(output)
    click.echo(f"{output}: {picture.pixels.shape[1]}x{picture.pixels.shape[0]}")


@main.command()
@run_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
def info(run: Path, model: str | None, max_bytes: int | None, as_json: bool) -> None:
    """Say what is in RUN."""
    with opened(run, model, max_bytes) as source:
        about = source.describe()
    if as_json:
        click.echo(json.dumps(about, indent=2))
        return
    click.echo(printable(about["path"], LONGEST_LINE))
    for name, value in summary(about).items():
        click.echo(f"  {name + ':':12}{value}")


def _parse_film(
    *,
    draft: bool,
    dims: tuple[str, ...],
    names: str | None,
    size: str | None,
    steps: str | None,
    **plain: Any,
) -> FilmOptions:
    from ..movie import DRAFT_SIZE, FilmOptions
    from ..projection import parse_dims

    return FilmOptions(
        **given(
            dims=[parse_dims(pair) for pair in dims] or None,
            names=None if names is None else split_names(names),
            size=parse_size(size) if size else DRAFT_SIZE if draft else None,
            steps=None if steps is None else _parse_steps(steps),
            **plain,
        )
    )


def _parse_steps(text: str) -> tuple[int | None, int | None]:
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
