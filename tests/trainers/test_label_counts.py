import math

import pytest
import torch

from trainers.data import expected_shares
from trainers.label_counts import LabelCounter, LabelCounts, frequencies, label_counter
from trainers.label_coverage import experiment, shipped_dopesheet
from trainers.regularizers import Planar, Regularizer, Unitarity
from trainers.reproducible import reproducible
from trainers.timeline import State


def labels(red, vibrant):
    return {"red": torch.tensor(red), "vibrant": torch.tensor(vibrant)}


def test_counts_of_a_batch():
    counts = LabelCounts.of(labels([1.0, 1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0, 0.0]))
    assert counts == LabelCounts(5, {"red": 2, "vibrant": 3, "any": 4})
    assert counts.share("any") == 0.8
    assert counts + counts == LabelCounts(10, {"red": 4, "vibrant": 6, "any": 8})
    nothing = LabelCounts.none(["red", "vibrant"])
    assert nothing + counts == counts
    assert math.isnan(nothing.share("red"))


def test_labels_that_are_probabilities_count_as_what_is_to_be_expected():
    counts = LabelCounts.of(labels([0.5, 0.0, 1.0], [0.5, 0.25, 0.5]))
    assert counts.samples == 3
    # Any: 1 - 1/2·1/2, 1/4, 1.
    assert counts.labelled == pytest.approx({"red": 1.5, "vibrant": 1.25, "any": 2})


def test_frequencies_stand_beside_what_is_to_be_expected():
    counts = LabelCounts(2000, {"red": 1, "vibrant": 2, "any": 3})
    assert frequencies(counts, experiment(coverage=1).data) == (
        "labels seen on 2,000 samples (and expected): red 0.05 % (0.0449 %), vibrant 0.1 % "
        "(0.108 %), any 0.15 % (0.152 %)"
    )


def test_labels_are_counted_by_epoch_while_a_regularizer_reads_them():
    counter = LabelCounter(
        names=["red", "vibrant"],
        regularizers=[
            Regularizer("all", Unitarity()),
            Regularizer("a", Unitarity(), {"red": 1.0}),
            Regularizer("b", Planar(), {"vibrant": 1.0}),
        ],
        steps_per_epoch=2,
    )
    batch = labels([1.0, 0.0], [0.0, 0.0])
    for step, weights in enumerate([(1, 1), (0, 0.1), (0.1, 0), (0, 0), (0, 0)]):
        values = {"all": 1.0, **dict(zip("ab", map(float, weights), strict=True))}
        counter.add(State(step, "", False, False, (), values), batch)
    assert dict(counter.epochs()) == {
        0: LabelCounts(4, {"red": 2, "vibrant": 0, "any": 2}),
        1: LabelCounts(2, {"red": 1, "vibrant": 0, "any": 1}),
    }
    assert counter.total == LabelCounts(6, {"red": 3, "vibrant": 0, "any": 3})


def counted(coverage, seed):
    """What a run of the shipped schedule counts; that needs no training."""
    setting = experiment(coverage=coverage)
    counter = label_counter(setting)
    with reproducible(seed) as generator:
        drawn = setting.batches(generator)
        for state in setting.timeline(shipped_dopesheet()):
            counter.add(state, next(drawn).labels)
    return setting, counter


@pytest.mark.parametrize("coverage", [1, 10])
def test_label_frequencies_lie_within_three_standard_errors_of_the_exact_expectation(coverage):
    setting, counter = counted(coverage, seed=0)
    counts = counter.total
    # The published run's: 89 epochs of 1,000 and a batch of 64.
    assert counts.samples == 89_064
    expected = expected_shares(setting.data)
    for name, p in expected.items():
        standard_error = math.sqrt(p * (1 - p) / counts.samples)
        assert abs(counts.share(name) - p) < 3 * standard_error, name
    epochs = dict(counter.epochs())
    assert list(epochs) == list(range(90))
    assert [epochs[k].samples for k in (0, 88, 89)] == [1000, 1000, 64]
    assert sum(counts.labelled["any"] for counts in epochs.values()) == counts.labelled["any"]


def test_without_coverage_no_sample_carries_a_label():
    _, counter = counted(0, seed=0)
    assert counter.total == LabelCounts(89_064, {"red": 0, "vibrant": 0, "any": 0})
