from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from latentviz import Recorder, open_run
from trainers.outcomes import (
    Outcome,
    Quality,
    angle_deg,
    in_cyclic_order,
    measure,
    off_plane,
    tallies,
    verdict,
)


def test_angles_by_hand():
    x = np.array([1.0, 0, 0])
    assert angle_deg(x, x) == 0
    assert angle_deg(np.array([2.0, 2.0, 0]), x) == pytest.approx(45)
    assert angle_deg(np.array([0, 0, 0.1]), x) == pytest.approx(90)
    assert angle_deg(np.array([-3.0, 0, 0]), x) == pytest.approx(180)
    assert angle_deg(np.array([1, 1e-9, 0]), x) == pytest.approx(np.degrees(1e-9), rel=1e-6)


def test_off_plane_is_the_length_beyond_the_first_two_components():
    assert off_plane(np.array([[7.0, 8, 3, 4], [1, 1, 0, 0]])).tolist() == [5, 0]


def around(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles), np.ones(len(degrees))], -1)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        ([0, 90, 180, 270], True),
        ([10, 280, 190, 100], True),  # the other way round
        ([170, 190, 350, 20], True),  # across the angles' seam
        ([0, 180, 90, 270], False),
        ([0, 90, 80, 270], False),  # one step back
        ([0, 90, 90, 270], False),
        ([0, 30, 60, 30], False),  # there and back
        ([0, 144, 288, 72, 216], False),  # twice round
    ],
)
def test_cyclic_order(degrees, expected):
    assert in_cyclic_order(around(*degrees)) is expected


GOOD = Quality(
    error_max=1.0,
    error_median=1.0,
    red_angle_deg=29.9,
    off_plane_rms=0.49,
    off_plane_max=1.0,
    cyclic=True,
)


def test_a_run_works_if_all_three_conditions_hold():
    assert GOOD.works
    assert not replace(GOOD, cyclic=False).works
    assert not replace(GOOD, red_angle_deg=30.0).works
    assert not replace(GOOD, off_plane_rms=0.5).works
    assert not replace(GOOD, red_angle_deg=float("nan")).works


class Fixed(nn.Module):
    """Reconstructs every color 0.1 too bright in red; hue stands around a circle."""

    def __init__(self):
        super().__init__()
        self.offset = nn.Parameter(torch.tensor([0.1, 0.0, 0.0]))
        self.bottleneck = Opponents()

    def forward(self, rgb):
        self.bottleneck(rgb)
        return rgb + self.offset


class Opponents(nn.Module):
    """Red against cyan, yellow against blue, and a height of 0.3 for all."""

    def forward(self, rgb):
        r, g, b = rgb.T
        return torch.stack([r - (g + b) / 2, (g - b) * 3**0.5 / 2, 0.3 + 0 * r], -1)


def test_measuring_a_model_that_is_known(tmp_path):
    model = Fixed()
    with Recorder(tmp_path / "run.npz", model, layer="bottleneck") as recorder:
        recorder.step()
    with open_run(tmp_path / "run.npz", model=model) as run:
        quality = measure(run, red_anchor=(1.0, 0.0, 0.0))
    assert quality.error_max == pytest.approx(0.01 / 3, rel=1e-5)
    assert quality.error_median == pytest.approx(0.01 / 3, rel=1e-5)
    # Pure red is (1, 0, 0.3).
    assert quality.red_angle_deg == pytest.approx(np.degrees(np.arctan(0.3)), rel=1e-6)
    assert quality.off_plane_rms == quality.off_plane_max == pytest.approx(0.3)
    assert quality.cyclic
    assert quality.works


def outcomes(**working):
    """Outcomes of five seeds at each coverage, so many of them working."""
    rows = []
    for name, n in working.items():
        coverage = float(name[1:].replace("_", "."))
        for seed in range(5):
            rows.append(
                Outcome(
                    coverage=coverage,
                    seed=seed,
                    schedule="",
                    steps=1,
                    samples=1,
                    red_share=0.0004 * coverage,
                    vibrant_share=0.0011 * coverage,
                    any_share=0.0015 * coverage,
                    any_expected=0.0,
                    error_max=0.0,
                    error_median=0.0,
                    red_angle_deg=0.0,
                    red_angle_limit_deg=30.0,
                    off_plane_rms=0.0,
                    off_plane_limit=0.5,
                    off_plane_max=0.0,
                    cyclic=True,
                    works=seed < n,
                )
            )
    return rows


def test_tallies():
    one, two = tallies(outcomes(c1=4, c0_1=1))
    assert [(t.coverage, t.working, t.tried) for t in (one, two)] == [(0.1, 1, 5), (1, 4, 5)]
    assert two.seen == pytest.approx({"red": 0.0004, "vibrant": 0.0011, "any": 0.0015})


@pytest.mark.parametrize(
    ("working", "expected"),
    [
        (
            {"c0": 3, "c0_1": 0, "c0_3": 2, "c1": 4, "c3": 5},
            "Half of the runs work at label coverage 0.43 (95 % interval 0.21 to 0.87), 95 % at "
            "1.7 (0.64 to 15).",
        ),
        (
            {"c0_1": 0, "c1": 5},
            "All runs work at label coverage 1 and above, none at 0.1 and below: half of them work "
            "somewhere between.",
        ),
        (
            {"c0": 0, "c1": 5},
            "All runs work at label coverage 1 and above; where none works was not tried.",
        ),
        (
            {"c0_3": 5, "c1": 2},
            "All runs work at label coverage 0.3 and below; where none works was not tried.",
        ),
    ],
)
def test_the_verdict(working, expected):
    assert verdict(outcomes(**working)) == expected
