"""The curve of what a film's planes hold of the points' variance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..scene import Chart, Curve
from ..transforms import evenly, explained
from .curves import curve_names, curve_roles, from_one_to_the_next
from .shown import Shown

MOST_STATES = 256


def explained_chart(rows: Sequence[Shown], start: int, stop: int) -> Chart:
    """The share of each step's variance that each projection's plane holds, a curve a plane.

    It is measured at evenly spaced steps, at most 256, between which straight lines are drawn.

    Args:
        rows: The points in each row, and their projections; all of one run.
        start: Index of the first recorded step to show.
        stop: Index after the last.

    Raises:
        OptionError: A transform is no linear one.
        ArchiveError: The run is damaged.
    """
    run = rows[0].run
    planes = [list(dict.fromkeys(p.dims for p in shown.projections)) for shown in rows]
    names = [
        f"{shown.name} {plane_name(shown, plane)}".lstrip()
        for shown, of_row in zip(rows, planes, strict=True)
        for plane in of_row
    ]
    at = start + evenly(stop - start, MOST_STATES)
    ends = stop == len(run) and all(shown.run.has_final for shown in rows)
    states = np.append(at, len(run)) if ends else at
    shares = np.concatenate(
        [
            explained(shown.run, shown.fitted, of_row, states)
            for shown, of_row in zip(rows, planes, strict=True)
        ],
        axis=1,
    )
    roles = curve_roles([*curve_names(run), *names])
    steps = run.steps[start:stop]
    curves = []
    for name, share in zip(names, shares.T, strict=True):
        final = float(share[-1]) if len(states) > len(at) else math.nan
        known = np.isfinite(share[: len(at)])
        line = np.full(len(run), np.nan)
        line[at] = share[: len(at)]
        curves.append(
            Curve(
                name,
                from_one_to_the_next(run.steps, line, at)[start:stop],
                np.empty(0, np.int64),
                roles[name],
                # Where every step is measured, no dots are needed to say which ones are.
                measured=at[known] - start if len(at) < stop - start else np.empty(0, np.int64),
                final=final if math.isfinite(final) else None,
            )
        )
    return Chart(
        steps,
        tuple(curves),
        False,
        "share",
        note=" of variance shown",  # which gives way to the curves' names
        quantity="share",
        shares=True,
    )


def plane_name(shown: Shown, plane: tuple[int, ...]) -> str:
    """Such as ``PC1 · PC2``; of the latents' own dimensions, such as ``[1,0]``."""
    named = [shown.fitted.components[k] for k in plane]
    if all(component.share is None for component in named):
        return shown.fitted.title(*plane)
    return " · ".join(component.name for component in named)
