"""The logistic fit: by hand, against the whole likelihood on a grid, and on data whose truth is
known.
"""

import math
from itertools import pairwise

import numpy as np
import pytest

from latentviz import LogisticFit, OptionError, Separated, fit_logistic, wilson_interval

CHI2_95 = 3.841458820694124  # the 95 % quantile of chi-squared with one degree of freedom


def test_two_doses_by_hand():
    # The curve through both shares: log odds of -ln 3 at ln 1 and of ln 3 at ln e².
    fit = fit_logistic([math.e**2, 1], [3, 1], [4, 4])
    assert isinstance(fit, LogisticFit)
    assert fit.intercept == pytest.approx(-math.log(3))
    assert fit.slope == pytest.approx(math.log(3))
    assert fit.log_likelihood == pytest.approx(6 * math.log(3 / 4) + 2 * math.log(1 / 4))
    assert (fit.doses, fit.successes, fit.trials) == ((1, math.e**2), (1, 3), (4, 4))
    assert fit.share([1, math.e, math.e**2]) == pytest.approx([1 / 4, 1 / 2, 3 / 4])
    assert fit.estimate(0.5).dose == pytest.approx(math.e)
    assert fit.estimate(0.9).dose == pytest.approx(math.e**3)  # log odds of 2 ln 3


def test_an_interval_is_symmetric_where_the_data_are_and_changes_with_the_unit_alone():
    doses, successes = [1, 2, 4, 8, 16], [0, 2, 5, 8, 10]
    fit = fit_logistic(doses, successes, [10] * 5)
    half = fit.estimate(0.5)
    assert half.dose == pytest.approx(4)
    assert half.low * half.high == pytest.approx(16)
    assert half.low < 4 < half.high
    most, least = fit.estimate(0.95), fit.estimate(0.05)
    assert most.dose * least.dose == pytest.approx(16)
    assert (most.low * least.high, most.high * least.low) == pytest.approx((16, 16))
    finer = fit_logistic([1e6 * d for d in doses], successes, [10] * 5).estimate(0.95)
    assert finer.low == pytest.approx(1e6 * most.low)
    assert finer.high == pytest.approx(1e6 * most.high)
    # The surer, the wider.
    assert fit.estimate(0.5, confidence=0.99).low < half.low
    assert fit.estimate(0.5, confidence=0.5).low > half.low


@pytest.mark.parametrize(
    "successes",
    [
        [0, 0, 3, 4, 9, 11, 12],
        [0, 1, 0, 5, 4, 12, 11],  # not monotone
        [5, 6, 7, 6, 8, 9, 12],
    ],
)
def test_the_whole_likelihood_on_a_grid(successes):
    """Every curve that is near, one by one: no other is better, and the interval's ends are where
    the best curve through a dose has fallen by half of the quantile.
    """
    doses, n = [0.01, 0.05, 0.1, 0.2, 0.5, 1, 4], 12
    fit = fit_logistic(doses, successes, [n] * len(doses))
    x, s = np.log(doses), np.array(successes)

    def likelihood(intercept, slope):
        odds = intercept[..., None] + slope[..., None] * x
        return (s * odds - n * np.logaddexp(0, odds)).sum(-1)

    around = np.linspace(-1.5, 1.5, 601)
    grid = likelihood(fit.intercept + around[:, None], fit.slope + around[None, :])
    assert np.unravel_index(grid.argmax(), grid.shape) == (300, 300)
    assert fit.log_likelihood == pytest.approx(grid.max(), abs=1e-9)

    slopes = np.linspace(-3, 12, 15_001)
    for share in (0.5, 0.95):
        logit = math.log(share / (1 - share))

        def fallen(dose, logit=logit):
            best = likelihood(logit - slopes * math.log(dose), slopes).max()
            return 2 * (fit.log_likelihood - best)

        estimate = fit.estimate(share)
        assert fallen(estimate.dose) == pytest.approx(0, abs=1e-4)
        for end, outwards in ((estimate.low, 0.99), (estimate.high, 1.01)):
            assert fallen(end) == pytest.approx(CHI2_95, abs=1e-3)
            assert fallen(end * outwards) > CHI2_95


