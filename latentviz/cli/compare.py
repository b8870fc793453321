"""Two pictures held against each other: `compare`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import OptionError
from ..text import printable
from .group import examples, main
from .options import given

if TYPE_CHECKING:
    from ..comparison import Comparison

DIFFERENT = 1  # the exit status


@main.command(epilog=examples("latentviz compare a.png b.png --diff difference.png"))
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--tolerance",
    type=float,
    help="The largest difference that a pixel may have, in delta E (CIEDE2000, of which 1 is "
    "just seen), after a blur of one pixel. Default: 3.",
)
@click.option(
    "--diff",
    type=click.Path(path_type=Path),
    metavar="PNG",
    help="Write A, B and their difference side by side.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@click.pass_context
def compare(
    ctx: click.Context,
    a: Path,
    b: Path,
    *,
    tolerance: float | None,
    diff: Path | None,
    as_json: bool,
) -> None:
    """Say whether the pictures A and B look alike, and if not, how much they differ and where.

    The exit status is 0 if they look alike, 1 if they do not, and 2 for bad input. Needs
    scikit-image: pip install "latentviz[testing]".
    """
    from ..comparison import compare as compared
    from ..figures.picture import Picture, check_picture_path

    if diff is not None:
        check_picture_path(diff, vector=False)
        if diff.resolve() in (a.resolve(), b.resolve()):
            raise OptionError(f"the difference would overwrite {diff}; name another file")
    result = compared(a, b, **given(tolerance=tolerance))
    data = _data(result)
    if diff is not None:
        names = printable(f"{a.name}, {b.name}")
        alt = f"{names}, and their difference: {result}"
        Picture(title=names, alt=alt, data=data, drawn=result.picture()).save(diff)
    click.echo(json.dumps(data, indent=2) if as_json else str(result))
    ctx.exit(0 if result.alike else DIFFERENT)


def _data(result: Comparison) -> dict[str, object]:
    where = result.where
    return {
        "alike": result.alike,
        "largest": _finite(result.largest),
        "tolerance": _finite(result.tolerance),
        "share": result.share,
        "where": where and dict(zip(("left", "top", "width", "height"), where, strict=True)),
        "sizes": [[width, height] for height, width in result.shapes],
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None
