"""Which steps are packed where all of them take too many bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from .deltas import Deltas, estimated_bytes, pack_deltas
from .steps import Steps
from .svd import Svd, pack_svd

Keep = Callable[[int], NDArray[np.int64]]
"""Which steps to keep, as ascending indices, where there may be so many frames."""

Way = Svd | Deltas

CLOSE = 0.97  # of what is allowed: no more steps are looked for
AIM = 0.985  # of it, by what fewer or more steps took
TRIES = 6
FEWEST = 2  # steps
SEEN_TO = 2.5  # times what is allowed: how much more it is, is of use up to there


def thinned(
    steps: Steps,
    most_px: float,
    max_bytes: int,
    keep: Keep | None,
    whole: Way | None,
    told: Callable[[], None],
    *,
    appendable: bool = False,
) -> tuple[NDArray[np.int64], Way]:
    """The most of the steps that keep to ``max_bytes``, to a few in a hundred.

    Args:
        steps: Their places are finite.
        most_px: The largest error, as of `pack_places`.
        max_bytes: All arrays' together.
        keep: Gives the steps for a number of frames; None where none may be left out.
        whole: What all steps come to, if that was found out.
        told: Called after each try.
        appendable: As of `pack_places`.

    Returns:
        The indices of the steps, and what they are packed to.

    Raises:
        OptionError: Not even two of them do.
    """
    T = steps.shape[0]
    if keep is None or T <= FEWEST:
        least = steps.shape[1] * steps.shape[2] if whole is None else whole.n_bytes
        raise _too_few(max_bytes, least, "all steps")

    def of_deltas(chosen: Steps) -> Way | None:
        return pack_deltas(chosen, most_px, SEEN_TO * max_bytes, lambda _: None)

    def of_svd(chosen: Steps) -> Way | None:
        return pack_svd(chosen, most_px, SEEN_TO * max_bytes, lambda _: None)

    search = _Search(steps, keep, max_bytes, told)
    estimate = search.estimated(most_px)
    best = search.most(of_deltas, estimate)
    first = estimate if best is None else len(best[0])
    if isinstance(whole, Svd):
        fixed = whole.n_bytes - whole.step_bytes
        first = max(first, int(T * (max_bytes - fixed) / whole.step_bytes))
    other = None if appendable else search.most(of_svd, first, at_once=best)
    if other is not None and (best is None or len(other[0]) > len(best[0])):
        best = other
    if best is None:
        two = estimated_bytes(steps.chosen(keep(FEWEST)), most_px)
        raise _too_few(max_bytes, int(two), "two steps")
    return best


class _Search:
    """For the largest number of frames whose steps keep to so many bytes."""

    def __init__(self, steps: Steps, keep: Keep, max_bytes: int, told: Callable[[], None]) -> None:
        self.steps = steps
        self.keep = keep
        self.max_bytes = max_bytes
        self.told = told

    def estimated(self, most_px: float) -> int:
        """The number by estimates of what differences take."""
        low, high = FEWEST, self.steps.shape[0]
        while high - low > max(1, low // 50):
            middle = (low + high) // 2
            chosen = self.steps.chosen(self.keep(middle))
            fits = estimated_bytes(chosen, most_px) <= self.max_bytes
            low, high = (middle, high) if fits else (low, middle)
        return low

    def most(
        self,
        pack: Callable[[Steps], Way | None],
        first: int,
        *,
        at_once: tuple[NDArray[np.int64], Way] | None = None,
    ) -> tuple[NDArray[np.int64], Way] | None:
        """The steps of the largest number that fits, and what they come to.

        Args:
            pack: One of the ways; None where it takes very much more.
            first: The number that is tried first.
            at_once: What another way came to: the search ends if it is not bettered at ``first``.
        """
        best = None
        low, high = FEWEST - 1, self.steps.shape[0]  # what fits, and what does not
        n = min(max(first, FEWEST), high - 1)
        for _ in range(TRIES):
            indices = np.unique(self.keep(n))
            packed = pack(self.steps.chosen(indices))
            self.told()
            taken = SEEN_TO * self.max_bytes if packed is None else packed.n_bytes
            if packed is not None and taken <= self.max_bytes:
                low = n
                if best is None or len(indices) > len(best[0]):
                    best = indices, packed
                if taken >= CLOSE * self.max_bytes:
                    break
            else:
                high = n
                if at_once is not None and n <= len(at_once[0]):
                    break
            if high - low <= max(1, low // 50):
                break
            n = int(n * AIM * self.max_bytes / taken)
            if not low < n < high:
                n = (low + high) // 2
        return best


def _too_few(max_bytes: int, least: int, what: str) -> OptionError:
    return OptionError(
        f"the places of {what} take about {least:,} bytes, and there is room for {max_bytes:,}; "
        "give the page a larger size, or draw fewer points or components"
    )
