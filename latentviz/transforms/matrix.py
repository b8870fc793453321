"""Transforms that a user brings: a matrix, in a file or an array, or any function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arrays import numbers_of
from ..errors import OptionError
from ..projection import Pairs
from ..runs.run import Run
from ..text import printable
from .fitted import Component, first_pairs, title_of
from .linear import Linear
from .spread import mean_over_run
from .states import n_dims_of
from .transform import Center, refuse_center


@dataclass(frozen=True)
class Matrix:
    """A matrix (D, k), and a mean (D,) to take off before, if there is one."""

    path: str | None = None
    """The ``.npy`` or ``.npz`` file that holds it."""
    array: NDArray[Any] | None = field(default=None, compare=False)
    """The matrix itself, where there is no file."""

    name: ClassVar[str] = "matrix"

    @property
    def text(self) -> str | None:
        """Such as ``matrix:readout.npy``."""
        return None if self.path is None else f"{self.name}:{self.path}"

    @classmethod
    def parse(cls, rest: str) -> Matrix:
        """Of ``:FILE.npy`` or ``:FILE.npz``.

        Raises:
            OptionError: It is neither.
        """
        path = rest[1:]
        if not rest.startswith(":") or not path.endswith((".npy", ".npz")):
            raise OptionError(
                f"matrix is matrix:FILE.npy or matrix:FILE.npz, got {cls.name + rest!r}"
            )
        return cls(path)

    def fit(self, runs: Sequence[Run], center: Center | None) -> Linear:
        """The matrix, as it is: its columns are not made orthogonal.

        Args:
            runs: One or several, of latents with D dimensions.
            center: Take each point from the mean over the runs, or from its step's, beside what the
                file says; by default neither.

        Raises:
            OptionError: The file cannot be read, or what it holds does not fit D.
            ArchiveError: A run is damaged.
        """
        n_dims = n_dims_of(runs)
        matrix, mean = self._read(n_dims)
        if center is not None and mean is None:
            mean = mean_over_run(runs)
        return Linear(
            np.zeros(n_dims, np.float32) if mean is None else mean.astype(np.float32),
            matrix.T.astype(np.float32),
            tuple(Component(f"column {k}") for k in range(matrix.shape[1])),
            is_centered=center == "step",
            figures={"project": self.text or self.name, "center": center},
        )

    def _read(self, n_dims: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
        what = "the matrix" if self.path is None else printable(self.path)
        arrays = {"matrix": self.array} if self.path is None else _arrays_at(self.path)
        if "matrix" not in arrays:
            raise OptionError(f"{what} must hold an array named matrix, got {_names(arrays)}")
        matrix = _finite(what, arrays["matrix"])
        if matrix.ndim != 2 or matrix.shape[0] != n_dims or matrix.shape[1] == 0:
            raise OptionError(
                f"{what} must be ({n_dims}, k) for latents with {n_dims} dimensions, got "
                f"{matrix.shape}"
                + ("; transpose it" if matrix.ndim == 2 and matrix.shape[1] == n_dims else "")
            )
        if arrays.get("mean") is None:
            return matrix, None
        mean = _finite(f"the mean of {what}", arrays["mean"])
        if mean.shape != (n_dims,):
            raise OptionError(f"the mean of {what} must be ({n_dims},), got {mean.shape}")
        return matrix, mean


def _arrays_at(path: str) -> Mapping[str, NDArray[Any]]:
    file = Path(path).expanduser()
    try:
        with file.open("rb") as opened:
            loaded = np.load(opened, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"matrix": loaded}
            return {name: loaded[name] for name in ("matrix", "mean") if name in loaded}
    except FileNotFoundError:
        raise OptionError(f"there is no file {printable(path)}") from None
    except Exception as error:  # of a file that is anything, NumPy raises anything
        reason = printable(str(error).partition("\n")[0])
        raise OptionError(f"{printable(path)} cannot be read as a matrix: {reason}") from None


def _names(arrays: Mapping[str, Any]) -> str:
    return ", ".join(arrays) or "none"


def _finite(what: str, value: object) -> NDArray[Any]:
    array = numbers_of(what, value).astype(np.float64)
    if not np.isfinite(array.astype(np.float32)).all():
        raise OptionError(f"{what} must be finite, got NaN or infinite values")
    return array


Function = Callable[[NDArray[np.float32]], Any]
"""(n, N, D) to (n, N, k)."""


@dataclass(frozen=True)
class Custom:
    """A function that makes k numbers of D."""

    function: Function

    name: ClassVar[str] = "function"
    text: ClassVar[None] = None

    @classmethod
    def parse(cls, rest: str) -> Custom:
        """No text names a function.

        Raises:
            OptionError: Always.
        """
        raise OptionError("a function has no text; give it to render(..., project=function)")

    def fit(self, runs: Sequence[Run], center: Center | None) -> Applied:
        """Find out how many dimensions it gives.

        Raises:
            OptionError: It gives something else, or ``center`` is given.
            ArchiveError: A run is damaged.
        """
        refuse_center("a function", center)
        n_dims_of(runs)
        first = runs[0].latents(runs[0].steps[:1])
        k = called(self.function, first).shape[2]
        components = tuple(Component(f"output {j}") for j in range(k))
        return Applied(self.function, tuple(range(k)), components)


@dataclass(frozen=True)
class Applied:
    """A function applied to one step at a time: a `Fitted`."""

    function: Function
    dims: tuple[int, ...]
    components: tuple[Component, ...]

    note = ""
    matrix = None

    def __call__(
        self, latents: NDArray[np.float32], indices: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """(n, N, D) to (n, N, k); each step by itself, whatever the function would do with more."""
        pieces = [called(self.function, step[None])[..., self.dims] for step in latents]
        return np.concatenate(pieces)

    @property
    def default_dims(self) -> Pairs:
        """The planes of the first ones."""
        return first_pairs(len(self.components))

    @property
    def figures(self) -> Mapping[str, Any]:
        """Nothing was learned."""
        return {"project": Custom.name}

    def title(self, *shown: int) -> str:
        """Such as ``output 0 · output 1``."""
        return title_of(self.components, *shown)

    def take(self, dims: tuple[int, ...]) -> Applied:
        """Some of them."""
        return replace(
            self,
            dims=tuple(self.dims[dim] for dim in dims),
            components=tuple(self.components[dim] for dim in dims),
        )


def called(function: Function, latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """The points (1, N, k) that a function makes of a step's latents (1, N, D), checked.

    Raises:
        OptionError: They are of another shape, no numbers, or none is finite though latents are.
    """
    found = numbers_of("what the function of project gives", function(latents.copy()))
    if found.ndim != 3 or found.shape[:2] != latents.shape[:2] or found.shape[2] == 0:
        raise OptionError(
            f"the function of project must make (n, N, k) of (n, N, D); of {latents.shape} it made "
            f"{found.shape}"
        )
    with np.errstate(over="ignore"):
        points = found.astype(np.float32)
    whole = np.isfinite(points).all(-1)
    if not whole.any() and np.isfinite(latents).all(-1).any():
        raise OptionError("the function of project made no finite point of a step's latents")
    points[~whole] = np.nan
    return points
