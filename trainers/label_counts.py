"""How many of the samples that a run trains on carry a label."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .data import ANY, ColorData, expected_shares, steps_per_epoch
from .events import Events, StepMetrics
from .experiment import Experiment
from .regularizers import Regularizer
from .timeline import State


@dataclass(frozen=True)
class LabelCounts:
    """A number of samples, and how many of them carry each label.

    Attributes:
        samples: Number of samples.
        labelled: Label name to how many carry it, and under ``any`` how many carry one at all; of
            labels that are probabilities, how many are to be expected.
    """

    samples: int
    labelled: Mapping[str, float]

    @classmethod
    def none(cls, names: Collection[str]) -> LabelCounts:
        """No samples."""
        return cls(0, dict.fromkeys([*names, ANY], 0))

    @classmethod
    def of(cls, labels: Mapping[str, Tensor]) -> LabelCounts:
        """The counts of a batch's labels, each (B,) in 0..1."""
        carried = torch.stack(list(labels.values())).double()
        each = zip(labels, carried.sum(1).tolist(), strict=True)
        return cls(carried.shape[1], {**dict(each), ANY: (1 - (1 - carried).prod(0)).sum().item()})

    def __add__(self, other: LabelCounts) -> LabelCounts:
        return LabelCounts(
            self.samples + other.samples,
            {name: n + other.labelled[name] for name, n in self.labelled.items()},
        )

    def share(self, name: str) -> float:
        """Which part of the samples carries a label, 0..1; NaN if there are no samples."""
        return self.labelled[name] / self.samples if self.samples else math.nan


class LabelCounter:
    """Counts labels epoch by epoch, on the steps on which they can shape the space.

    Those are the steps on which a regularizer that looks at labels has a weight. Once the schedule
    has faded all of them out, a label drawn is a label that nothing reads, and is no part of the
    training data. In "label coverage" that leaves the first 1,425 of 1,501 steps: 89 epochs of
    1,000 samples and a batch of 64, which are the 89,064 samples of the published run.

    Args:
        names: The labels.
        regularizers: The run's regularizers.
        steps_per_epoch: Number of batches in an epoch.
    """

    def __init__(
        self, *, names: Collection[str], regularizers: Sequence[Regularizer], steps_per_epoch: int
    ) -> None:
        self._names = names
        self._labelled = [r for r in regularizers if r.affinities is not None]
        self._steps_per_epoch = steps_per_epoch
        self._epochs: dict[int, LabelCounts] = {}

    def listen(self, events: Events) -> None:
        """Count every step of a run that is about to start."""
        events.on(StepMetrics, lambda event: self.add(event.state, event.labels))

    def add(self, state: State, labels: Mapping[str, Tensor]) -> None:
        """Count a step's labels, each (B,)."""
        if not any(regularizer.weight(state.values) for regularizer in self._labelled):
            return
        epoch = state.step // self._steps_per_epoch
        before = self._epochs.get(epoch) or LabelCounts.none(self._names)
        self._epochs[epoch] = before + LabelCounts.of(labels)

    @property
    def total(self) -> LabelCounts:
        """The counts of the whole run."""
        return sum(self._epochs.values(), LabelCounts.none(self._names))

    def epochs(self) -> Iterator[tuple[int, LabelCounts]]:
        """Each epoch's number and counts, in order."""
        yield from sorted(self._epochs.items(), key=lambda item: item[0])


def label_counter(experiment: Experiment) -> LabelCounter:
    """A counter of an experiment's labels."""
    return LabelCounter(
        names=experiment.data.labels,
        regularizers=experiment.regularizers,
        steps_per_epoch=steps_per_epoch(experiment.data),
    )


def frequencies(counts: LabelCounts, data: ColorData) -> str:
    """How often each label was seen, and how often that was to be expected, in a sentence."""
    each = ", ".join(
        f"{name} {100 * counts.share(name):.3g} % ({100 * expected:.3g} %)"
        for name, expected in expected_shares(data).items()
    )
    return f"labels seen on {counts.samples:,} samples (and expected): {each}"