def test_intervals_hold_the_truth_as_often_as_they_say():
    doses = np.array([0.01, 0.03, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.7, 3, 10])
    half, slope, n = 0.14, 3.0, 12
    most = half * 19 ** (1 / slope)  # log odds of ln 19
    shares = 1 / (1 + (half / doses) ** slope)
    random = np.random.default_rng(0)
    n_simulations = 250
    held = {0.5: 0, 0.95: 0}
    for _ in range(n_simulations):
        fit = fit_logistic(doses, random.binomial(n, shares), [n] * len(doses))
        for share, truth in ((0.5, half), (0.95, most)):
            estimate = fit.estimate(share)
            held[share] += estimate.low <= truth <= estimate.high
    # Within three standard errors of 95 %: 0.95 ± 3·√(0.95·0.05/250).
    for share, count in held.items():
        assert abs(count / n_simulations - 0.95) < 0.042, share


def test_where_no_bound_is_none_is_given():
    # Hardly any trend: half may lie anywhere, and 95 % at no dose below what was tried.
    fit = fit_logistic([1, 10], [2, 3], [5, 5])
    half, most = fit.estimate(0.5), fit.estimate(0.95)
    assert (half.low, half.high) == (0, math.inf)
    assert 10 < most.low < most.dose < most.high == math.inf
    assert fit.in_words("dose") == (
        "The share of working runs hardly rises with dose: no threshold can be told."
    )
    level = fit_logistic([1, 3, 10], [2, 2, 2], [5, 5, 5])
    assert level.slope == 0
    assert level.share([2]) == pytest.approx([0.4])
    assert level.in_words("dose") == "The share of working runs does not rise with dose."
    with pytest.raises(OptionError, match="a level curve has the same share at every dose"):
        level.estimate(0.5)


def test_a_curve_that_falls():
    up, down = (fit_logistic([1, 2, 4], s, [9] * 3) for s in ([1, 4, 8], [8, 5, 1]))
    assert down.slope == pytest.approx(-up.slope)
    assert down.estimate(0.5).low == pytest.approx(up.estimate(0.5).low)
    assert down.in_words("dose") == "The share of working runs does not rise with dose."


@pytest.mark.parametrize(
    ("successes", "expected", "words"),
    [
        (
            [0, 0, 5, 5],
            Separated(2, 3),
            "All runs work at dose 3 and above, none at 2 and below: half of them work somewhere "
            "between.",
        ),
        (
            [0, 3, 5, 5],
            Separated(1, 3),
            "All runs work at dose 3 and above, none at 1 and below: half of them work somewhere "
            "between.",
        ),
        (
            [5, 5, 1, 0],
            Separated(4, 2, falls=True),
            "All runs work at dose 2 and below, none at 4 and above: half of them work somewhere "
            "between.",
        ),
        (
            [0, 0, 0, 0],
            Separated(4, None),
            "No run works at dose 4 and below; where all work was not tried.",
        ),
        (
            [0, 0, 0, 4],
            Separated(3, None),
            "No run works at dose 3 and below; where all work was not tried.",
        ),
        (
            [5, 5, 5, 5],
            Separated(None, 1),
            "All runs work at dose 1 and above; where none works was not tried.",
        ),
        (
            [1, 5, 5, 5],
            Separated(None, 2),
            "All runs work at dose 2 and above; where none works was not tried.",
        ),
    ],
)
def test_without_an_overlap_there_is_no_best_curve(successes, expected, words):
    assert fit_logistic([1, 2, 3, 4], successes, [5] * 4) == expected
    assert expected.in_words("dose") == words


