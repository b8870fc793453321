"""Work on archives as such: `recover`."""

from __future__ import annotations

from pathlib import Path

import click

from ..text import counted, printable
from .group import examples, main
from .options import given


@main.command(
    epilog=examples(
        "latentviz recover run.npz.part", "latentviz recover short.npz -o recovered.npz"
    )
)
@click.argument("part", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The archive to write; PART needs it if it is a .npz. Default: PART without .part.",
)
@click.option("--overwrite", is_flag=True, help="Replace the archive if it exists.")
@click.option(
    "--max-bytes", type=click.IntRange(min=1),
    help="Refuse a recording that unpacks to more bytes. "
    "Default: 64 MiB plus 50 times the file's size.",
)  # fmt: skip
def recover(part: Path, output: Path | None, *, overwrite: bool, max_bytes: int | None) -> None:
    """Make a run's archive of PART, a recording that was cut off (NAME.npz.part).

    Keeps every complete chunk; at most the last one is lost: up to 1024 steps, 2 seconds or 8 MiB.
    PART itself stays as it is; it may also be an archive (NAME.npz) that was cut short.
    """
    from ..archive.recovery import recover as recovered

    recovery = recovered(part, output, overwrite=overwrite, **given(max_bytes=max_bytes))
    if recovery.is_being_recorded:
        click.echo(
            f"Warning: {printable(str(part))} is still being recorded; more may follow", err=True
        )
    dropped = (
        "no byte of the file is left over (steps that were not yet written to it are not in it)"
    )
    if recovery.n_dropped_bytes:
        dropped = (
            f"{counted(recovery.n_dropped_bytes, 'byte')} after them were of no whole chunk and "
            "are left out"
        )
    click.echo(f"{recovery.path}: {counted(recovery.n_steps, 'step')} saved; {dropped}")
