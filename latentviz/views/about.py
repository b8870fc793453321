"""How latents spread, and what a transform makes of them, as plain values and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import LatentvizError, OptionError
from ..projection import Pairs
from ..runs.run import Run
from ..text import listed, printable
from ..transforms import Center, all_states, evenly, explained, spread_of
from .explained import plane_name
from .shown import shown_of

MOST_LISTED = 16
SOME_STEPS = 5


def about_latents(
    run: Run,
    *,
    project: object = None,
    center: Center | None = None,
    dims: Pairs | str | None = None,
) -> dict[str, Any]:
    """How far points spread along each dimension, and what a transform makes of them.

    Args:
        run: The run.
        project: A transform, or None.
        center: What its points are taken from.
        dims: The planes of its components to look at; by default those that are drawn.

    Returns:
        Values that JSON can hold: ``spread``, a number for each of D dimensions, None where nobody
        knows the latents; with a transform ``project``, its figures, and ``planes``, the share of
        some steps' variance that each plane holds.

    Raises:
        OptionError: The transform does not fit the run, or a plane has no such component.
        ArchiveError: The run is damaged.
    """
    if project is None:
        if center is not None or dims is not None:
            raise OptionError("--center and --dims are of a transform; add --project")
        return {"spread": _spread(run)}
    shown = shown_of(run, dims=dims, project=project, center=center)
    figures = dict(shown.fitted.figures)
    about: dict[str, Any] = {"spread": _spread(run), "project": figures}
    if shown.fitted.matrix is None:
        return about
    every = all_states(run)
    some = every[evenly(len(every), SOME_STEPS)]
    planes = list(dict.fromkeys(p.dims for p in shown.projections))
    shares = explained(run, shown.fitted, planes, some)
    about["planes"] = [
        {
            "dims": list(plane),
            "name": plane_name(shown, plane),
            "shares": [
                {
                    "step": int(run.steps[index]) if index < len(run) else None,
                    "share": float(share) if np.isfinite(share) else None,
                }
                for index, share in zip(some, column, strict=True)
            ],
        }
        for plane, column in zip(planes, shares.T, strict=True)
    ]
    return about


def _spread(run: Run) -> list[float] | None:
    try:
        return [float(spread) for spread in spread_of(run)]
    except LatentvizError:  # no probe, or no model: the rest is worth being told
        return None


def in_words(about: Mapping[str, Any]) -> dict[str, str]:
    """What `about_latents` says, in a line each."""
    rows = {}
    if (spread := about["spread"]) is not None:
        order = np.argsort(-np.array(spread), kind="stable")
        widest = [f"{spread[dim]:.3g} along {dim}" for dim in order.tolist()]
        rows["spread"] = listed(widest, MOST_LISTED)
    if "project" not in about:
        return rows
    figures = about["project"]
    rows["project"] = printable(str(figures["project"]))
    if figures.get("center"):
        rows["center"] = "each step's mean" if figures["center"] == "step" else "the run's mean"
    fits = [_fit_in_words(fit) for fit in figures.get("fitted_to", ())]
    if fits:
        rows["fitted to"] = "; ".join(fits)
    if shares := figures.get("shares"):
        rows["shares"] = listed([f"{100 * share:.3g} %" for share in shares], MOST_LISTED)
    for plane in about.get("planes", ()):
        at = [
            f"{100 * share['share']:.3g} % {_when(share['step'])}"
            for share in plane["shares"]
            if share["share"] is not None
        ]
        rows[plane["name"]] = f"holds {', '.join(at) or 'nothing: the points do not spread'}"
    return rows


def _when(step: int | None) -> str:
    return "after the last update" if step is None else f"at step {step}"


def _fit_in_words(fit: Mapping[str, Any]) -> str:
    first, last, n = fit["first_step"], fit["last_step"], fit["states"]
    if first is None:
        return "the state after the last update"
    if n == 1:
        return f"step {first}"
    after = " and after the last update" if fit["after_last_update"] else ""
    which = "all" if n == fit["of"] else f"{n} evenly spaced"
    return f"{which} of {fit['of']} states, steps {first} to {last}{after}"
