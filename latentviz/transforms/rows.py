"""Directions out of the model itself: the rows of one of its tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from ..errors import OptionError
from ..runs.run import Run
from ..text import listed, printable
from .fitted import Component
from .linear import Linear
from .spread import mean_over_run
from .states import n_dims_of
from .transform import At, Center, parse_at

RAW = ",raw"
MOST_LISTED = 8
DEPENDENT = 1e-6  # of a row's length, that is left of it across those before


@dataclass(frozen=True)
class Rows:
    """The rows of a tensor of the state, such as a readout's weight."""

    tensor: str
    at: At = "final"
    is_raw: bool = False
    """Whether they stay as they are; else they are made orthonormal."""

    name: ClassVar[str] = "rows"

    @property
    def text(self) -> str:
        """Such as ``rows:head.weight@final``."""
        return f"{self.name}:{self.tensor}@{self.at}{RAW if self.is_raw else ''}"

    @classmethod
    def parse(cls, rest: str) -> Rows:
        """Of ``:TENSOR``, ``:TENSOR@STEP`` or ``:TENSOR@final``, and ``,raw`` after any.

        Raises:
            OptionError: It is none of these.
        """
        text, raw, more = rest.partition(RAW)
        tensor, has_at, at = text[1:].partition("@")
        if not text.startswith(":") or not tensor or more:
            raise OptionError(
                "rows is rows:TENSOR, rows:TENSOR@STEP or rows:TENSOR@final, with ,raw after it or "
                f"not, got {cls.name + rest!r}"
            )
        return cls(tensor, parse_at(at, cls.name + rest) if has_at else "final", bool(raw))

    def fit(self, runs: Sequence[Run], center: Center | None) -> Linear:
        """The rows of the first run's tensor.

        They are made orthonormal in their order (Gram and Schmidt): the first keeps its direction,
        each other one what it has across those before it.

        Args:
            runs: One or several, of latents with as many dimensions as the rows have.
            center: Take each point from the mean over the runs, or from its step's; by default
                neither.

        Raises:
            OptionError: There is no such tensor or step; its rows do not fit the latents, or depend
                on each other.
            ArchiveError: A run has no states, or is damaged.
        """
        n_dims = n_dims_of(runs)
        rows = self._read(runs[0], n_dims)
        return Linear(
            (np.zeros(n_dims) if center is None else mean_over_run(runs)).astype(np.float32),
            (rows if self.is_raw else self.orthonormal(rows)).astype(np.float32),
            tuple(Component(f"row {k}") for k in range(len(rows))),
            is_centered=center == "step",
            figures={"project": self.text, "center": center},
        )

    def _read(self, run: Run, n_dims: int) -> NDArray[np.float64]:
        state = run.state(None if self.at == "final" else self.at)
        if self.tensor not in state:
            raise OptionError(
                f"the state has no tensor {printable(self.tensor)!r}; it has "
                f"{printable(listed(list(state), MOST_LISTED), 400)}"
            )
        tensor = state[self.tensor]
        rows = tensor.reshape(len(tensor), -1) if tensor.ndim and tensor.size else tensor
        what = f"the rows of {printable(self.tensor)}"
        if rows.ndim != 2 or rows.shape[1] != n_dims or rows.dtype.kind not in "biuf":
            raise OptionError(
                f"{what} must have {n_dims} numbers each, as the points of "
                f"{printable(str(run.points))}, got {tensor.dtype} {tensor.shape}"
            )
        if not np.isfinite(rows.astype(np.float32)).all():
            raise OptionError(f"{what} are not finite; name another step with @STEP")
        return rows.astype(np.float64)

    def orthonormal(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows (k, D), made orthonormal in their order.

        Raises:
            OptionError: They depend on each other.
        """
        way_out = f"; take them as they are with rows:{printable(self.tensor)}@{self.at}{RAW}"
        n, n_dims = rows.shape
        if n > n_dims:
            raise OptionError(f"{n} rows of {n_dims} numbers cannot be made orthogonal{way_out}")
        with one_thread():
            columns, triangle = np.linalg.qr(rows.T)
        left = np.diag(triangle)
        lengths = np.linalg.norm(rows, axis=1)
        if (dependent := np.abs(left) <= DEPENDENT * lengths).any():
            raise OptionError(
                f"row {dependent.argmax()} of {printable(self.tensor)} is 0 or a sum of those "
                f"before it, and they cannot be made orthogonal{way_out}"
            )
        orthonormal: NDArray[np.float64] = columns.T * np.sign(left)[:, None]
        return orthonormal
