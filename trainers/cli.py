"""The command line of the experiments.

Modules that import torch are imported inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from latentviz.errors import LatentvizError

from .interruption import ended_at_once_when_interrupted, one_line_when_interrupted

if TYPE_CHECKING:
    from latentviz import Picture

    from .data import LabelKind

Command = TypeVar("Command", bound=Callable[..., Any])


class _Group(click.Group):
    """Turns what the user can put right into one line and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LatentvizError as error:
            raise click.ClickException(str(error)) from None
        except OSError as error:
            # A full disk, a name that is too long, a folder that has gone.
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            # Else click would print its usage before what is wrong.
            sys.exit(super().main(*args, **{**kwargs, "standalone_mode": False}))
        except click.ClickException as error:
            click.echo(f"Error: {' '.join(error.format_message().split())}", err=True)
            sys.exit(2)
        except (click.Abort, KeyboardInterrupt):  # before the work was under way, or after
            click.echo("Interrupted", err=True)
            sys.exit(128 + signal.SIGINT)


def _unfinished(archive: Path) -> str:
    """The files of a run whose archive could not be closed."""
    part = archive.with_name(archive.name + ".part")
    if part.exists():
        return f"what was written so far is in {part}"
    return "no step was recorded"


def _examples(*commands: str) -> str:
    """A command's ``epilog``: commands to copy, a line each, which click does not wrap."""
    return "\b\n" + "\n".join(["Examples:", *(f"  python -m trainers {c}" for c in commands)])


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def main() -> None:
    """Train the experiments that latentviz grew out of, and record every step."""


@main.command(
    "sparse-labels",
    epilog=_examples(
        "sparse-labels -o run.npz",
        "sparse-labels -o run.npz --live latents.png",
    ),
)
@click.option(
    "-o",
    "--output",
    metavar="RUN.npz",
    required=True,
    type=click.Path(path_type=Path),
    help="The archive to write.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**63 - 1),
    help="The seed; the same seed gives the same run.",
)
@click.option(
    "--dopesheet",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="A schedule of your own. Default: trainers/sparse-labels.csv.",
)
@click.option(
    "--labels",
    default="hard",
    show_default=True,
    type=click.Choice(["hard", "soft"]),
    help="Draw labels of 0 or 1 for each batch, or take their probabilities.",
)
@click.option("--overwrite", is_flag=True, help="Replace the archive if it exists.")
@click.option(
    "--live",
    metavar="PNG",
    type=click.Path(path_type=Path),
    help="Keep a picture of the latent space there while training.",
)
@click.option(
    "--live-every",
    metavar="N",
    type=click.IntRange(1),
    help="Renew the live picture every N steps. Default: 200.",
)
def sparse_labels(
    output: Path,
    seed: int,
    dopesheet: Path | None,
    labels: LabelKind,
    overwrite: bool,
    live: Path | None,
    live_every: int | None,
) -> None:
    """Let a few weak, noisy labels shape a color autoencoder's latent space.

    Trains a model of 263 parameters for 10,001 steps, which takes about half a minute, and records
    them all in one archive. Make a film of it with: latentviz render RUN.npz -o video.mp4
    """
    with ended_at_once_when_interrupted("no step was recorded"):
        from rich.console import Console

        from .dopesheet import read_dopesheet
        from .events import Events
        from .experiment import record
        from .label_counts import frequencies, label_counter
        from .live import EVERY_STEPS, live_history
        from .sparse_labels import experiment, shipped_dopesheet

    with one_line_when_interrupted(partial(_unfinished, output)):
        sparse = experiment(labels=labels)
        events = Events()
        counter = label_counter(sparse)
        counter.listen(events)
        if live is None and live_every is not None:
            raise click.UsageError("--live-every is how often to renew --live; give --live too")
        with live_history(events, live, layer=sparse.layer, every=live_every or EVERY_STEPS):
            recorded = record(
                sparse,
                output,
                timeline=sparse.timeline(
                    read_dopesheet(dopesheet) if dopesheet else shipped_dopesheet()
                ),
                seed=seed,
                overwrite=overwrite,
                events=events,
                console=Console(stderr=True),
            )
        losses = ", ".join(f"{name} {value:.3g}" for name, value in recorded.losses.items())
        click.echo(frequencies(counter.total, sparse.data))
        click.echo(
            f"{recorded.steps} steps of {sparse.trainable_parameters} trainable parameters; "
            f"{losses}; {recorded.n_bytes / 1e6:.3g} MB, "
            f"{recorded.n_bytes / recorded.steps / 1e3:.3g} kB a step, recorded in {output}"
        )


