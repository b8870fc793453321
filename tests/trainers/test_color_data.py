from itertools import islice

import numpy as np
import pytest
import torch

from latentviz.errors import OptionError
from trainers.data import (
    ColorData,
    batches,
    coverage_color_data,
    exactly_labelled_colors,
    expected_shares,
    redness,
    sparse_color_data,
    steps_per_epoch,
    vibrancy,
)


def test_redness_and_vibrancy_by_hand():
    rgb = np.array([[1, 0, 0], [1, 1, 0], [1, 0.1, 0.1], [0.8, 0.5, 0.2], [1, 1, 1], [0, 0, 1]])
    # r·(1 - g/2 - b/2)
    assert redness(rgb) == pytest.approx([1, 0.5, 0.9, 0.8 * 0.65, 0, 0])
    # Saturation times value is the largest channel less the smallest.
    assert vibrancy(rgb) == pytest.approx([1, 1, 0.9, 0.6, 0, 1])


def test_label_probabilities():
    data = sparse_color_data()
    rgb, red, vibrant = data.rgb, data.labels["red"], data.labels["vibrant"]
    assert (rgb.dtype, red.dtype, vibrant.dtype) == (torch.float32,) * 3
    pure_red = (rgb == torch.tensor([1.0, 0, 0])).all(-1)
    assert red[pure_red].tolist() == vibrant[pure_red].tolist() == [0.5]
    pure = rgb.amax(-1) - rgb.amin(-1) == 1
    assert pure.sum() == 36
    assert vibrant[pure].tolist() == [0.5] * 36
    # Full saturation at value 8/9: 0.5·(8/9)^100; pink, s = 8/9, v = 1: r = 1, g = b = 1/9.
    dark = (rgb - torch.tensor([8 / 9, 0, 0])).abs().sum(-1) < 1e-6
    assert vibrant[dark].tolist() == pytest.approx([0.5 * (8 / 9) ** 100], rel=1e-5)
    pink = (rgb - torch.tensor([1, 1 / 9, 1 / 9])).abs().sum(-1) < 1e-6
    assert red[pink].tolist() == pytest.approx([0.5 * (8 / 9) ** 10], rel=1e-5)


def test_an_epoch_is_3600_draws_with_a_ragged_end():
    data = sparse_color_data()
    drawn = batches(data, labels="hard", generator=torch.Generator().manual_seed(0))
    # 3600 = 56·64 + 16
    sizes = [len(batch.inputs) for batch in islice(drawn, 114)]
    assert sizes == [*[64] * 56, 16] * 2


def test_samples_are_drawn_by_weight():
    data = ColorData(
        rgb=torch.eye(3).repeat(1000, 1),
        weights=torch.tensor([1.0, 3.0, 0.0], dtype=torch.float64).repeat(1000),
        labels={},
    )
    drawn = batches(
        data, labels="hard", generator=torch.Generator().manual_seed(0), batch_size=3000
    )
    share = next(drawn).inputs.mean(0)
    # 3,000 draws: the standard error of a share of 1/4 is 0.008.
    assert share.tolist() == pytest.approx([0.25, 0.75, 0], abs=0.032)
    assert share[2] == 0


def test_soft_labels_are_probabilities_and_hard_ones_are_drawn_by_them():
    p = torch.tensor([0.0, 0.2, 1.0]).repeat(2000)
    data = ColorData(torch.zeros(6000, 3), torch.ones(6000, dtype=torch.float64), {"red": p})

    def labels(kind):
        drawn = batches(
            data, labels=kind, generator=torch.Generator().manual_seed(1), batch_size=6000
        )
        return [batch.labels["red"] for batch in islice(drawn, 2)]

    soft, _ = labels("soft")
    assert sorted(set(soft.tolist())) == pytest.approx([0, 0.2, 1])
    hard, again = labels("hard")
    assert set(hard.tolist()) == {0.0, 1.0}
    # A third always, a third a fifth of the time: 0.4, with standard error 0.006.
    assert hard.mean().item() == pytest.approx(0.4, abs=0.025)
    assert not torch.equal(hard, again)


