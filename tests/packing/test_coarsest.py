"""The search for the coarsest step, on errors that are known."""

import numpy as np
import pytest

from latentviz.packing.coarsest import coarsest


def of(error, *, first, least=0.0, tries=8, close=0.95):
    asked = []

    def counted(step):
        asked.append(step)
        return error(step)

    return coarsest(counted, first, least, 1.0, tries, close), asked


@pytest.mark.parametrize("first", [1e-3, 0.1, 0.9, 1.1, 10, 300])
def test_a_step_is_found_from_anywhere(first):
    (step, error), asked = of(lambda step: step, first=first)
    assert 0.95 <= error == step <= 1
    assert asked[-1] == step
    assert asked[0] == first


def test_errors_that_add_up_as_squares():
    (step, error), asked = of(lambda step: np.hypot(0.8, 3 * step), first=0.1, least=0.8)
    assert 0.95 <= error <= 1
    assert error == np.hypot(0.8, 3 * step)
    assert len(asked) <= 3


def test_the_best_of_what_was_found_where_tries_end():
    jumps = {True: 0.5, False: 2.0}
    (step, error), asked = of(lambda step: jumps[step < 0.7], first=0.1)
    assert error == 0.5
    assert step == max(s for s in asked if s < 0.7)
    assert len(asked) == 8


def test_no_step_keeps_the_bound():
    found, asked = of(lambda step: 1.5, first=0.1)
    assert found is None
    assert asked == sorted(asked, reverse=True)


def test_no_error_at_all():
    (step, error), asked = of(lambda step: 0.0, first=0.1)
    assert error == 0
    assert step == max(asked)
