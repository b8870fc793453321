"""How the rate of success grows with the dose: a logistic curve, fitted by maximum likelihood.

The share of trials that succeed at dose d is 1 / (1 + exp(-(a + b ln d))). Intervals are by profile
likelihood: a dose belongs to the interval if the best curve through it is not so much less likely
than the best of all that chance alone would make it so in one of twenty cases. Unlike ± 1.96
standard errors, they need not be symmetric, and say where the data set no bound at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
HALF, MOST = 0.5, 0.95  # the shares whose doses are told

MAX_NEWTON_STEPS = 100
# A Newton step that promises to raise the logarithm of the likelihood by less is the last one.
LEAST_GAIN = 1e-12
# Over the doses' range; what rounding leaves of a level curve's.
LEAST_SLOPE = 1e-9
# The end of an interval is looked for as far out as this many times the range of the log doses.
FARTHEST = 200.0
MAX_HALVINGS = 60


@dataclass(frozen=True)
class DoseEstimate:
    """The dose at which a share of the trials succeed.

    Attributes:
        share: That share, within 0..1.
        dose: The estimate; infinite where it is too great for a float.
        low: Lower end of the interval; 0 where the data set none.
        high: Upper end of the interval; infinite where the data set none.
    """

    share: float
    dose: float
    low: float
    high: float


@dataclass(frozen=True)
class LogisticFit:
    """The curve of greatest likelihood. Made by `fit_logistic`.

    Attributes:
        intercept: a, the log odds of success at dose 1.
        slope: b, by how much they grow where the dose grows e-fold; below 0 if they fall.
        log_likelihood: Natural logarithm of the data's likelihood, without the binomial factors.
        doses: The doses that it was fitted to, above 0, ascending.
        successes: How many trials succeeded at each.
        trials: How many there were at each.
    """

    intercept: float
    slope: float
    log_likelihood: float
    doses: tuple[float, ...]
    successes: tuple[int, ...]
    trials: tuple[int, ...]

    def share(self, doses: Sequence[float] | Floats) -> Floats:
        """The share of trials that succeed at doses (n,) above 0, (n,) within 0..1."""
        return _share(self.intercept + self.slope * np.log(np.asarray(doses, dtype=np.float64)))

    def estimate(self, share: float, *, confidence: float = CONFIDENCE) -> DoseEstimate:
        """The dose at which a share of the trials succeed, with its profile-likelihood interval.

        Args:
            share: Within 0..1, ends excluded.
            confidence: How often such intervals hold the true dose, within 0..1, ends excluded.

        Raises:
            OptionError: An argument is out of range, or the curve is level.
        """
        _check_proportion("the share", share)
        if self.slope == 0:
            raise OptionError("a level curve has the same share at every dose")
        allowed = _z(confidence) ** 2
        logit = math.log(share / (1 - share))
        best = (logit - self.intercept) / self.slope
        x = np.log(np.array(self.doses))
        successes, trials = np.array(self.successes), np.array(self.trials)

        def excess(log_dose: float) -> float:
            """How much more than allowed the likelihood falls if the curve passes there."""
            likely = _greatest_likelihood(logit, x - log_dose, successes, trials)
            return 2 * (self.log_likelihood - likely) - allowed

        reach = float(x[-1] - x[0])
        return DoseEstimate(
            share=share,
            dose=_exp(best),
            low=_exp(_crossing(excess, best, -reach)),
            high=_exp(_crossing(excess, best, reach)),
        )

    @property
    def thresholds(self) -> tuple[DoseEstimate, ...]:
        """The doses at which half and 95 % of the trials succeed; none where the data tell none.

        That is so where the share does not grow with the dose, or hardly: there, half of the trials
        may succeed at any dose.
        """
        if self.slope <= 0:
            return ()
        half = self.estimate(HALF)
        bounded = half.low > 0 or math.isfinite(half.high)
        return (half, self.estimate(MOST)) if bounded else ()

    def in_words(self, dose: str) -> str:
        """The doses at which half and 95 % of all runs work, in a sentence.

        Args:
            dose: The name of the dose, such as ``label coverage``.
        """
        if self.slope <= 0:
            return f"The share of working runs does not rise with {dose}."
        if not self.thresholds:
            return f"The share of working runs hardly rises with {dose}: no threshold can be told."
        half, most = self.thresholds
        sure = f"{100 * CONFIDENCE:.0f} % interval "
        return (
            f"Half of the runs work at {dose} {self._told(half, sure)}, {100 * MOST:.0f} % at "
            f"{self._told(most, '')}."
        )

    def _told(self, estimate: DoseEstimate, before: str) -> str:
        low, high = two_digits(estimate.low), two_digits(estimate.high)
        if estimate.low > 0 and math.isfinite(estimate.high):
            interval = f"{low} to {high}"
        elif math.isfinite(estimate.high):
            interval = f"{high} or less"
        elif estimate.low > 0:
            interval = f"{low} or more"
        else:
            interval = "without bounds"
        tried = self.doses[0] <= estimate.dose <= self.doses[-1]
        beyond = "" if tried else ", beyond all that was tried"
        return f"{two_digits(estimate.dose)} ({before}{interval}{beyond})"


@dataclass(frozen=True)
class Separated:
    """The answer where the likelihood has no greatest value, so that no curve is the best one.

    That is so where one dose parts all failures from all successes (the steeper a curve, the
    better), and where there are fewer than two doses.

    Attributes:
        none_at: From here down no trial succeeded; None if one did at the least dose.
        all_at: From here up all trials succeeded; None if one did not at the greatest dose.
        falls: It is the other way round: none from `none_at` up, and all from `all_at` down.
    """

    none_at: float | None
    all_at: float | None
    falls: bool = False

    def in_words(self, dose: str) -> str:
        """Between which doses runs begin to work, in a sentence.

        Args:
            dose: The name of the dose, such as ``label coverage``.
        """
        if self.none_at is None and self.all_at is None:
            return f"Too few values of {dose} were tried to tell how it matters."
        none_on, all_on = ("above", "below") if self.falls else ("below", "above")
        if self.all_at is None:
            none = f"{self.none_at:g} and {none_on}"
            return f"No run works at {dose} {none}; where all work was not tried."
        if self.none_at is None:
            every = f"{self.all_at:g} and {all_on}"
            return f"All runs work at {dose} {every}; where none works was not tried."
        return (
            f"All runs work at {dose} {self.all_at:g} and {all_on}, none at {self.none_at:g} and "
            f"{none_on}: half of them work somewhere between."
        )


def fit_logistic(
    doses: Sequence[float], successes: Sequence[int], trials: Sequence[int]
) -> LogisticFit | Separated:
    """Fit a logistic curve over the doses' logarithm to the shares of trials that succeeded.

    Args:
        doses: (n,), 0 or more, in any order. 0 has no logarithm: what was tried there is left out.
        successes: (n,) how many trials succeeded at each dose.
        trials: (n,) how many there were.

    Returns:
        The curve of greatest likelihood, by Newton's method; or, where there is none, between which
        doses success sets in.

    Raises:
        OptionError: The three are not alike in length, or a number is out of range.
    """
    rows = _positive(doses, successes, trials)
    separated = _separated(rows)
    if separated is not None:
        return separated
    d, s, n = (tuple(column) for column in zip(*rows, strict=True))
    x, S, N = np.log(np.array(d)), np.array(s), np.array(n)
    # About the middle and in units of the range, so that the two parameters hardly depend on each
    # other, whatever the doses' unit.
    middle, unit = float(np.average(x, weights=N)), float(x[-1] - x[0])
    design = np.stack([np.ones(len(x)), (x - middle) / unit])
    parameters, likelihood = _newton(np.zeros(len(x)), design, S, N)
    level, slope = parameters.tolist()
    slope = slope / unit if abs(slope) > LEAST_SLOPE else 0.0
    return LogisticFit(level - slope * middle, slope, likelihood, d, s, n)


def two_digits(value: float) -> str:
    """A number to two digits, such as ``0.20``."""
    return f"{value:#.2g}".removesuffix(".")


def wilson_interval(
    successes: int, trials: int, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Wilson's interval of the rate of success, within 0..1.

    Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953

    Args:
        successes: How many trials succeeded.
        trials: How many there were, 1 or more.
        confidence: How often such intervals hold the true rate, within 0..1, ends excluded.

    Raises:
        OptionError: An argument is out of range.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise OptionError(f"expected 0 to {trials} successes of 1 trial or more, got {successes}")
    n, rate, z = trials, successes / trials, _z(confidence)
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _positive(
    doses: Sequence[float], successes: Sequence[int], trials: Sequence[int]
) -> list[tuple[float, int, int]]:
    """Dose, successes and trials of all doses above 0 that were tried, ascending."""
    if not len(doses) == len(successes) == len(trials):
        raise OptionError(
            "expected as many doses as numbers of successes and of trials, got "
            f"{len(doses)}, {len(successes)} and {len(trials)}"
        )
    together: dict[float, tuple[int, int]] = {}
    for dose, succeeded, tried in zip(doses, successes, trials, strict=True):
        if not (0 <= dose < math.inf and 0 <= succeeded <= tried):
            raise OptionError(
                "expected finite doses of 0 or more, and no more successes than trials, got "
                f"{succeeded} of {tried} at dose {dose}"
            )
        if dose > 0 and tried > 0:
            s, n = together.get(dose, (0, 0))
            together[dose] = (s + int(succeeded), n + int(tried))
    return [(float(dose), *counts) for dose, counts in sorted(together.items())]


def _separated(rows: Sequence[tuple[float, int, int]]) -> Separated | None:
    """The answer if no curve is the best one; None if one is."""
    failing = [dose for dose, s, n in rows if s < n]
    succeeding = [dose for dose, s, _ in rows if s > 0]
    doses = [dose for dose, _, _ in rows]
    least, greatest = min(succeeding, default=math.inf), max(failing, default=-math.inf)
    if greatest <= least:
        return Separated(
            none_at=max((dose for dose in doses if dose < least), default=None),
            all_at=min((dose for dose in doses if dose > greatest), default=None),
        )
    least, greatest = min(failing), max(succeeding)
    if greatest <= least:
        return Separated(
            none_at=min((dose for dose in doses if dose > greatest), default=None),
            all_at=max((dose for dose in doses if dose < least), default=None),
            falls=True,
        )
    return None


def _newton(
    offset: Floats, design: Floats, successes: NDArray[np.int64], trials: NDArray[np.int64]
) -> tuple[Floats, float]:
    """Maximise the likelihood of log odds ``offset + parameters @ design``.

    It is concave, so Newton's method with its steps cut where they go too far finds the only peak.

    Args:
        offset: (n,).
        design: (p, n), p parameters; the data must not be separated by them.
        successes: (n,).
        trials: (n,).

    Returns:
        The parameters, (p,), and the logarithm of the likelihood.
    """
    parameters = np.zeros(len(design))
    likelihood = _log_likelihood(offset, successes, trials)
    for _ in range(MAX_NEWTON_STEPS):
        shares = _share(offset + parameters @ design)
        gradient = design @ (successes - trials * shares)
        curvature = (design * (trials * shares * (1 - shares))) @ design.T
        step = np.linalg.solve(curvature, gradient)
        if gradient @ step < LEAST_GAIN:
            break
        for halvings in range(MAX_HALVINGS):
            tried = parameters + step / 2**halvings
            reached = _log_likelihood(offset + tried @ design, successes, trials)
            if reached > likelihood:
                break
        else:
            break  # as good as floats allow
        parameters, likelihood = tried, reached
    return parameters, likelihood


def _greatest_likelihood(
    logit: float, x: Floats, successes: NDArray[np.int64], trials: NDArray[np.int64]
) -> float:
    """The logarithm of the greatest likelihood of all curves with log odds ``logit`` where x is 0.

    Args:
        logit: The log odds.
        x: (n,) log doses, counted from there.
        successes: (n,).
        trials: (n,).
    """
    scaled = x / np.abs(x).max()
    return _newton(np.full(len(x), logit), scaled[None], successes, trials)[1]


def _log_likelihood(
    log_odds: Floats, successes: NDArray[np.int64], trials: NDArray[np.int64]
) -> float:
    return float((successes * log_odds - trials * np.logaddexp(0.0, log_odds)).sum())


def _share(log_odds: Floats) -> Floats:
    return np.exp(-np.logaddexp(0.0, -log_odds))


def _crossing(excess: Callable[[float], float], best: float, reach: float) -> float:
    """Where ``excess``, below 0 at ``best``, first becomes 0 on the way into reach's direction.

    Infinite, in that direction, if it does not.
    """
    inside, below = best, excess(best)
    step = reach / 20
    while True:
        outside = best + step
        above = excess(outside)
        if above > 0:
            break
        if abs(step) > FARTHEST * abs(reach):
            return math.copysign(math.inf, reach)
        inside, below = outside, above
        step *= 1.5
    # False position, halving the weight of an end that stays (the Illinois algorithm).
    side = 0
    for _ in range(MAX_HALVINGS):
        middle = (inside * above - outside * below) / (above - below)
        here = excess(middle)
        if abs(here) < 1e-9 or abs(outside - inside) < 1e-12 * abs(reach):
            break
        if here > 0:
            outside, above = middle, here
            below *= 0.5 if side > 0 else 1
            side = 1
        else:
            inside, below = middle, here
            above *= 0.5 if side < 0 else 1
            side = -1
    return middle


def _exp(log_dose: float) -> float:
    try:
        return math.exp(log_dose)
    except OverflowError:
        return math.inf


def _z(confidence: float) -> float:
    """How many standard deviations of a normal distribution hold that share of it."""
    _check_proportion("the confidence", confidence)
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _check_proportion(what: str, value: float) -> None:
    if not 0 < value < 1:
        raise OptionError(f"{what} must lie within 0 to 1, ends excluded, got {value:g}")
