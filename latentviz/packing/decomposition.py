"""Places at all steps as a mean and the products of coefficients and a basis.

Exact where that takes seconds; else of some of the steps, to which the worst of the others are
added. All in pixels about an origin, so that every component counts as much as it is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..blas import one_thread
from .steps import Steps
from .unpacking import cached_rows

MOST_REACH = 20_000  # pixels: farther off, sums of float32 are not exact to a few hundredths of one
MOST_EXACT = 2500  # the smaller side of what is decomposed exactly
MOST_SAMPLE_BYTES = 192 << 20
MOST_SAMPLE = 384  # steps
WINDOWS = 64  # of each, the worst step is added
ROUNDS = 3
LITTLE = 0.9  # of the largest error before: a round that leaves more was of little use
PIECE = 8192  # numbers of a step that are looked at together


@dataclass(frozen=True)
class Decomposition:
    """`mean` + `coefficients` @ `basis`, the most important rows first."""

    origin: NDArray[np.float64]
    """(k,) in data units."""

    mean: NDArray[np.float32]
    """(N*k,) in pixels about the origin."""

    coefficients: NDArray[np.float32]
    """(T, R) in pixels."""

    basis: NDArray[np.float32]
    """(R, N*k), orthonormal."""


@dataclass(frozen=True)
class Centered:
    """Steps in pixels about their mean."""

    steps: Steps
    origin: NDArray[np.float64]
    mean: NDArray[np.float32]

    def rows(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Places (n, N, k) as (n, N*k)."""
        N = self.steps.shape[1]
        px = np.tile(self.steps.px, N)
        means = np.tile(self.origin * self.steps.px, N) + self.mean
        rows = places.reshape(len(places), -1)
        centered = np.empty_like(rows, np.float32)
        for part in cached_rows(*rows.shape):
            exact = rows[part] * px
            exact -= means
            centered[part] = exact
        return centered


def center(steps: Steps) -> Centered | None:
    """The mean of all steps, rounded such that it is written in few bytes.

    None where a place is so far off that the page's sums would not be exact.
    """
    T, N, k = steps.shape
    sums = np.zeros((N, k))
    lows = np.full((N, k), np.inf, np.float32)
    highs = -lows
    for _, places in steps.blocks():
        for part in cached_rows(len(places), N * k):
            sums += places[part].sum(axis=0, dtype=np.float64)
            np.minimum(lows, places[part].min(axis=0), out=lows)
            np.maximum(highs, places[part].max(axis=0), out=highs)
    low, high = lows.min(axis=0).astype(np.float64), highs.max(axis=0).astype(np.float64)
    means = sums / T
    origin = means.mean(axis=0)
    if (np.maximum(high - origin, origin - low) * steps.px).max() > MOST_REACH:
        return None
    mean = np.rint((means - origin) * steps.px * 256) / 256
    return Centered(steps, origin, mean.reshape(-1).astype(np.float32))


def decompose_exactly(
    centered: Centered, rank: Callable[[NDArray[np.float64]], int]
) -> Decomposition:
    """Of all steps.

    Args:
        centered: Either they are held in memory, or N*k is at most `MOST_EXACT`.
        rank: How many rows the basis has, given the variances along all of them, in descending
            order, summed over steps, in square pixels.
    """
    steps = centered.steps
    if steps.width <= steps.shape[0]:
        gram = np.zeros((steps.width, steps.width))
        for _, places in steps.blocks():
            exact = centered.rows(places).astype(np.float64)
            with one_thread():
                gram += exact.T @ exact
        variances, vectors = _eigen(gram)
        basis = vectors[:, : rank(variances)].T.astype(np.float32)
    else:
        basis = basis_of(centered.rows(steps.read(0, steps.shape[0])), rank)
    coefficients = np.empty((steps.shape[0], len(basis)), np.float32)
    for start, places in steps.blocks():
        with one_thread():
            coefficients[start : start + len(places)] = centered.rows(places) @ basis.T
    return Decomposition(centered.origin, centered.mean, coefficients, basis)


