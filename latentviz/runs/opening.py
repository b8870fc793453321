"""Opening a recorded run, and letting a function of a run take its archive's path."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from os import PathLike
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ..archive import ArchiveReader
from ..errors import ModelError, OptionError
from ..modules.registry import factory_at
from .reopening import Reopening
from .run import Run, archived_run

if TYPE_CHECKING:
    from torch import nn

RunLike = Run | str | PathLike[str]
RunsLike = RunLike | Sequence[RunLike]
P = ParamSpec("P")
R = TypeVar("R")


class IncompleteRunWarning(UserWarning):
    """A run's recording was cut off, or still runs; what is whole of it can be read."""


def open_run(
    path: str | PathLike[str],
    *,
    model: str | nn.Module | None = None,
    max_bytes: int | None = None,
) -> Run:
    """Open a recorded run.

    Args:
        path: The archive, ``NAME.npz``; or ``NAME.npz.part``, a recording that was cut off or still
            runs, of which all whole chunks are read, with an `IncompleteRunWarning`. The state
            after the last update is then the last recorded one.
        model: How to make the model where it is not registered: ``package.module:factory``, or
            the module itself (whose own state is not touched).
        max_bytes: Refuse an archive that unpacks to more; by default to more than 64 MiB and 50
            times the file's size.

    Raises:
        ArchiveError: The file is missing, or no archive that this version can read.
        ModelError: ``model`` is neither a module nor the name of what makes one.
        OptionError: ``path`` is no path.

    Example::

        with latentviz.open_run("run.npz") as run:
            latents = run.latents(run.steps[-10:])  # (10, N, D) float32
            loss = run.losses["loss"]  # (T,) float64
    """
    if model is not None and not isinstance(model, str) and not hasattr(model, "named_modules"):
        raise ModelError(
            "model must be a module, or 'package.module:factory' for what makes it; "
            f"got {type(model).__name__}"
        )
    if not isinstance(path, str | PathLike):
        raise OptionError(f"a run is a Run or the path of its archive, got {type(path).__name__}")
    if isinstance(model, str):
        factory_at(model)  # a wrong name is wrong even where latents are recorded
    reader = ArchiveReader(path, max_bytes=max_bytes)
    try:
        run = archived_run(reader, model)
        if reader.salvaged is not None:
            warnings.warn(_cut_off(reader, len(run)), IncompleteRunWarning, stacklevel=2)
        return run
    except BaseException:
        reader.close()
        raise


def reopened(reopening: Reopening) -> Run:
    """The same run, opened once more.

    Raises:
        OptionError: The archive is another one by now.
        ArchiveError: It cannot be read here.
        ModelError: The model is not known.
    """
    run = open_run(reopening.path, model=reopening.model, max_bytes=reopening.max_bytes)
    if run.reopening.digest != reopening.digest:
        run.close()
        raise OptionError(f"{reopening.path} is another archive than it was when this began")
    return run if reopening.points in (None, run.points) else run.at_points(reopening.points)


@contextmanager
def opened_run(run: RunLike) -> Iterator[Run]:
    """The run itself, or the one at a path, which is closed again."""
    if isinstance(run, Run):
        yield run
    else:
        with open_run(run) as opened:
            yield opened


@contextmanager
def opened_runs(runs: RunsLike) -> Iterator[tuple[Run, ...]]:
    """Runs, or those at paths, which are closed again; one alone stands for itself."""
    given = [runs] if isinstance(runs, Run | str | PathLike) else runs
    with ExitStack() as stack:
        yield tuple(stack.enter_context(opened_run(run)) for run in given)


def takes_path(
    function: Callable[Concatenate[Run, P], R],
) -> Callable[Concatenate[RunLike, P], R]:
    """Let a function of a run take the path of its archive too."""

    @wraps(function)
    def taking_path(run: RunLike, *args: P.args, **options: P.kwargs) -> R:
        with opened_run(run) as opened:
            return function(opened, *args, **options)

    return taking_path  # type: ignore[return-value]  # its first argument has a name, too


def _cut_off(reader: ArchiveReader, n_steps: int) -> str:
    assert reader.salvaged is not None
    return (
        f"{reader.path} was cut off, or is still being recorded: {n_steps} steps of it are whole, "
        f"and the {reader.salvaged.n_dropped_bytes} bytes after them are left out; `latentviz "
        "recover` makes an archive of it"
    )
