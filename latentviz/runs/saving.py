"""Writes a run's points and curves as an archive of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..archive import ArchiveWriter
from ..archive import format as f
from ..archive import schema as s
from ..archive.limits import LIMITS
from ..archive.marks import Marks
from ..archive.versions import versions
from ..errors import ArchiveError, OptionError
from .blocks import Source

if TYPE_CHECKING:
    from .run import Run


def save_run(
    run: Run, layer: str, source: Source, path: str | os.PathLike[str], *, overwrite: bool
) -> None:
    """Write an archive that has a run's latents, at all steps, chunk by chunk.

    Args:
        run: The run.
        layer: What the archive calls what gives the points.
        source: The points, as they are to be written.
        path: Where the archive shall lie.
        overwrite: Replace a file that exists.

    Raises:
        ArchiveError: It cannot be written.
        OptionError: A step is below 0.
        ModelError: The latents were not recorded, and the model is not known.
    """
    if run.steps[0] < 0:
        raise OptionError(f"the steps of an archive are 0 or more, got {run.steps[0]}")
    for group, curves, _ in _curves(run):
        for curve in curves:  # a gap's member has the longest name
            s.check_name(curve, s.gaps_member(group, 0, curve))
    output = os.path.basename(os.fspath(path))
    writer = ArchiveWriter(path, overwrite=overwrite, part=f".{output}.saved")
    try:
        for name, array in _first(run, layer).items():
            writer.add(name, array)
        step_bytes = source.positions(np.array([0])).nbytes
        rows = LIMITS.rows(step_bytes + 9 * sum(len(curves) for _, curves, _ in _curves(run)))
        for start in range(0, len(run), rows):
            stop = min(start + rows, len(run))
            writer.add_chunk(
                run.steps[start:stop], _members(run, layer, source, writer.n_chunks, start, stop)
            )
        for name, array in _last(run, layer, source).items():
            writer.add(name, array)
        writer.add_manifest()
        writer.finish()
    except OSError as error:
        writer.abandon(keep=False)
        raise ArchiveError(f"cannot write {writer.path}: {error.strerror}") from None
    except BaseException:  # an interrupt too
        writer.abandon(keep=False)
        raise


def _first(run: Run, layer: str) -> dict[str, NDArray[Any]]:
    """The header, and what marks the points."""
    marks = Marks(run.colors, run.classes, run.class_names, run.point_names)
    header = s.Header(
        model_name=None,
        model_args={},
        layers=[layer],
        layer=layer,
        seed=run.seed,
        keyframes=run.keyframes,
        phases=run.phases,
        actions=run.actions,
        states=None,
        bfloat16=[],
        versions=versions("latentviz", "numpy"),
        class_names=marks.header_names,
    )
    return {s.HEADER: f.json_array(header.to_json())} | marks.members()


def _members(
    run: Run, layer: str, source: Source, number: int, start: int, stop: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    """A chunk's latents and curves; each curve in each chunk, so that their order is kept."""
    yield s.latents_member(number, layer), source.positions(np.arange(start, stop))
    for group, curves, gaps in _curves(run):
        for name, values in curves.items():
            yield s.curve_member(group, number, name), values[start:stop]
            if gaps[name][start:stop].any():
                yield s.gaps_member(group, number, name), gaps[name][start:stop]


Curves = Mapping[str, NDArray[np.float64]]
Gaps = Mapping[str, NDArray[np.bool_]]


def _curves(run: Run) -> tuple[tuple[str, Curves, Gaps], ...]:
    return (
        (s.LOSSES, run.losses, run.loss_gaps),
        (s.METRICS, run.metrics, run.metric_gaps),
        (s.PARAMS, run.params, run.param_gaps),
    )


def _last(run: Run, layer: str, source: Source) -> dict[str, NDArray[Any]]:
    """What is known of the state after the last update."""
    found: dict[str, NDArray[Any]] = {}
    if run.has_final:
        found[s.final_member(s.LATENTS, layer)] = source.final()
    for group, values in ((s.LOSSES, run.final_losses), (s.METRICS, run.final_metrics)):
        for name, value in values.items():
            found[s.final_member(group, name)] = np.array(value, np.float64)
    return found