@main.command(
    "label-coverage",
    epilog=_examples(
        "label-coverage -o runs/coverage",
        "label-coverage -o runs/few --coverage 0,0.1,1 --seeds 3",
    ),
)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    required=True,
    type=click.Path(path_type=Path),
    help="Where the archives and the tables go; made if it does not exist.",
)
@click.option(
    "--coverage",
    "coverages",
    metavar="LIST",
    help="Label coverages, such as 0,0.1,1; 1 is the base setting, and 0 is no labels. "
    "Default: twelve from 0.01 to 10, most of them between 0.1 and 3.",
)
@click.option(
    "--seeds",
    default="12",
    show_default=True,
    metavar="N|LIST",
    help="How many seeds (from 0 on) at each coverage, or which, such as 0,1,7.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1),
    help="How many runs to train at a time. Default: one a core.",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Train the runs on the workers of a Dask cluster, at a scheduler's address or local:N for "
    "N workers here. They must see FOLDER under the same path.",
)
@click.option(
    "--dopesheet",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="A schedule of your own. Default: trainers/label-coverage.csv.",
)
@click.option("--overwrite", is_flag=True, help="Train finished runs anew too, and replace them.")
def label_coverage(
    output: Path,
    coverages: str | None,
    seeds: str,
    jobs: int | None,
    dask: str | None,
    dopesheet: Path | None,
    overwrite: bool,
) -> None:
    """Find out how few labels still shape the latent space.

    Trains the same autoencoder at several label coverages, with several seeds each, for 1,501
    steps; 144 runs by default, which take some minutes on two cores. Each run is recorded in an
    archive of its own, and a row of FOLDER/outcomes.csv says what became of it. Runs that are
    finished are not trained again, so a sweep that was cut off can go on. At the end it says at
    which coverage half of the runs work, and 95 % of them.
    """
    with ended_at_once_when_interrupted("no run was trained"):
        from loky import cpu_count
        from rich.console import Console

        from .dopesheet import read_dopesheet
        from .label_coverage import shipped_dopesheet
        from .sweep import COVERAGES, parse_coverages, parse_seeds, sweep

    if jobs is not None and dask is not None:
        raise click.UsageError("--jobs is for this machine, and --dask for a cluster; give one")
    with one_line_when_interrupted(lambda: "no run was trained"):
        summary = sweep(
            output,
            coverages=COVERAGES if coverages is None else parse_coverages(coverages),
            seeds=parse_seeds(seeds),
            dopesheet=read_dopesheet(dopesheet) if dopesheet else shipped_dopesheet(),
            processes=jobs or cpu_count(),
            dask=dask,
            overwrite=overwrite,
            console=Console(stderr=True),
            say=click.echo,
        )
        click.echo(summary)


def _parse_size(text: str) -> tuple[int, int]:
    """Width and height of ``1600x900``."""
    size = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text)
    if size is None:
        raise click.UsageError(f"--size must be WxH, such as 1600x900, got {text!r}")
    return int(size[1]), int(size[2])


def _picture_options(size: str) -> Callable[[Command], Command]:
    """Where a picture goes, how large it is, and in which colors.

    Args:
        size: The default, for the help.
    """
    width, height = _parse_size(size)
    options = [
        click.option(
            "-o",
            "--output",
            metavar="PICTURE",
            required=True,
            type=click.Path(path_type=Path),
            help="The picture to write: .png, .svg or .pdf.",
        ),
        click.option(
            "--size",
            metavar="WxH",
            help=f"Size in pixels, from {width // 2}x{height // 2} on. Default: {size}.",
        ),
        click.option(
            "--theme",
            default="dark",
            show_default=True,
            type=click.Choice(["dark", "light"]),
            help="Color theme.",
        ),
    ]

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _draw(
    plot: Callable[..., Picture], of: object, output: Path, *, size: str | None, theme: str
) -> Picture:
    """Draw a picture and save it, with a line for each warning."""
    from latentviz.figures import check_picture_path

    options = {} if size is None else {"size": _parse_size(size)}
    check_picture_path(output, vector=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        picture = plot(of, theme=theme, **options)
        picture.save(output)
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
    return picture


@main.command(
    "timeline",
    epilog=_examples(
        "timeline sparse-labels -o schedule.png",
    ),
)
@click.argument("sheet", metavar="CSV")
@_picture_options("1600x900")
def timeline(sheet: str, output: Path, size: str | None, theme: str) -> None:
    """Draw the dopesheet CSV, before anything is trained by it.

    Every property over steps, with keyframes, phases and actions marked, as latentviz timeline
    draws a run's. In place of a file, sparse-labels and label-coverage are the experiments' own.
    """
    with ended_at_once_when_interrupted("no picture was drawn"):
        from latentviz import plot_timeline

        from .dopesheet import SHIPPED, read_dopesheet, shipped_dopesheet
        from .timeline import Timeline

    with one_line_when_interrupted(lambda: "no picture was drawn"):
        dopesheet = shipped_dopesheet(sheet) if sheet in SHIPPED else read_dopesheet(Path(sheet))
        schedule = Timeline(dopesheet).schedule(sheet if sheet in SHIPPED else Path(sheet).name)
        picture = _draw(plot_timeline, schedule, output, size=size, theme=theme)
    click.echo(f"{output}: {picture.title}")


@main.command(
    "coverage",
    epilog=_examples(
        "coverage runs/coverage -o coverage.png",
    ),
)
@click.argument("sweep", type=click.Path(path_type=Path))
@_picture_options("1600x1000")
@click.option(
    "--json", "as_json", is_flag=True,
    help="Print the picture's figures as JSON, for other programs.",
)  # fmt: skip
def coverage(sweep: Path, output: Path, size: str | None, theme: str, *, as_json: bool) -> None:
    """Draw the outcomes of SWEEP, a folder of runs with different label coverage.

    Reads its table, outcomes.csv; every run is a point. Says at which coverage half of the runs
    work, and 95 % of them, by a logistic fit, and how sure that is.
    """
    with ended_at_once_when_interrupted("no picture was drawn"):
        from .coverage import plot_coverage

    with one_line_when_interrupted(lambda: "no picture was drawn"):
        picture = _draw(plot_coverage, sweep, output, size=size, theme=theme)
    if as_json:
        about = {"picture": str(output), "alt": picture.alt, **picture.data}
        click.echo(json.dumps(about, indent=2))
    else:
        click.echo(f"{output}: {picture.title}; {picture.data['answer']}")
