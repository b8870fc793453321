"""The command line of the gallery."""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
from loky import cpu_count

from latentviz.errors import LatentvizError

from .entry import ENTRIES

ROOT = Path(__file__).parents[1]


class _Group(click.Group):
    """Turns what the user can put right into one line and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LatentvizError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("Interrupted", err=True)
            ctx.exit(128 + signal.SIGINT)


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def main() -> None:
    """Build the gallery, a static site of films and pictures with the scripts that made them."""
    # Else what it has started would outlive it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


_PATH = partial(click.Path, path_type=Path, file_okay=False)
_runs = click.option(
    "--runs",
    type=_PATH(),
    default=ROOT / "runs",
    show_default="runs",
    help="The folder of the runs that entries share; missing runs are made.",
)
_cache = click.option(
    "--cache",
    type=_PATH(),
    default=ROOT / "build" / "gallery",
    show_default="build/gallery",
    help="Where the outputs of the scripts are kept for the next time.",
)
_jobs = click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1),
    help="How many scripts to run at a time; as many as there are cores by default.",
)


@main.command()
@click.option(
    "-o", "--output", metavar="FOLDER", required=True, type=_PATH(), help="The site to write."
)
@click.option("--only", metavar="NAME", multiple=True, help="Only this entry; may be repeated.")
@_jobs
@_runs
@_cache
@click.option(
    "--entries",
    type=_PATH(exists=True),
    default=ENTRIES,
    show_default="gallery/entries",
    help="The folder of scripts.",
)
def build(
    output: Path,
    only: tuple[str, ...],
    jobs: int | None,
    runs: Path,
    cache: Path,
    entries: Path,
) -> None:
    """Run the entries' scripts, and write the site.

    Outputs of the same code and the same runs are taken from the cache.
    """
    from .build import build as build_site

    build_site(
        output,
        runs=runs,
        cache=cache,
        processes=jobs or cpu_count(),
        only=only,
        scripts=entries,
        say=click.echo,
    )


@main.command()
@click.option(
    "-o", "--output", metavar="FOLDER", required=True, type=_PATH(exists=True), help="The site."
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Look at it in a browser, or do not; by default if there is one.",
)
@click.option(
    "--screenshots", metavar="FOLDER", type=_PATH(), help="Keep what the browser shows there."
)
def check(output: Path, browser: bool | None, screenshots: Path | None) -> None:
    """Check a site: descriptions, links, no outside requests; and, in a browser, that films play.

    The browser is a Chromium of the system's, such as Debian's; there, axe-core looks for what
    keeps readers out.
    """
    from .check import check_structure
    from .look import find_chromium, look_at

    problems = check_structure(output)
    chromium = None if browser is False else find_chromium()
    if chromium is not None:
        problems += look_at(output, chromium, screenshots=screenshots)
    elif browser:
        problems.append("no Chromium found; install one, or give --no-browser")
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(2)
    how = "" if chromium else "; not looked at in a browser, as no Chromium was found"
    click.echo(f"{output}: nothing wrong{how if browser is None else ''}")


@main.command()
@_runs
def readme(runs: Path) -> None:
    """Renew the pictures of README and docs/, in gallery/."""
    from .build import renew_readme_pictures

    renew_readme_pictures(ROOT / "gallery", runs=runs, say=click.echo)


@main.command()
@click.option("--check", is_flag=True, help="Change nothing; say whether the pages are current.")
def docs(check: bool) -> None:
    """Renew the pages in docs/ that are written from the code: commands.md and archive.md."""
    from .written import RENEW, renew, stale_pages

    folder = ROOT / "docs"
    stale = stale_pages(folder) if check else renew(folder)
    names = ", ".join(f"docs/{name}" for name in stale)
    if check and stale:
        click.echo(f"{names}: not current; renew with: {RENEW}", err=True)
        sys.exit(1)
    click.echo(f"renewed {names}" if stale else "the pages in docs/ are current")