def test_any_overlap_gives_a_curve():
    for successes in ([0, 1, 4, 5], [0, 1, 0, 5], [1, 0, 5, 5], [0, 0, 5, 4], [4, 0, 0, 0, 5]):
        fit = fit_logistic(range(1, len(successes) + 1), successes, [5] * len(successes))
        assert isinstance(fit, LogisticFit), successes
        # At the peak the expected successes are those seen, and so is their mean log dose.
        missed = np.array(successes) - 5 * fit.share(fit.doses)
        assert [missed.sum(), missed @ np.log(fit.doses)] == pytest.approx([0, 0], abs=1e-4)


def test_fewer_than_two_doses_tell_nothing():
    for doses in ([3], [3, 0], [3, 3]):
        found = fit_logistic(doses, [2] * len(doses), [5] * len(doses))
        assert found == Separated(None, None)
    assert found.in_words("dose") == "Too few values of dose were tried to tell how it matters."
    assert fit_logistic([], [], []) == fit_logistic([0], [1], [2]) == Separated(None, None)


def test_dose_zero_is_left_out_and_like_doses_are_added_up():
    expected = fit_logistic([1, 2, 4], [1, 4, 8], [10, 10, 10])
    assert fit_logistic([2, 0, 4, 1, 2, 9], [1, 5, 8, 1, 3, 0], [4, 5, 10, 10, 6, 0]) == expected


def test_the_answer_in_words():
    fit = fit_logistic([0.1, 0.2, 0.4, 0.8], [1, 5, 9, 12], [12] * 4)
    ends = [(e.dose, e.low, e.high) for e in (fit.estimate(0.5), fit.estimate(0.95))]
    assert ends[0] == pytest.approx((0.236, 0.173, 0.318), abs=0.001)
    assert ends[1] == pytest.approx((0.677, 0.420, 1.633), abs=0.001)
    assert fit.in_words("label coverage") == (
        "Half of the runs work at label coverage 0.24 (95 % interval 0.17 to 0.32), 95 % at 0.68 "
        "(0.42 to 1.6)."
    )
    beyond = fit_logistic([0.1, 0.2, 0.4], [1, 5, 9], [12] * 3).in_words("dose")
    assert beyond.endswith(", beyond all that was tried).")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1], [1, 1]), "got 2, 1 and 2"),
        (([-1], [1], [1]), "got 1 of 1 at dose -1"),
        (([math.nan], [1], [1]), "got 1 of 1 at dose nan"),
        (([math.inf], [1], [1]), "got 1 of 1 at dose inf"),
        (([1], [2], [1]), "got 2 of 1 at dose 1"),
        (([1], [-1], [1]), "got -1 of 1 at dose 1"),
    ],
)
def test_bad_numbers_are_refused(arguments, message):
    with pytest.raises(OptionError, match=message):
        fit_logistic(*arguments)


def test_shares_and_confidences_lie_within_0_to_1():
    fit = fit_logistic([1, 2, 4], [1, 4, 8], [10] * 3)
    for share in (0, 1, -0.5, math.nan):
        with pytest.raises(OptionError, match="the share must lie within 0 to 1"):
            fit.estimate(share)
    with pytest.raises(OptionError, match="the confidence must lie within 0 to 1"):
        fit.estimate(0.5, confidence=1)


def test_wilson_s_interval_by_hand():
    z2 = CHI2_95
    # Of 5 of 5: 1 / (1 + z²/n).
    assert wilson_interval(5, 5) == pytest.approx((5 / (5 + z2), 1))
    assert wilson_interval(0, 5) == pytest.approx((0, z2 / (5 + z2)), abs=1e-12)
    half = math.sqrt(z2) * math.sqrt(0.25 / 10 + z2 / 400) / (1 + z2 / 10)
    assert wilson_interval(5, 10) == pytest.approx((0.5 - half, 0.5 + half))
    assert all(
        a[0] < b[0] and a[1] < b[1] for a, b in pairwise(wilson_interval(k, 12) for k in range(13))
    )
    for bad in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(OptionError, match="1 trial or more, got"):
            wilson_interval(*bad)
