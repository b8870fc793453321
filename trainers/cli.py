"""The command line of the experiments.

Modules that import torch are imported inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from latentviz.errors import LatentvizError

if TYPE_CHECKING:
    from .data import LabelKind


class _Failure(click.ClickException):
    """An error that the user can put right: one line, exit status 2."""

    exit_code = 2


@contextmanager
def _one_line_errors(archive: Path) -> Iterator[None]:
    """Turn errors and Ctrl-C into one line and an exit status."""
    try:
        yield
    except LatentvizError as error:
        raise _Failure(str(error)) from error
    except KeyboardInterrupt as interrupt:
        click.echo(f"Interrupted: {_kept(archive, interrupt)}", err=True)
        # 128 + SIGINT, as shells have it.
        raise click.exceptions.Exit(130) from interrupt


def _kept(archive: Path, interrupt: KeyboardInterrupt) -> str:
    """What an interrupted run leaves behind."""
    # An interruption that the archive survived (sparse_labels.Interrupted) says how far it goes.
    if (steps := getattr(interrupt, "steps", None)) is not None:
        return f"{steps} steps are kept in {archive}"
    part = archive.with_name(archive.name + ".part")
    if part.exists():
        return f"what was written so far is in {part}"
    return "no step was recorded"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Train the experiments that latentviz grew out of, and record every step."""


@main.command("sparse-labels")
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
    help="The same seed gives the same run.",
)
@click.option(
    "--dopesheet",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Another schedule than the experiment's own, trainers/sparse-labels.csv.",
)
@click.option(
    "--labels",
    default="hard",
    show_default=True,
    type=click.Choice(["hard", "soft"]),
    help="Draw labels of 0 or 1 for each batch, or take their probabilities.",
)
@click.option("--overwrite", is_flag=True, help="Replace the archive if it exists.")
def sparse_labels(
    output: Path, seed: int, dopesheet: Path | None, labels: LabelKind, overwrite: bool
) -> None:
    """Let a few weak, noisy labels shape a colour autoencoder's latent space.

    Trains a model of 263 parameters for 10,001 steps, which takes about half a minute, and records
    them all in one archive. Make a film of it with: latentviz render RUN.npz -o video.mp4
    """
    with _one_line_errors(output):
        from rich.console import Console

        from .dopesheet import read_dopesheet
        from .sparse_labels import run, shipped_dopesheet

        outcome = run(
            output,
            dopesheet=read_dopesheet(dopesheet) if dopesheet else shipped_dopesheet(),
            seed=seed,
            labels=labels,
            overwrite=overwrite,
            console=Console(stderr=True),
        )
        losses = ", ".join(f"{name} {value:.3g}" for name, value in outcome.losses.items())
        click.echo(f"{outcome.steps} steps; {losses}; recorded in {output}")
