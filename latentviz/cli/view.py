"""A film as a page for the browser: `view`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..film.options import parsed
from ..film.spec import FilmSpec
from ..viewing.spec import NOT_OF_PAGES, TOLD_OF_PAGES, PageSpec
from .group import examples, main
from .options import all_opened, progress, runs_options, spec_options


@main.command(
    epilog=examples(
        "latentviz view run.npz -o run.html --dims 0,1 --dims 0,2",
        "latentviz view run.npz other.npz -o both.html --dims 0,1",
    )
)
@runs_options
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path),
    help="The page to write: .html.",
)  # fmt: skip
@spec_options(PageSpec)
@spec_options(FilmSpec, without=NOT_OF_PAGES, told=TOLD_OF_PAGES)
def view(
    runs: tuple[Path, ...],
    model: str | None,
    max_bytes: int | None,
    output: Path,
    **options: Any,
) -> None:
    """Make a page of RUN for the browser, in which every recorded step can be looked at.

    It is one file that opens from the disk: no server, no network. Of several runs, up to six, each
    has a row of projections, all at the same step.
    """
    from ..viewing.viewer import check_page_path, viewer_of

    spec = FilmSpec(**parsed(FilmSpec, options))
    page_spec = PageSpec(**parsed(PageSpec, options))
    check_page_path(output)
    with (
        all_opened(runs, model, max_bytes) as sources,
        progress("Packing", unit="steps") as advance,
    ):
        viewer = viewer_of(sources, spec, page_spec, progress=advance)
    viewer.save(output)
    click.echo(f"{output}: {viewer.words}")
