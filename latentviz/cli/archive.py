"""What is done with archives as such: `recover`."""

from __future__ import annotations

from pathlib import Path

import click

from ..text import counted
from .group import main
from .options import given


@main.command()
@click.argument("part", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The archive to write. Default: PART without its .part.",
)
@click.option("--overwrite", is_flag=True, help="Replace the archive if it exists.")
@click.option(
    "--max-bytes", type=click.IntRange(min=1),
    help="Refuse a recording that unpacks to more. Default: 17179869184 (16 GiB).",
)  # fmt: skip
def recover(part: Path, output: Path | None, *, overwrite: bool, max_bytes: int | None) -> None:
    """Make a run's archive of PART, a recording that was cut off (NAME.npz.part).

    All chunks that are whole are saved. PART itself stays as it is.
    """
    from ..archive.recovery import recover as recovered

    recovery = recovered(part, output, overwrite=overwrite, **given(max_bytes=max_bytes))
    dropped = "nothing was lost after them"
    if recovery.n_dropped_bytes:
        dropped = (
            f"{counted(recovery.n_dropped_bytes, 'byte')} after them were of no whole chunk and "
            "are left out"
        )
    click.echo(f"{recovery.path}: {counted(recovery.n_steps, 'step')} saved; {dropped}")
