"""A film's rows of projections: one for each of the points that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..points import Points
from ..runs.run import Run
from ..transforms import Fitted
from ..views import Shown, shown_of
from .spec import FilmSpec


def rows_of(
    runs: Sequence[Run],
    spec: FilmSpec,
    *,
    fitted: Fitted | None = None,
    others: Sequence[Sequence[Run]] = (),
    n_components: int = 0,
) -> tuple[Shown, ...]:
    """What is shown of a run in each row; rows have names, if there are several.

    Layers are read together, so that one forward pass gives them all. A transform is fitted to
    each row by itself.

    Args:
        runs: The same run, looked at in all points that are shown.
        spec: The film's, whose projections are those of each row.
        fitted: A transform that is ready for use, in place of the spec's.
        others: All runs that are shown in the same planes, this one among them, each looked at in
            the same points.
        n_components: Of each row's points at least so many components are read, as far as there
            are any: those that the film shows, and the first of the others.

    Raises:
        OptionError: A component is out of range, there are more names than projections, or the
            transform does not fit.
        ArchiveError: The run names no points, or is damaged.
        ModelError: The model is not known, or cannot be run.
    """
    rows = [
        shown_of(
            run,
            dims=spec.dims,
            names=spec.names,
            project=spec.project,
            center=spec.center,
            fitted=fitted,
            turning=True,
            others=[of[k] for of in others],
        ).with_components(n_components)
        for k, run in enumerate(runs)
    ]
    if len(rows) == 1:
        return tuple(rows)
    views = [row.view for row in rows if row.run.layer is not None]
    return tuple(
        replace(
            row,
            beside=tuple(views) if row.run.layer is not None else (),
            name=_words(row.run),
        )
        for row in rows
    )


def _words(run: Run) -> str:
    return "" if run.points is None else Points.parse(run.points).words
