"""Places as a truncated SVD over time, quantised: what is small for motions of many points at once.

Coefficients have unit variance, the basis is in pixels; the error of either is then the same
wherever it is, and rows of small variance take few bits. The rank and the shares of the bound are
what take the fewest bytes of those that were tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from .arrays import ArrayTable, Coded, code
from .coarsest import coarsest
from .decomposition import (
    MOST_EXACT,
    Centered,
    Decomposition,
    center,
    decompose_exactly,
    decompose_sampled,
)
from .steps import Steps
from .unpacking import errors_px, in_data_units, in_units

AIM = 0.96  # of the bound: the page adds in another order, or on a GPU
LIMIT = 0.98  # of the bound: what is accepted
CLOSE = 0.975  # of the aim: no closer is looked for
TRUNCATION = 0.92  # of the aim: errors of the smallest rank that is of use
TRIES = 8
RANKS_OF_ALL = 4  # smallest ones that are tried in turn
FEW_TRIES = 3  # where each reads all steps
WIDE = 0.75  # of the aim: no closer is looked for there
CAUTION = 0.85  # of the step that some of the steps were found to allow
RANKS = (1.0, 1.2, 1.5, 1.9, 2.5)  # of the smallest rank that keeps the bound
SPLITS = (0.5, 2.0)  # of the basis' share that is the best if errors are normally distributed
FEWEST_BYTES = 0.12  # a number of coefficients or basis, by trial, at the least
MOST_TRIAL_BYTES = 256 << 20
FEWER_BYTES = 16 << 20  # of places at which errors are measured again and again
PIECE_BYTES = 2 << 20
SAMPLE_COLUMNS = 1 << 13
SPARE_RANK = 64  # rows of the basis by which the bound may come to be kept at rare steps, too
MEAN_SHARE = 0.25  # of the aim: errors of so much on average come to the aim at the worst, or more


@dataclass(frozen=True)
class Svd:
    """Quantised coefficients and basis, coded."""

    shape: tuple[int, int, int]
    rank: int
    arrays: dict[str, Coded]
    """Under the names that ``SvdPlaces`` has for them."""

    error_px: float

    @property
    def n_bytes(self) -> int:
        """How many the arrays take."""
        return sum(len(coded.data) for coded in self.arrays.values())

    @property
    def step_bytes(self) -> int:
        """How many of them grow with the number of steps."""
        return len(self.arrays["coefficients"].data)

    def put(self, table: ArrayTable) -> dict[str, Any]:
        """``SvdPlaces`` of the page's document; the arrays go into its table."""
        refs = {name: table.put(coded) for name, coded in self.arrays.items()}
        return {"way": "svd", "shape": list(self.shape), "rank": self.rank, **refs}


@dataclass(frozen=True)
class _Quantised:
    """What is written of a decomposition."""

    coefficients: NDArray[np.int32]
    coefficient_units: NDArray[np.float32]
    basis: NDArray[np.int32]
    basis_units: NDArray[np.float32]

    @property
    def decoded_basis(self) -> NDArray[np.float32]:
        return in_units(self.basis, self.basis_units[:, None])

    def sums(
        self, decoded_basis: NDArray[np.float32], mean: NDArray[np.float32], part: Any
    ) -> NDArray[np.float32]:
        """What the page adds up for some steps; (n, N*k), in pixels about the origin.

        BLAS is to have one thread.
        """
        decoded = in_units(self.coefficients[part], self.coefficient_units)
        sums: NDArray[np.float32] = decoded @ decoded_basis
        sums += mean
        return sums


@dataclass(frozen=True)
class _Fit:
    """How a decomposition is quantised."""

    rank: int
    split: float
    """The basis' share of the error, as a multiple of what is the best for normal errors."""

    step_px: float
    """The geometric mean of the coefficients' and the basis' steps, in pixels."""

    n_bytes: int = 0


