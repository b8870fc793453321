import math
from itertools import pairwise

import numpy as np
import pytest

from latentviz.raster.ticks import APART, MOST, linear_ticks, log_ticks, number_labels

TEXT = 17.0


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0009, 90, ["0.001", "0.01", "0.1", "1", "10"]),
        (0.00009, 90, ["0.0001", "0.01", "1"]),
        (2e-7, 300, ["10⁻⁶", "10⁻⁴", "10⁻²", "10⁰", "10²"]),
        (0.8e-12, 1.2, ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]),
        (0.008, 0.9, ["0.01", "0.1"]),
        # Fewer than two decades: 1, 2 and 5.
        (0.09, 0.9, ["0.1", "0.2", "0.5"]),
        (1.5, 9.0, ["2", "5"]),
        (1.5e-6, 9e-6, ["2·10⁻⁶", "5·10⁻⁶"]),
        # Closer still.
        (2.0, 2.4, ["2", "2.1", "2.2", "2.3", "2.4"]),
        (2.3025, 2.3034, ["2.3026", "2.3028", "2.303", "2.3032", "2.3034"]),
        (1.1, 1.9, ["1.2", "1.4", "1.6", "1.8"]),
        (5.1, 19.9, ["10", "15"]),
    ],
)
def test_a_log_axis_by_hand(low, high, labels):
    assert list(log_ticks(low, high, length_px=152, text_px=TEXT).labels) == labels


@pytest.mark.parametrize("length_px", [152, 101, 50, 400])
def test_every_log_axis_has_two_labels_one_of_them_in_its_lower_half(length_px):
    rng = np.random.default_rng(0)
    text_px = max(8.0, TEXT * min(1, length_px / 152))
    for decades in [*rng.uniform(0.0043, 3, 300), *rng.uniform(3, 100, 300)]:
        low = 10 ** rng.uniform(-40, 20)
        high = low * 10**decades
        ticks = log_ticks(low, high, length_px=length_px, text_px=text_px)
        places = [math.log(v / low) / math.log(high / low) for v in ticks.values]
        assert 2 <= len(places) <= MOST, (low, high, ticks)
        assert -1e-6 <= places[0] <= 0.5, (low, high, ticks)
        assert places[-1] <= 1 + 1e-6, (low, high, ticks)
        assert min(b - a for a, b in pairwise(places)) * length_px >= APART * text_px
        assert len(set(ticks.labels)) == len(ticks.labels)
        assert not set(ticks.minor) & set(ticks.values)


@pytest.mark.parametrize("length_px", [1, 9, 13, 17])
def test_a_log_axis_with_room_for_one_label(length_px):
    for low, high in [(1e-6, 1), (0.8, 1.1), (2.0, 2.1), (2.11, 2.19), (30, 40)]:
        ticks = log_ticks(low, high, length_px=length_px, text_px=8)
        assert 1 <= len(ticks.values) <= 2


@pytest.mark.parametrize(
    ("low", "high", "options", "labels"),
    [
        (0, 0.216, {}, ["0", "0.05", "0.1", "0.15", "0.2"]),
        (0, 0.216, {"most": 3}, ["0", "0.1", "0.2"]),
        (0, 0.216, {"most": 0}, ["0", "0.2"]),
        (0, 0.0108, {}, ["0", "0.005", "0.01"]),
        (0, 5.4e-5, {}, ["0", "2·10⁻⁵", "4·10⁻⁵"]),
        (0, 3e6, {}, ["0", "10⁶", "2·10⁶", "3·10⁶"]),
        (-5.4, 0.4, {}, ["\N{MINUS SIGN}4", "\N{MINUS SIGN}2", "0"]),
        (0, 10_000, {"most": 6, "whole": True}, ["0", "2000", "4000", "6000", "8000", "10000"]),
        (3, 4, {"whole": True}, ["3", "4"]),
        (2**53 - 2, 2**53, {"whole": True}, ["9007199254740990", "9007199254740991", f"{2**53}"]),
    ],
)
def test_a_linear_axis_by_hand(low, high, options, labels):
    assert list(linear_ticks(low, high, **options).labels) == labels


def test_numbers_are_written_one_way_on_an_axis():
    assert number_labels([0.3, 0.1]) == ("0.3", "0.1")
    assert number_labels([1e-5, 1]) == ("10⁻⁵", "10⁰")
    assert number_labels([-2e-7, 0, 15e-7]) == ("\N{MINUS SIGN}2·10⁻⁷", "0", "1.5·10⁻⁶")
    assert number_labels([1e5, 2e5]) == ("100000", "200000")
    assert number_labels([1e6]) == ("10⁶",)
    assert number_labels([1000.02]) == ("1000.02",)
    assert number_labels([]) == ()
