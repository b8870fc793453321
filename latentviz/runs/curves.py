"""A recorded run's curves: its params, losses and metrics, and where each has no value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..archive.schema import FINAL, GAPS, chunk_member, final_member
from ..errors import ArchiveError
from .chunks import Chunks

TIMES_SPARSE = 4  # how much more than a file unpacks to its curves may take, gaps included


def read_curves(chunks: Chunks, kind: str) -> dict[str, NDArray[np.float64]]:
    """All ``params``, ``losses`` or ``metrics``, each (T,), in order of first appearance.

    Raises:
        ArchiveError: They are malformed, or more than the limit allows.
    """
    reader, n_steps = chunks.reader, len(chunks.steps)
    if (group := chunks.curve_groups.get(kind)) is None:
        return {}
    names = chunks.names[group]
    # Names that single steps have would otherwise make a small file large. A value and whether
    # it is a gap are 9 bytes.
    if len(names) * n_steps * 9 > TIMES_SPARSE * reader.max_bytes:
        raise ArchiveError(
            f"{reader.path}: {len(names)} {kind} over {n_steps} steps are more "
            "than the limit allows; raise the limit with --max-bytes if you trust it"
        )
    out = {name: np.full(n_steps, np.nan) for name in names}
    for c, name in chunks.parts[group]:
        values = chunks.read(group, c, name)
        if values.ndim != 1:
            raise ArchiveError(
                f"{reader.path}: {kind} {name!r} must be one value a step, got {values.shape}"
            )
        out[name][chunks.rows(c)] = values
    return out


def read_gaps(
    chunks: Chunks, kind: str, curves: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.bool_]]:
    """Where each of the ``params``, ``losses`` or ``metrics`` has no value, (T,).

    Raises:
        ArchiveError: They are malformed.
    """
    if chunks.reader.format == 1:  # which did not tell the two apart
        return {name: np.isnan(values) for name, values in curves.items()}
    if (group := chunks.curve_groups.get(kind)) is None:
        return {}
    out = {name: np.ones(len(chunks.steps), bool) for name in curves}
    for c, name in chunks.parts[group]:
        out[name][chunks.rows(c)] = False
    for c, part in chunks.parts[GAPS]:
        owner, _, name = part.partition("/")
        if owner != group and owner in chunks.curve_groups.values():
            continue
        gaps = chunks.read(GAPS, c, part)
        if (
            owner != group
            or not chunks.has(group, c, name)
            or gaps.ndim != 1
            or gaps.dtype != np.bool_
            or not np.isnan(curves[name][chunks.rows(c)][gaps]).all()
        ):
            raise ArchiveError(
                f"{chunks.reader.path}: member {chunk_member(GAPS, c, f'{owner}/{name}')!r} "
                "should be (K,) bool, True where there is no value of that name"
            )
        out[name][chunks.rows(c)] = gaps
    return out


def read_measured(chunks: Chunks, kind: str) -> dict[str, float]:
    """The ``losses`` or ``metrics`` after the last update.

    Raises:
        ArchiveError: They are malformed.
    """
    if chunks.reader.format < 3:
        return {}
    out = {}
    for name in chunks.outside:
        if (name.group, name.kind) == (FINAL, kind):
            member = final_member(kind, name.name)
            value = chunks.reader.read(member)
            if value.shape != () or value.dtype != np.float64:
                raise ArchiveError(
                    f"{chunks.reader.path}: member {member!r} should be one float64, got "
                    f"{value.dtype} {value.shape}"
                )
            out[name.name] = float(value)
    return out