@dataclass(frozen=True)
class _Search:
    """Finds the quantisation of fewest bytes; errors are measured at some of the steps, or all."""

    steps: Steps
    decomposition: Decomposition
    indices: NDArray[np.int64]
    """The steps, whose places are ``truth``."""

    truth: NDArray[np.float32]
    aim_px: float

    def quantise(self, fit: _Fit) -> _Quantised:
        coefficients = self.decomposition.coefficients[:, : fit.rank]
        basis = self.decomposition.basis[: fit.rank]
        squares = np.einsum("tq,tq->q", coefficients, coefficients, dtype=np.float64)
        deviations = np.sqrt(squares / len(coefficients))
        deviations[deviations == 0] = 1
        # The fewest bits for normal errors: shares of the error as the numbers that have them.
        ratio = np.clip(np.sqrt(len(coefficients) / self.steps.width), 1 / 8, 8) / fit.split
        of_coefficients = fit.step_px * np.sqrt(ratio) * np.sqrt(self.steps.width)
        units = (of_coefficients / deviations).astype(np.float32)
        basis_units = np.full(fit.rank, fit.step_px / np.sqrt(ratio), np.float32)
        return _Quantised(
            np.rint(coefficients / deviations / units).astype(np.int32),
            units,
            np.rint(basis * (deviations / basis_units)[:, None]).astype(np.int32),
            basis_units,
        )

    def errors(self, sums: Callable[[slice], NDArray[np.float32]]) -> NDArray[np.float64]:
        """The largest error of each of ``indices``, given what the page adds up for some."""
        n = max(1, PIECE_BYTES // (4 * self.steps.width))
        errors = np.empty(len(self.indices))
        with one_thread():
            for start in range(0, len(errors), n):
                part = slice(start, start + n)
                places = in_data_units(sums(part), 1 / self.steps.px, self.decomposition.origin)
                errors[part] = errors_px(places, self.truth[part], self.steps.px)
        return errors

    def truncated(self, rank: int) -> NDArray[np.float64]:
        """The errors of a rank alone."""
        given = self.decomposition

        def sums(part: slice) -> NDArray[np.float32]:
            rows = given.coefficients[self.indices[part], :rank] @ given.basis[:rank]
            return rows + given.mean

        return self.errors(sums)

    def quantised(self, fit: _Fit) -> float:
        """The largest error of a fit."""
        written = self.quantise(fit)
        basis = written.decoded_basis
        mean = self.decomposition.mean
        errors = self.errors(lambda part: written.sums(basis, mean, self.indices[part]))
        return float(errors.max())

    def smallest_rank(self) -> tuple[int, NDArray[np.float64]] | None:
        """The smallest that keeps the bound, with a little left to quantise by, and its errors.

        None if there is none.
        """
        high = len(self.decomposition.basis)
        enough = TRUNCATION * self.aim_px
        errors = self.truncated(high)
        if errors.max() > enough:
            return None
        low = 0  # too small, or not worth while
        while high - low > max(1, high // 50):
            middle = (low + high) // 2
            of_middle = self.truncated(middle)
            if of_middle.max() <= enough:
                high, errors = middle, of_middle
            else:
                low = middle
        return high, errors

    def at_fewer(self, errors: NDArray[np.float64]) -> _Search:
        """The same, measured at the steps of the largest errors and at evenly spaced ones."""
        n = max(1, FEWER_BYTES // (4 * self.steps.width) // 2)
        if len(errors) <= 2 * n:
            return self
        worst = np.argsort(-errors, kind="stable")[:n]
        even = np.linspace(0, len(errors) - 1, n).astype(np.int64)
        chosen = np.union1d(worst, even)
        return replace(self, indices=self.indices[chosen], truth=self.truth[chosen])

    def fitted(self, rank: int, split: float) -> _Fit | None:
        """About the coarsest quantisation that keeps the bound; None if there is none."""
        of_rank = float(self.truncated(rank).max())
        left = self.aim_px**2 - of_rank**2
        if left <= 0:
            return None
        first = np.sqrt(12 * left / (rank * self.steps.shape[2])) / 6

        def error(step_px: float) -> float:
            return self.quantised(_Fit(rank, split, step_px))

        found = coarsest(error, float(first), of_rank, self.aim_px, TRIES, CLOSE)
        if found is None:
            return None
        fit = _Fit(rank, split, found[0])
        return replace(fit, n_bytes=self.bytes_of(fit))

    def bytes_of(self, fit: _Fit) -> int:
        """About how many bytes are written."""
        written = self.quantise(fit)
        stride = -(-self.steps.width // SAMPLE_COLUMNS)
        sampled = np.ascontiguousarray(written.basis[:, ::stride])
        coded = len(code(sampled).data), len(_code_coefficients(written.coefficients).data)
        return coded[0] * stride + coded[1]

    def best(self, at_least: int, told: Callable[[float], None]) -> _Fit | None:
        """The fit of fewest bytes of those that are tried; None if none keeps the bound.

        Args:
            at_least: The smallest rank that is tried.
            told: Called with the share that is done.
        """
        found = self.smallest_rank() if at_least <= len(self.decomposition.basis) else None
        told(0.4)
        if found is None:
            return None
        smallest, errors = max(found[0], at_least), found[1]
        return self.at_fewer(errors)._best_from(smallest, lambda share: told(0.4 + 0.6 * share))

    def _best_from(self, smallest: int, told: Callable[[float], None]) -> _Fit | None:
        """The best of ranks from the smallest on."""
        best: _Fit | None = None
        for i, factor in enumerate(RANKS):
            rank = min(len(self.decomposition.basis), max(1, round(smallest * factor)))
            fit = self.fitted(rank, 1.0)
            told(0.8 * (i + 1) / len(RANKS))
            if fit is not None and (best is None or fit.n_bytes < best.n_bytes):
                best = fit
            elif best is not None:
                break
        for split in SPLITS if best is not None else ():
            fit = self.fitted(best.rank, split) if best is not None else None
            if fit is not None and best is not None and fit.n_bytes < best.n_bytes:
                best = fit
                break
        told(1.0)
        return best


def pack_svd(
    steps: Steps, most_px: float, most_bytes: float, told: Callable[[float], None]
) -> Svd | None:
    """The steps as an SVD, or None where it is seen that it takes more than ``most_bytes``.

    It may take some more all the same.

    Args:
        steps: Their places are finite.
        most_px: The largest error, as of `pack_places`.
        most_bytes: Of all arrays together.
        told: Called with the share that is done.
    """
    search = _search(steps, most_px, most_bytes, lambda share: told(0.4 * share))
    if search is None:
        return None
    fit = search.best(1, lambda share: told(0.4 + 0.4 * share))
    found = None
    for _ in range(RANKS_OF_ALL):
        if fit is None or fit.n_bytes > 1.05 * most_bytes:
            return None
        found = _over_all(search, fit, most_px)
        if found is not None:
            break
        # At steps that were not looked at so far, the rank does not do.
        fit = search.best(fit.rank + 1 + fit.rank // 4, lambda _: None)
    if found is None or fit is None:
        return None
    written = search.quantise(replace(fit, step_px=found[0]))
    told(1.0)
    return Svd(steps.shape, fit.rank, _coded(search, written), found[1])


def _over_all(search: _Search, fit: _Fit, most_px: float) -> tuple[float, float] | None:
    """The step of a fit's quantisation that keeps the bound at all steps, and the error.

    None if there is none.
    """
    steps = search.steps

    def error_of_all(step_px: float) -> float:
        return _error_of_all(search, search.quantise(replace(fit, step_px=step_px)))

    of_rank = float(search.truncated(fit.rank).max())
    tries, close, first = TRIES, CLOSE, fit.step_px
    if not steps.can_be_held:  # each try reads all steps; the worst of them is hardly among those
        tries, close, first = FEW_TRIES, WIDE, CAUTION * first
    return coarsest(error_of_all, first, of_rank, LIMIT * most_px, tries, close)


def _search(
    steps: Steps, most_px: float, most_bytes: float, told: Callable[[float], None]
) -> _Search | None:
    """What to search for the best quantisation; None if there is none within ``most_bytes``."""
    T, N, _ = steps.shape
    aim_px = AIM * most_px
    centered = center(steps)
    if centered is None:
        return None
    most_rank = int(most_bytes / FEWEST_BYTES / (T + steps.width)) if np.isfinite(most_bytes) else T
    if steps.width <= MOST_EXACT or (T <= MOST_EXACT and steps.can_be_held):
        # No error at all is smaller than the mean one.
        def enough(variances: NDArray[np.float64]) -> int:
            left = variances.sum() - np.cumsum(variances)
            smallest = int(np.argmax(left <= T * N * aim_px**2)) + 1
            return 0 if smallest > most_rank else 4 * smallest + SPARE_RANK

        decomposition = decompose_exactly(centered, enough)
        if not len(decomposition.basis):
            return None
        n = T if steps.can_be_held else min(T, max(1, MOST_TRIAL_BYTES // (4 * steps.width)))
        indices = np.unique(np.linspace(0, T - 1, n).astype(np.int64))
    else:
        given = _sampled(centered, aim_px, most_rank, told)
        if given is None:
            return None
        decomposition, indices = given
    told(1.0)
    return _Search(steps, decomposition, indices, steps.at(indices), aim_px)


def _sampled(
    centered: Centered, aim_px: float, most_rank: int, told: Callable[[float], None]
) -> tuple[Decomposition, NDArray[np.int64]] | None:
    """A decomposition of a subset of the steps, and which; None where it takes too many bytes."""
    n_points = centered.steps.shape[1]

    def enough(variances: NDArray[np.float64]) -> int:
        left = variances.sum() - np.cumsum(variances)
        most = len(variances) * n_points * (MEAN_SHARE * aim_px) ** 2
        smallest = int(np.argmax(left <= most)) + 1
        return 0 if smallest > min(most_rank, len(variances) // 2) else smallest + 8

    return decompose_sampled(centered, enough, 0.9 * aim_px, told)


def _error_of_all(search: _Search, written: _Quantised) -> float:
    """The largest error over all steps, in pixels."""
    basis, given = written.decoded_basis, search.decomposition
    largest = 0.0
    for start, truth in search.steps.blocks():
        with one_thread():
            sums = written.sums(basis, given.mean, slice(start, start + len(truth)))
        places = in_data_units(sums, 1 / search.steps.px, given.origin)
        largest = max(largest, float(errors_px(places, truth, search.steps.px).max()))
    return largest


def _code_coefficients(coefficients: NDArray[np.int32]) -> Coded:
    return code(coefficients, delta=True, columns=True)


def _coded(search: _Search, written: _Quantised) -> dict[str, Coded]:
    return {
        "mean": code(search.decomposition.mean),
        "coefficients": _code_coefficients(written.coefficients),
        "coefficient_units": code(written.coefficient_units),
        "basis": code(written.basis),
        "basis_units": code(written.basis_units),
        "scale": code(1 / search.steps.px),
        "origin": code(search.decomposition.origin),
    }