def decompose_sampled(
    centered: Centered,
    rank: Callable[[NDArray[np.float64]], int],
    most_px: float,
    told: Callable[[float], None],
) -> tuple[Decomposition, NDArray[np.int64]] | None:
    """Of a subset of the steps, to which the worst of the others are added.

    Args:
        centered: Read once for each round.
        rank: As of `decompose_exactly`, of the subset; 0 to give up.
        most_px: To how many pixels all steps are to come by the basis alone.
        told: Called with the share of the rounds that are done.

    Returns:
        The decomposition; and the steps of which it was made, with the worst of the others, at
        which its errors may be measured for all. None if it was given up.
    """
    steps = centered.steps
    T = steps.shape[0]
    n = min(T, MOST_SAMPLE, max(2, MOST_SAMPLE_BYTES // (4 * steps.width)))
    indices = np.unique(np.linspace(0, T - 1, n).astype(np.int64))
    rows = centered.rows(steps.at(indices))
    before = np.inf
    for i in range(ROUNDS):
        basis = basis_of(rows, rank)
        if not len(basis):
            return None
        coefficients = np.empty((T, len(basis)), np.float32)
        errors = np.empty(T)
        for start, places in steps.blocks():
            block = centered.rows(places)
            stop = start + len(block)
            with one_thread():
                coefficients[start:stop] = block @ basis.T
                block -= coefficients[start:stop] @ basis
            errors[start:stop] = largest_norms(block, steps.shape[2])
            told((i + stop / T) / ROUNDS)
        worst = _worst_of_windows(errors)
        beyond = worst[errors[worst] > most_px]
        if not len(beyond):
            indices = np.union1d(indices, worst)
            break
        if errors.max() > LITTLE * before:  # it is noise, of which nothing is learned
            return None
        before = errors.max()
        if i < ROUNDS - 1:
            rows = np.concatenate([rows, centered.rows(steps.at(beyond))])
        indices = np.union1d(indices, beyond)
    else:
        return None
    # Of all steps, other directions are the most important ones.
    squares = np.zeros((len(basis), len(basis)))
    for start in range(0, T, PIECE):
        piece = coefficients[start : start + PIECE].astype(np.float64)
        with one_thread():
            squares += piece.T @ piece
    _, turn = _eigen(squares)
    with one_thread():
        coefficients = coefficients @ turn.astype(np.float32)
        basis = turn.T.astype(np.float32) @ basis
    return Decomposition(centered.origin, centered.mean, coefficients, basis), indices


def basis_of(
    rows: NDArray[np.float32], rank: Callable[[NDArray[np.float64]], int]
) -> NDArray[np.float32]:
    """The orthonormal rows (R, W) that are closest to ``rows`` (n, W), by the products of these."""
    gram = np.zeros((len(rows), len(rows)))
    for start in range(0, rows.shape[1], PIECE):
        piece = rows[:, start : start + PIECE].astype(np.float64)
        with one_thread():
            gram += piece @ piece.T
    variances, vectors = _eigen(gram)
    r = min(rank(variances), int((variances > variances[0] * 1e-12).sum()))
    basis = np.empty((r, rows.shape[1]), np.float32)
    combined = (vectors[:, :r] / np.sqrt(np.maximum(variances[:r], 1e-300))).T
    for start in range(0, rows.shape[1], PIECE):
        piece = rows[:, start : start + PIECE].astype(np.float64)
        with one_thread():
            basis[:, start : start + PIECE] = combined @ piece
    return basis


def largest_norms(rows: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    """The largest of the norms over k components, of each row (n, N*k); (n,)."""
    squares = np.square(rows).reshape(len(rows), -1, k)
    total = squares[..., 0].copy()
    for j in range(1, k):
        total += squares[..., j]
    largest: NDArray[np.float64] = np.sqrt(total.max(axis=1).astype(np.float64))
    return largest


def _eigen(gram: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues in descending order, none below 0, and the vectors, in columns."""
    with one_thread():
        values, vectors = np.linalg.eigh(gram)
    return np.maximum(values[::-1], 0), vectors[:, ::-1]


def _worst_of_windows(errors: NDArray[np.float64]) -> NDArray[np.int64]:
    """The step of the largest error in each window of the steps."""
    parts = np.array_split(np.arange(len(errors)), min(len(errors), WINDOWS))
    return np.array([part[np.argmax(errors[part])] for part in parts], np.int64)
