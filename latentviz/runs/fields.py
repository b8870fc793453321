"""What a run consists of, beside what is read step by step: of arrays, and of an archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..archive.marks import checked_marks, read_marks
from ..archive.schema import LOSSES, METRICS, PARAMS
from ..archive.values import checked_keyframes, checked_moments
from ..arrays import numbers_of
from ..errors import OptionError
from .archived import ArchiveStore, as_float32
from .curves import read_curves, read_gaps, read_measured
from .schedule import by_name, increasing_steps, values_and_gaps


def latents_at_hand(latents: ArrayLike) -> NDArray[np.float32]:
    """Latents that a user gives, (T, N, D) float32.

    Raises:
        OptionError: They are no such numbers.
    """
    array = numbers_of("latents", latents)
    if array.ndim != 3 or 0 in array.shape:
        hint = "; add a time axis with latents[None]" if array.ndim == 2 else ""
        raise OptionError(f"latents must be (T, N, D), got {array.shape}{hint}")
    return as_float32(array)


def fields_of_arrays(
    latents: NDArray[np.float32],
    *,
    colors: ArrayLike | None,
    classes: ArrayLike | None,
    class_names: Sequence[str] | None,
    point_names: Sequence[str] | None,
    steps: ArrayLike | None,
    params: Mapping[str, ArrayLike] | None,
    losses: Mapping[str, ArrayLike] | None,
    metrics: Mapping[str, ArrayLike] | None,
    keyframes: Mapping[str, Sequence[int]] | None,
    phases: Sequence[tuple[int, str]] | None,
    actions: Sequence[tuple[int, str]] | None,
    name: str,
) -> dict[str, Any]:
    """A run's fields, by their names; see `Run.from_arrays`.

    Raises:
        OptionError: A shape or a type is wrong; or keyframes, phases or actions are no steps
            and names.
    """
    if not isinstance(name, str):
        raise OptionError(f"a run's name must be text, got {type(name).__name__}")
    n_steps, n_points = latents.shape[:2]
    numbers = increasing_steps("steps", np.arange(n_steps) if steps is None else steps, n_steps)
    marks = checked_marks(
        colors=colors,
        checked_colors=lambda given: _colors(given, n_points),
        classes=classes,
        class_names=class_names,
        point_names=point_names,
        n_points=n_points,
    )

    values, gaps = {}, {}
    for group, given in (("params", params), ("losses", losses), ("metrics", metrics)):
        curves = {
            curve: values_and_gaps(f"curve {curve!r}", given_values, n_steps)
            for curve, given_values in by_name(group, given).items()
        }
        values[group] = {curve: found for curve, (found, _) in curves.items()}
        gaps[group] = {curve: where for curve, (_, where) in curves.items()}

    return {
        "name": name,
        "steps": numbers,
        "params": values["params"],
        "losses": values["losses"],
        "metrics": values["metrics"],
        "param_gaps": gaps["params"],
        "loss_gaps": gaps["losses"],
        "metric_gaps": gaps["metrics"],
        "final_losses": {},
        "final_metrics": {},
        **vars(marks),
        "keyframes": checked_keyframes(keyframes),
        "phases": checked_moments("phases", phases),
        "actions": checked_moments("actions", actions),
        "seed": None,
    }


def fields_of_archive(store: ArchiveStore) -> dict[str, Any]:
    """A run's fields, by their names.

    Raises:
        ArchiveError: The curves, or the colors, classes or names, are malformed.
    """
    header, chunks, reader = store.header, store.chunks, store.reader
    params, losses, metrics = (read_curves(chunks, kind) for kind in (PARAMS, LOSSES, METRICS))
    return {
        "name": reader.path.stem,
        "steps": chunks.steps,
        "params": params,
        "losses": losses,
        "metrics": metrics,
        "param_gaps": read_gaps(chunks, PARAMS, params),
        "loss_gaps": read_gaps(chunks, LOSSES, losses),
        "metric_gaps": read_gaps(chunks, METRICS, metrics),
        "final_losses": read_measured(chunks, LOSSES),
        "final_metrics": read_measured(chunks, METRICS),
        **vars(read_marks(reader, header.class_names)),
        "keyframes": header.keyframes,
        "phases": header.phases,
        "actions": header.actions,
        "seed": header.seed,
    }


def _colors(colors: object, n_points: int) -> NDArray[Any] | None:
    """The points' colors, which are no names.

    Raises:
        OptionError: They are no numbers, or not of so many points.
    """
    if colors is None:
        return None
    array = numbers_of("colors", colors)
    if array.shape not in ((n_points, 3), (n_points,)):
        raise OptionError(
            f"colors must be ({n_points}, 3) RGB or ({n_points},) labels, names or scalars, "
            f"got {array.shape}"
        )
    return array
