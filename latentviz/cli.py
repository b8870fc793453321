"""The command line. Heavy imports wait until a command needs them, so that --help is instant."""

from __future__ import annotations

import gc
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import __version__
from .errors import LatentvizError, OptionError

if TYPE_CHECKING:
    from .movie import FilmOptions, Progress
    from .run import Run

Command = TypeVar("Command", bound=Callable[..., Any])

BAD_INPUT = 2  # the exit status for what the user can put right
INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended


class _Group(click.Group):
    """Turns what users can put right into one line and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _terminable():
                return super().invoke(ctx)
        except LatentvizError as error:
            raise click.ClickException(str(error)) from None
        except KeyboardInterrupt:
            click.echo("Interrupted; nothing was written.", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output has gone (`latentviz info | head`): no news to it.
            sys.stderr.close()
            ctx.exit(0)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        # What is imported stays for good; looking through it for garbage over and over would take
        # a quarter of the time to the first frame.
        gc.set_threshold(200_000)
        try:
            # Else click would print its usage before what is wrong.
            sys.exit(super().main(*args, **{**kwargs, "standalone_mode": False}))
        except click.ClickException as error:
            click.echo("Error: " + " ".join(error.format_message().split()), err=True)
            sys.exit(BAD_INPUT)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="latentviz")
def main() -> None:
    """Films of a neural network's latent space, at every training step."""


def _decorated(command: Command, decorators: Sequence[Callable[[Any], Any]]) -> Command:
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def _run_options(command: Command) -> Command:
    """The run to read, and how to read it."""
    decorators = [
        click.argument("run", type=click.Path(path_type=Path)),
        click.option(
            "--model",
            metavar="MODULE:FACTORY",
            help="Make the model with this, where the archive does not name a registered one.",
        ),
        click.option(
            "--max-bytes",
            type=click.IntRange(min=1),
            help="Refuse an archive that unpacks to more. Default: 17179869184 (16 GiB).",
        ),
    ]
    return _decorated(command, decorators)


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
        click.option("--size", metavar="WxH", help="Size in pixels. Default: 1920x1080."),
        click.option(
            "--frames", type=int,
            help="Frames to ask for; those that would show nothing new are dropped. Default: 1000.",
        ),
        click.option(
            "--pace", metavar="PACE",
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
            "--dot-radius", type=float, help="Radius of a dot in data units. Default: 0.105."
        ),
        click.option(
            "--limits", type=float,
            help="Show -LIMITS..LIMITS of each dimension, up and down. Default: 1.5.",
        ),
        click.option(
            "--theme", type=click.Choice(["dark", "light"]), help="Colour theme. Default: dark."
        ),
        click.option(
            "--colormap", metavar="NAME",
            help="Matplotlib colormap for points coloured by a scalar. Default: viridis.",
        ),
        click.option(
            "--draft", is_flag=True,
            help="A quick look: 640x360 and a fast preset, unless given otherwise.",
        ),
    ]  # fmt: skip
    return _decorated(command, decorators)


@main.command()
@_run_options
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path),
    help="The video to write: .mp4, .mov or .mkv.",
)  # fmt: skip
@_film_options
@click.option("--fps", metavar="RATE", help="Frames a second, e.g. 30 or 30000/1001. Default: 30.")
@click.option("--crf", type=int, help="Quality, 1 (best) to 51 (smallest). Default: 23.")
@click.option("--preset", metavar="NAME", help="x264's preset. Default: medium.")
@click.option("--threads", type=int, help="Threads that draw. Default: one a core.")
@click.option(
    "--frame-hashes", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the SHA-256 of each raw RGB frame to this file, one a line.",
)  # fmt: skip
def render(
    run: Path,
    model: str | None,
    max_bytes: int | None,
    output: Path,
    fps: str | None,
    crf: int | None,
    preset: str | None,
    threads: int | None,
    frame_hashes: Path | None,
    draft: bool,
    **film: Any,
) -> None:
    """Render the film of RUN, every recorded step of it."""
    from . import movie

    if preset is None and draft:
        preset = movie.DRAFT_PRESET
    settings = _given(fps=fps, crf=crf, preset=preset, threads=threads, frame_hashes=frame_hashes)
    options = _parse_film(draft=draft, **film)
    with _opened(run, model, max_bytes) as opened, _progress("Rendering") as progress:
        plan = movie.render(opened, output, options=options, progress=progress, **settings)
    seconds = len(plan) / _frame_rate(fps)
    width, height = options.size
    first, last = plan.frames[0].start, plan.frames[-1].stop - 1
    click.echo(
        f"{output}: {len(plan)} frames, {seconds:.1f} s, {width}x{height}, "
        f"steps {opened.steps[first]} to {opened.steps[last]}"
    )


