"""Points that a user names: by number, by name, by class, or all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..runs.run import Run
from ..text import printable

ALL, CLASS, NAME = "all", "class:", "name:"
_LONGEST = 60  # characters of a name in an error


def selected_points(what: str, texts: Sequence[str], run: Run) -> NDArray[np.int64]:
    """The numbers of the points that some texts name.

    Args:
        what: The option that the texts are of, for the error.
        texts: Each is ``all``; the name of a point or of a class; or several, and numbers of
            points, separated by commas. A number is a point's; ``class:3`` is the class of that
            name, and ``name:3`` the points of that name.
        run: Whose points.

    Returns:
        (M,) int64, increasing, each once.

    Raises:
        OptionError: A text names no point of the run.
    """
    found: set[int] = set()
    for text in texts:
        found.update(_points_of(what, text, run))
    return np.array(sorted(found), np.int64)


def as_mask(points: NDArray[np.int64], n_points: int) -> NDArray[np.bool_] | None:
    """(N,) which of N points these (M,) are; None where there are none."""
    if not len(points):
        return None
    found = np.zeros(n_points, np.bool_)
    found[points] = True
    return found


def point_labels(points: NDArray[np.int64], run: Run) -> tuple[str, ...]:
    """The names of points by their numbers; of points without names, the numbers themselves."""
    names = run.point_names
    return tuple(str(n) if names is None else names[n] for n in points.tolist())


def _points_of(what: str, text: str, run: Run) -> Iterator[int]:
    # A name may itself have commas in it: the whole text comes first.
    for whole in (text, text.strip()):
        if (named := _named(whole, run)) is not None:
            yield from named
            return
    for part in text.split(","):
        numbers = _named(part.strip(), run)
        if numbers is None:
            raise OptionError(_unknown(what, part.strip(), run))
        yield from numbers


def _named(name: str, run: Run) -> list[int] | None:
    """The points that one name stands for; None if it stands for none."""
    n_points, classes = run.n_points, run.classes
    if name == ALL:
        return list(range(n_points))
    if name.isascii() and name.isdecimal():
        return [int(name)] if int(name) < n_points else None
    for spelled in (name, name.removeprefix(NAME)):
        if run.point_names is not None and spelled in run.point_names:
            return [n for n, other in enumerate(run.point_names) if other == spelled]
    name = name.removeprefix(CLASS)
    if classes is not None:
        numbers = [n for n, other in _class_names(run).items() if other == name]
        if numbers:
            return np.flatnonzero(np.isin(classes, numbers)).tolist()
    return None


def _class_names(run: Run) -> dict[int, str]:
    """The names of the run's classes, by number."""
    if run.classes is None:
        return {}
    names = run.class_names
    present = np.unique(run.classes).tolist()
    return {n: str(n) if names is None else names[n] for n in present}


def _unknown(what: str, name: str, run: Run) -> str:
    classes = [f"{CLASS}{n}" if n.isdecimal() else n for n in _class_names(run).values()]
    names = [*dict.fromkeys([*(run.point_names or ()), *classes])]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    choices = ", ".join(printable(each, _LONGEST) for each in near or names[:5])
    more = ", ..." if not near and len(names) > 5 else ""
    known = f", or names such as {choices}{more}" if names else ""
    return (
        f"{what} names no point: {printable(repr(name), _LONGEST)}; there are the points 0 to "
        f"{run.n_points - 1}{known}, and all"
    )