def test_the_generator_is_the_only_source_of_chance():
    data = sparse_color_data()

    def first(seed):
        generator = torch.Generator().manual_seed(seed)
        return next(batches(data, labels="hard", generator=generator))

    torch.manual_seed(1)
    one = first(5)
    torch.manual_seed(2)
    other = first(5)
    assert torch.equal(one.inputs, other.inputs)
    assert all(torch.equal(one.labels[name], other.labels[name]) for name in ("red", "vibrant"))
    assert not torch.equal(one.inputs, first(6).inputs)


def test_label_coverage_trains_on_an_rgb_grid_drawn_evenly():
    data = coverage_color_data(1)
    assert data.rgb.shape == (1000, 3)
    assert (data.rgb.dtype, data.labels["red"].dtype) == (torch.float32, torch.float32)
    assert sorted(set(data.rgb[:, 1].tolist())) == pytest.approx([k / 9 for k in range(10)])
    assert len(data.rgb.unique(dim=0)) == 1000
    assert set(data.weights.tolist()) == {1.0}


def test_an_epoch_of_label_coverage_is_15_batches_of_64_and_one_of_40():
    data = coverage_color_data(1)
    drawn = batches(data, labels="hard", generator=torch.Generator().manual_seed(0))
    assert [len(batch.inputs) for batch in islice(drawn, 32)] == [*[64] * 15, 40] * 2
    assert steps_per_epoch(data) == 16


def probability(data, label, *rgb):
    (where,) = ((data.rgb - torch.tensor(rgb)).abs().sum(-1) < 1e-6).nonzero()
    return data.labels[label][where].item()


def test_coverage_multiplies_the_label_probabilities_up_to_certainty():
    for coverage in (0, 0.25, 1, 10):
        data = coverage_color_data(coverage)
        assert probability(data, "red", 1, 0, 0) == pytest.approx(0.07 * coverage)
        assert probability(data, "vibrant", 1, 0, 0) == pytest.approx(0.02 * coverage)
    base = coverage_color_data(1)
    # r = 8/9, g = 1/9, b = 0: redness 8/9·(1 - 1/18), vibrancy 8/9.
    assert probability(base, "red", 8 / 9, 1 / 9, 0) == pytest.approx(
        0.07 * (8 / 9 * 17 / 18) ** 10, rel=1e-5
    )
    assert probability(base, "vibrant", 8 / 9, 1 / 9, 0) == pytest.approx(
        0.02 * (8 / 9) ** 100, rel=1e-5
    )
    certain = coverage_color_data(1000)
    assert probability(certain, "red", 1, 0, 0) == probability(certain, "vibrant", 0, 0, 1) == 1


@pytest.mark.parametrize("coverage", [-0.1, float("nan"), float("inf")])
def test_a_coverage_that_is_none_is_refused(coverage):
    with pytest.raises(OptionError, match=f"a finite number, 0 or more, got {coverage};"):
        coverage_color_data(coverage)


def test_exact_expectations_of_the_labels_at_coverage_1():
    percent = {k: round(100 * p, 4) for k, p in expected_shares(coverage_color_data(1)).items()}
    assert percent == {"red": 0.0449, "vibrant": 0.1080, "any": 0.1525}


def test_expected_shares_by_hand():
    data = ColorData(
        rgb=torch.zeros(2, 3),
        weights=torch.tensor([3.0, 1.0], dtype=torch.float64),
        labels={"red": torch.tensor([0.5, 0.0]), "vibrant": torch.tensor([0.5, 0.25])},
    )
    # Three quarters of the samples are the first: any is 0.75·(1 - 0.5²) + 0.25·0.25.
    assert expected_shares(data) == pytest.approx({"red": 0.375, "vibrant": 0.4375, "any": 0.625})
    assert expected_shares(coverage_color_data(0)) == {"red": 0, "vibrant": 0, "any": 0}


def test_the_validation_points_are_labelled_where_they_are_pure():
    points, labels = exactly_labelled_colors()
    assert points.shape == (64, 3)
    assert points[labels["red"] == 1].tolist() == [[1, 0, 0]]
    vibrant = points[labels["vibrant"] == 1]
    # The hues go round six edges of the cube, three steps each.
    assert len(vibrant) == 6 * 3
    assert (vibrant.amin(-1) == 0).all()
    assert (vibrant.amax(-1) == 1).all()
    assert set(labels["vibrant"].tolist()) == {0.0, 1.0}
