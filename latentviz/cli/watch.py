"""A run's page in the browser, while the run is recorded: `watch`."""

from __future__ import annotations

import webbrowser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from ..film.options import parsed
from ..film.spec import FilmSpec
from ..text import LONGEST_LINE, printable
from ..viewing.spec import NOT_OF_PAGES, TOLD_OF_PAGES, PageSpec
from .group import examples, main
from .options import current_folder, given, run_options, spec_options


@main.command(
    epilog=examples(
        "latentviz watch run.npz --dims 0,1 --dims 0,2",
        "latentviz watch run.npz --project pca --port 8000",
    )
)
@run_options
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port to serve the page on. Default: any that is free.",
)
@click.option(
    "--open",
    "opens",
    is_flag=True,
    help="Open the page in the browser. Default: print its address.",
)
@spec_options(PageSpec)
@spec_options(FilmSpec, without=NOT_OF_PAGES, told=TOLD_OF_PAGES)
def watch(
    run: Path,
    model: str | None,
    max_bytes: int | None,
    port: int,
    opens: bool,
    **options: Any,
) -> None:
    """Serve the page of RUN while it is recorded, and follow it.

    RUN is the archive that the recorder writes, whether it has begun or not. The page is served on
    this machine alone, at an address that nobody can guess, until you press Ctrl-C. It shows each
    step once the recorder has flushed it. Its axes and limits are fitted to what was recorded when
    it was opened; load it anew to have them fitted again once the run is twice as long.
    """
    from ..watching.growing import Growing
    from ..watching.looks import check_options
    from ..watching.server import Server, check_waitress
    from ..watching.watch import Watch, step_back, wait_for_first

    spec = FilmSpec(**parsed(FilmSpec, options))
    page_spec = PageSpec(**parsed(PageSpec, options))
    check_options(spec)
    check_waitress()

    def begin() -> Growing:
        return Growing(run, **given(model=model, max_bytes=max_bytes))

    def say(words: str) -> None:
        click.echo(printable(words, LONGEST_LINE), err=True)

    step_back()
    with current_folder() if model is not None else nullcontext():
        growing = wait_for_first(begin, say)
        server = Server(Watch(growing, spec, page_spec, again=begin), port=port)
        try:
            click.echo(server.address)
            if opens:
                webbrowser.open(server.address)
            server.run()
        finally:
            server.close()
