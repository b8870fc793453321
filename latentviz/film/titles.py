"""The titles of a film's page, and of its projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import OptionError
from ..projection import AUTO
from ..text import counted
from ..views import Shown
from .values import OFF


def titled(rows: Sequence[Shown], titles: Sequence[str] | str) -> tuple[Shown, ...]:
    """Rows of projections with other titles.

    Args:
        rows: The rows.
        titles: In order, row by row; projections beyond keep their own. Or ``auto``, all keep
            theirs; or ``off``, none has one.

    Raises:
        OptionError: There are more titles than projections.
    """
    if titles == AUTO:
        return tuple(rows)
    n = sum(len(row.projections) for row in rows)
    given = [""] * n if titles == OFF else list(titles)
    if len(given) > n:
        raise OptionError(f"got {counted(len(given), 'title')} for {counted(n, 'projection')}")
    new = iter(given)
    return tuple(
        replace(
            row,
            projections=tuple(
                replace(view, title=next(new, view.title)) for view in row.projections
            ),
        )
        for row in rows
    )