@main.command()
@_run_options
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
    from .movie import render_frame, save_png

    options = _parse_film(draft=draft, **film)
    if output.suffix.lower() != ".png":
        raise OptionError(f"a frame's extension must be .png, got {output.name!r}")
    with _opened(run, model, max_bytes) as opened:
        pixels = render_frame(opened, frame=frame_index, step=step, options=options)
    save_png(pixels, output)
    click.echo(f"{output}: {pixels.shape[1]}x{pixels.shape[0]}")


@main.command()
@_run_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
def info(run: Path, model: str | None, max_bytes: int | None, as_json: bool) -> None:
    """Say what is in RUN."""
    with _opened(run, model, max_bytes) as opened:
        about = opened.describe()
    if as_json:
        click.echo(json.dumps(about, indent=2))
        return
    rows = {
        "steps": f"{about['steps']} ({about['first_step']} to {about['last_step']})",
        "model": about["model"] or "not registered (latents are recorded)",
        "layer": about["layer"],
        "state": f"{len(about['tensors'])} tensors, {about['values']} values a step",
        "probe": _shape(about["probe_shape"]),
        "params": ", ".join(about["params"]) or "none",
        "metrics": ", ".join(about["metrics"]) or "none",
        "labels": ", ".join(about["labels"]) or "none",
        "phases": ", ".join(f"{p['name']} from {p['step']}" for p in about["phases"]) or "none",
        "seed": "not recorded" if about["seed"] is None else about["seed"],
        "size": f"{about['bytes'] / 1e6:.1f} MB in {about['chunks']} chunks",
        "written by": ", ".join(f"{k} {v}" for k, v in about["versions"].items()),
    }
    click.echo(about["path"])
    for name, value in rows.items():
        click.echo(f"  {name + ':':12}{value}")


def _given(**values: Any) -> dict[str, Any]:
    """Only what the user gave; the rest takes the function's own defaults."""
    return {name: value for name, value in values.items() if value is not None}


def _parse_film(
    *,
    draft: bool,
    dims: tuple[str, ...],
    names: str | None,
    size: str | None,
    steps: str | None,
    **plain: Any,
) -> FilmOptions:
    from .movie import DRAFT_SIZE, FilmOptions
    from .projection import parse_dims

    return FilmOptions(
        **_given(
            dims=[parse_dims(pair) for pair in dims] or None,
            names=None if names is None else [name.strip() for name in names.split(",")],
            size=_parse_size(size) if size else DRAFT_SIZE if draft else None,
            steps=None if steps is None else _parse_steps(steps),
            **plain,
        )
    )


def _parse_size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(side) for side in text.lower().split("x"))
    except ValueError:
        raise OptionError(f"size must be WIDTHxHEIGHT such as 1920x1080, got {text!r}") from None
    return width, height


def _parse_steps(text: str) -> tuple[int | None, int | None]:
    first, colon, stop = text.partition(":")
    try:
        if not colon:
            raise ValueError
        return (int(first) if first else None), (int(stop) if stop else None)
    except ValueError:
        raise OptionError(
            f"steps must be A:B, either of which may be left out, got {text!r}"
        ) from None


def _frame_rate(fps: str | None) -> float:
    from .encode import parse_fps

    return float(parse_fps(fps or "30"))


def _shape(shape: list[int] | None) -> str:
    return "none" if shape is None else " x ".join(map(str, shape))


@contextmanager
def _opened(path: Path, model: str | None, max_bytes: int | None) -> Iterator[Run]:
    from .run import open_run

    with open_run(path, **_given(model=model, max_bytes=max_bytes)) as run:
        yield run


@contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """A bar with the frame rate and the time left, on a terminal; nothing where there is none."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")

        def advance(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            rate = f"{speed:.0f} frames/s" if speed else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield advance


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does: cleaned up."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
