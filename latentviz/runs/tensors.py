"""The rows or columns of a tensor of the state, as points of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archive.schema import STATES, final_member
from ..errors import ArchiveError
from ..points import COLUMNS, LONGEST, Form, Points, has_points, matrices, points_shape
from ..text import listed, printable
from .source import Recording, Store
from .states import States

MAX_NAMED = 8  # matrices in an error


class TensorStore:
    """Points that are the rows or columns of one tensor: a `Store`, which reads no other tensor."""

    def __init__(self, home: Store, states: States, points: Points) -> None:
        """Read one step of the tensor.

        Args:
            home: The archive's own store.
            states: Its states.
            points: Which rows or columns.

        Raises:
            OptionError: There is no such tensor, or it has no rows.
            ArchiveError: There are no states, or they are damaged.
        """
        self._home, self._states, self._points = home, states, points
        is_there = points.name in states.names  # the others are read to be named in an error
        forms = {points.name: states.form(points.name)} if is_there else forms_of(states)
        self._shape = points_shape(points, forms, "the run has")
        self._tensor_shape = forms[points.name][0]
        found = states.chunks.blocks_of(STATES, points.name)
        if found is None:
            raise ArchiveError(
                f"{self.path}: tensor {printable(points.name)!r} was not recorded at all steps"
            )
        self._starts = found

    @property
    def path(self) -> Path | None:
        """The archive's."""
        return self._home.path

    @property
    def layers(self) -> tuple[str, ...]:
        """The run's, which can be looked at in place of the tensor."""
        return self._home.layers

    tokens = None
    can_evaluate = False

    @property
    def model_name(self) -> str | None:
        """The model's registered name."""
        return self._home.model_name

    @property
    def closed(self) -> bool:
        """Whether the archive is."""
        return self._home.closed

    @property
    def recording(self) -> Recording:
        """The archive's."""
        return self._home.recording

    def n_points(self, layer: str) -> int:
        """N."""
        return self._shape[0]

    def check_layer(self, layer: str) -> None:
        """Nothing to find out: the tensor is there."""

    def starts(self, layer: str) -> NDArray[np.int64]:
        """Whole chunks, or several that are small."""
        return self._starts

    def read(self, layers: Sequence[str], start: int, stop: int) -> dict[str, NDArray[np.float32]]:
        """The points at the recorded steps start..stop, (stop - start, N, D).

        Raises:
            ArchiveError: The tensor is damaged, or of another shape than at first.
        """
        chunks = self._states.chunks
        parts = [
            self._points_of(self._states.tensor(self._points.name, c)[rows])
            for c, rows in chunks.spans(start, stop)
        ]
        return dict.fromkeys(layers, parts[0] if len(parts) == 1 else np.concatenate(parts))

    def has_final(self, layer: str) -> bool:
        """Whether the tensor is known after the last update."""
        return final_member(STATES, self._points.name) in self._states.chunks.reader

    def read_final(self, layers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The points after the last update, (N, D).

        Raises:
            ArchiveError: The tensor is damaged, or of another shape than at the steps.
        """
        final = self._points_of(self._states.tensor(self._points.name, None)[None])[0]
        return dict.fromkeys(layers, final)

    def _points_of(self, tensor: NDArray[Any]) -> NDArray[np.float32]:
        """The points (K, N, D) of a tensor over some steps, (K, R, ...)."""
        if tensor.shape[1:] != self._tensor_shape or tensor.dtype.kind != "f":
            raise ArchiveError(
                f"{self.path}: tensor {printable(self._points.name)!r} should be "
                f"{self._tensor_shape} floats at all steps, got {tensor.dtype} {tensor.shape[1:]}"
            )
        rows = tensor.reshape(*tensor.shape[:2], -1)
        if self._points.kind == COLUMNS:
            rows = rows.transpose(0, 2, 1)
        with np.errstate(over="ignore"):  # what is too large is not finite, and said so later
            # In memory as rows are: how a product is summed may depend on it.
            return np.ascontiguousarray(rows, dtype=np.float32)

    has_probe = False

    def of_tensor(self, points: Points) -> Store:
        """A store of another tensor's rows or columns."""
        return self._home.of_tensor(points)

    def last_in_words(self, step: int) -> str:
        """As the archive has it."""
        return self._home.last_in_words(step)

    def describe(self) -> dict[str, Any]:
        """What is known of the archive, and how many points there are."""
        return self._home.describe() | {"points": self._shape[0]}

    def close(self) -> None:
        """Close the archive."""
        self._home.close()


def forms_of(states: States) -> dict[str, Form]:
    """Each recorded tensor's shape at a step, and its dtype; little is read for that.

    Raises:
        ArchiveError: The states are damaged.
    """
    return {name: states.form(name) for name in states.names}


def ways_to_draw(states: Mapping[str, Form]) -> str:
    """Which rows could be drawn of a run, in words; nothing if there are none."""
    names = [*matrices(states)] or [name for name, form in states.items() if has_points(form)]
    if not names:
        return ""
    names = [printable(name, LONGEST) for name in names]
    others = "" if len(names) == 1 else f" (or of {listed(names[1:], MAX_NAMED)})"
    return f"draw the rows of a tensor with --points rows:{names[0]}{others}"
