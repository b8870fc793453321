"""Options that several commands share, and how they are read."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import OptionError
from ..film.options import Option, options_of, parsed
from ..film.spec import FilmSpec
from ..text import LONGEST_LINE, printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..beside import Beside
    from ..film.render import Progress
    from ..film.scene_file import SceneFile
    from ..runs.run import Run

Command = TypeVar("Command", bound=Callable[..., Any])

RUNS = (".npz", ".npz.part")
SEVERAL_RUNS = ("run_names", "align", "register")  # of a film's options, those of several runs


class RunPath(click.Path):
    """The path of a run, of which shells complete archives, and recordings that were cut off."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The runs that begin so; or folders, if there are none."""
        from click.shell_completion import CompletionItem

        folder, start = os.path.split(incomplete)
        try:
            names = sorted(os.listdir(os.path.expanduser(folder) or "."))
        except OSError:
            names = []
        runs = [name for name in names if name.startswith(start) and name.endswith(RUNS)]
        if any(shlex.quote(name) != name for name in runs):
            return super().shell_complete(ctx, param, incomplete)  # shells know how to quote
        found = [CompletionItem(os.path.join(folder, name)) for name in runs]
        return [CompletionItem(incomplete, type="dir"), *found]


@contextmanager
def drawing_beside(work: str | None, output: Path) -> Iterator[Beside | None]:
    """A process that draws a PNG; None where there is no such work, or it would not help.

    What evaluates latents and what draws them take as long to get ready.
    """
    from ..beside import Beside, is_of_use

    if work is None or output.suffix.lower() != ".png" or not is_of_use():
        yield None
        return
    with Beside(work) as beside:
        yield beside


def completed(
    names: Callable[[], Iterable[str]],
) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """For an option's ``shell_complete``: some of the names that it takes."""
    return lambda ctx, param, incomplete: [n for n in names() if n.startswith(incomplete)]


def decorated(command: Command, decorators: Sequence[Callable[[Any], Any]]) -> Command:
    """A command with decorators, the first one outermost."""
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def spec_options(
    spec: type,
    *,
    without: Collection[str] = (),
    told: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[Command], Command]:
    """An option of the command for each of a spec's, but for some; of others it tells its own."""

    def decorate(command: Command) -> Command:
        own = told or {}
        declared = {
            n: replace(o, **own.get(n, {})) for n, o in options_of(spec).items() if n not in without
        }
        return decorated(command, [_click_option(n, o) for n, o in declared.items()])

    return decorate


def _click_option(name: str, about: Option) -> Callable[[Any], Any]:
    kind: Any = click.Choice(about.choices) if about.choices else None
    if about.parse in (int, float):
        kind = about.parse
    words = f"--{(about.flag or name).replace('_', '-')}"
    if about.is_switch:
        return click.option(words, name, is_flag=True, help=about.help_text)
    return click.option(
        words,
        name,
        type=kind,
        multiple=about.is_repeated,
        metavar=about.metavar,
        shell_complete=None if about.complete is None else completed(about.complete),
        help=about.help_text,
    )


def project_options(command: Command) -> Command:
    """A transform, as of films, for other pictures."""
    declared = options_of(FilmSpec)
    return decorated(command, [_click_option(n, declared[n]) for n in ("project", "center")])


def mark_options(command: Command) -> Command:
    """Names beside points, and points that stand out, as of films, for other pictures."""
    declared = options_of(FilmSpec)
    return decorated(command, [_click_option(n, declared[n]) for n in ("label", "highlight")])


def several_runs_options(command: Command) -> Command:
    """What several runs have, as of films, for other pictures."""
    declared = options_of(FilmSpec)
    return decorated(command, [_click_option(n, declared[n]) for n in SEVERAL_RUNS])


def run_options(command: Command) -> Command:
    """The run to read, and how to read it."""
    return decorated(command, [click.argument("run", type=RunPath(path_type=Path)), *_reading()])


def runs_options(command: Command, *, required: bool = True) -> Command:
    """The runs to read, and how to read them."""
    runs = click.argument(
        "runs", type=RunPath(path_type=Path), nargs=-1, required=required, metavar="RUN..."
    )
    return decorated(command, [runs, *_reading()])


def scene_options(command: Command) -> Command:
    """A scene file, and runs that it may name instead."""
    scene = click.option(
        "--scene",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Take the runs, the output and all options that are not given here from a scene file "
        "(TOML).",
    )
    return decorated(runs_options(command, required=False), [scene])


def scene_given(scene: Path | None, texts: Mapping[str, Any], **others: Any) -> SceneFile:
    """A scene file, or none, and what the command line says beside it, which wins.

    Args:
        scene: The file.
        texts: The options of the specs, by name; see `parsed`.
        **others: What else a scene has; what was not given is None, False or empty.

    Raises:
        OptionError: A value is bad, or no run is named.
    """
    from ..film.scene_file import SPECS, SceneFile, read_scene

    found = SceneFile() if scene is None else read_scene(scene)
    given = {name: value for name, value in others.items() if value}
    for spec in SPECS:
        given |= parsed(spec, texts)
    found = found.but(given)
    if not found.runs:
        raise OptionError("no run is named; give RUN, or --scene with runs = ['run.npz']")
    return found


def _reading() -> list[Callable[[Any], Any]]:
    """How a run is read."""
    return [
        click.option(
            "--model",
            metavar="MODULE:FACTORY",
            help="Make the model with this, where the archive names no registered one.",
        ),
        click.option(
            "--max-bytes",
            type=click.IntRange(min=1),
            help="Refuse an archive that unpacks to more bytes. "
            "Default: 64 MiB plus 50 times the file's size.",
        ),
    ]


def given(**values: Any) -> dict[str, Any]:
    """Only what the user gave; the rest takes the function's own defaults."""
    return {name: value for name, value in values.items() if value is not None}


@contextmanager
def opened(path: Path, model: str | None, max_bytes: int | None) -> Iterator[Run]:
    """The run at a path, closed again."""
    from ..runs.opening import IncompleteRunWarning, open_run

    with current_folder() if model is not None else nullcontext():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run = open_run(path, **given(model=model, max_bytes=max_bytes))
        for warning in caught:
            # What a user's module warns of while it is imported is no news of the run.
            if issubclass(warning.category, IncompleteRunWarning):
                click.echo(f"Warning: {printable(str(warning.message), LONGEST_LINE)}", err=True)
        with run:
            yield run


@contextmanager
def all_opened(
    paths: Sequence[Path], model: str | None, max_bytes: int | None
) -> Iterator[tuple[Run, ...]]:
    """The runs at some paths, closed again."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(opened(path, model, max_bytes)) for path in paths)


@contextmanager
def current_folder() -> Iterator[None]:
    """Let modules be imported from the current folder too, as ``python -m`` does.

    Last of all: no file that happens to lie there comes before what is installed.
    """
    before = list(sys.path)
    sys.path.append("")
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def progress(
    what: str, words: Callable[[int], str] | None = None, *, unit: str = "frames"
) -> Iterator[Progress | None]:
    """A bar with the rate and the time left, on a terminal; nothing where there is none.

    Args:
        what: The name of the work.
        words: Words about the last one when so many are done.
        unit: The name of those that are counted.
    """
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
        TextColumn("{task.fields[words]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="", words="")

        def advance(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            rate = f"{speed:.0f} {unit}/s" if speed else ""
            said = "" if words is None else words(done)
            bar.update(task, completed=done, total=total, rate=rate, words=said)

        yield advance
