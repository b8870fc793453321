"""Names that tell the runs of a film apart."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import OptionError
from ..runs.run import Run
from ..text import counted, printable


def run_names(runs: Sequence[Run], given: Sequence[str] | None = None) -> list[str]:
    """Names that tell runs apart: their own; where two are alike, with their folders or numbers.

    Args:
        runs: The runs.
        given: Names to take instead, one for each.

    Raises:
        OptionError: There are not as many, or two are alike.
    """
    if given is not None:
        if len(given) != len(runs):
            raise OptionError(f"got {counted(len(given), 'name')} for {counted(len(runs), 'run')}")
        if not all(name.strip() for name in given):
            raise OptionError("run_names must have letters, one has none")
        if len(set(given)) < len(given):
            raise OptionError(f"run_names must differ, got {printable(', '.join(given))}")
        return [printable(name) for name in given]
    names = [printable(run.name) for run in runs]
    if len(set(names)) == len(names):
        return names
    folders = ["" if run.path is None else f"{run.path.parent.name}/" for run in runs]
    longer = [f"{printable(folder)}{name}" for folder, name in zip(folders, names, strict=True)]
    if len(set(longer)) == len(longer):
        return longer
    return [f"{name} ({k})" for k, name in enumerate(names, 1)]
