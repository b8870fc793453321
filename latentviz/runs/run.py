"""A recorded run: what is known of each step, read when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..archive import ArchiveReader
from ..errors import OptionError
from ..markup import table_html
from ..text import printable
from .archived import ArchiveStore
from .batches import Batch
from .blocks import Blocks, Projecting, Source, View
from .evaluate import Evaluation, Inputs
from .fields import fields_of_archive, fields_of_arrays, latents_at_hand
from .schedule import Schedule
from .source import ARRAYS_LAYER, ArrayStore, Store
from .summary import own_words, summary

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A training run of T recorded steps, and N probe points with D latent dimensions.

    Made by `open_run`, or from arrays by `Run.from_arrays`. Curves are held in memory; states,
    batches and latents are read, and evaluated, chunk by chunk.
    """

    name: str
    steps: NDArray[np.int64]  # (T,) increasing
    params: Mapping[str, NDArray[np.float64]]  # the schedule's properties, each (T,), NaN in gaps
    losses: Mapping[str, NDArray[np.float64]]  # losses and their terms, each (T,), NaN in gaps
    param_gaps: Mapping[str, NDArray[np.bool_]]  # where each has no value, (T,)
    loss_gaps: Mapping[str, NDArray[np.bool_]]  # any other NaN is what it was
    metrics: Mapping[str, NDArray[np.float64]]  # what else was measured, as losses are
    metric_gaps: Mapping[str, NDArray[np.bool_]]
    final_losses: Mapping[str, float]  # after the last update, where they were measured
    final_metrics: Mapping[str, float]
    colors: NDArray[Any] | None  # (N, 3) RGB in 0..1, (N,) integer labels or (N,) scalars
    class_names: tuple[str, ...] | None  # which the labels count, if they were given as such
    keyframes: Mapping[str, Sequence[int]]  # a property's keyed steps
    phases: Sequence[tuple[int, str]]  # (first step, name)
    actions: Sequence[tuple[int, str]]  # (step, name) of what else was done
    seed: int | None
    layer: str
    _store: Store
    _blocks: Blocks

    @classmethod
    def from_arrays(
        cls,
        latents: ArrayLike,
        *,
        colors: ArrayLike | None = None,
        steps: ArrayLike | None = None,
        params: Mapping[str, ArrayLike] | None = None,
        losses: Mapping[str, ArrayLike] | None = None,
        metrics: Mapping[str, ArrayLike] | None = None,
        keyframes: Mapping[str, Sequence[int]] | None = None,
        phases: Sequence[tuple[int, str]] | None = None,
        actions: Sequence[tuple[int, str]] | None = None,
        name: str = "run",
    ) -> Run:
        """A run from arrays that are at hand, which can be drawn but not evaluated.

        Args:
            latents: (T, N, D) floats.
            colors: (N, 3) RGB in 0..1, (N,) integer labels, (N,) names of classes (`class_names`),
                or (N,) scalars.
            steps: (T,) increasing step numbers; 0, 1, ... by default.
            params: The schedule's properties, each (T,). NaN and None are gaps, where a step has no
                value; in a masked array what is masked is, and NaN is NaN.
            losses: The losses, each (T,), likewise.
            metrics: What else was measured, such as accuracy, each (T,), likewise.
            keyframes: The steps at which each property is keyed.
            phases: The steps at which the phases start, and their names.
            actions: The steps at which something else is done, and its name.
            name: What to call the run.

        Raises:
            OptionError: A shape or a type is wrong; or keyframes, phases or actions are no steps
                and names.
        """
        array = latents_at_hand(latents)
        fields = fields_of_arrays(
            array, colors=colors, steps=steps, params=params, losses=losses, metrics=metrics,
            keyframes=keyframes, phases=phases, actions=actions, name=name,
        )  # fmt: skip
        store = ArrayStore(array)
        return cls(**fields, layer=ARRAYS_LAYER, _store=store, _blocks=Blocks(store, len(array)))

    def __len__(self) -> int:
        """The number of recorded steps."""
        return len(self.steps)

    def __repr__(self) -> str:
        return (
            f"Run({self.name!r}, {len(self)} steps, {self.steps[0]} to {self.steps[-1]}, "
            f"layer {printable(self.layer)!r})"
        )

    @property
    def path(self) -> Path | None:
        """The archive's path; None of a run that was made from arrays."""
        return self._store.path

    @property
    def n_points(self) -> int:
        """The number of points, N: the probe's rows, or their tokens where each is a point.

        Raises:
            ArchiveError: The run was recorded without a probe.
            ModelError: Tokens are to be counted, and the model cannot be run.
        """
        return self._store.n_points(self.layer)

    @property
    def tokens(self) -> str | None:
        """How the tokens of a layer's output (N, S, D) are made points, as `Recorder` was told.

        None if it was not; then they are flattened.
        """
        return self._store.tokens

    @property
    def model_name(self) -> str | None:
        """The registered name of the model."""
        return self._store.model_name

    @property
    def is_archive(self) -> bool:
        """Whether the run has states and batches, or arrays alone."""
        return self.path is not None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose latents are of interest; `layer` is the first unless told otherwise."""
        return self._store.layers

    def at_layer(self, layer: str) -> Run:
        """The same run, looked at in another layer: what is drawn of it shows that one.

        Raises:
            OptionError: The run has no states, and no latents of that layer.
        """
        self._store.check_layer(layer)
        return replace(self, layer=layer)

    @property
    def probe(self) -> Inputs:
        """The probe's inputs, (N, ...), or several by the names of the model's arguments.

        Raises:
            ArchiveError: The run was recorded without a probe.
        """
        return self._store.recording.probe

    def _repr_html_(self) -> str:
        return self.html()

    def html(self) -> str:
        """HTML for a notebook: a table of what is in the run."""
        about = own_words(self) if self._store.closed else self.describe()
        return table_html(printable(self.name), summary(about))

    def describe(self) -> dict[str, Any]:
        """A summary of the run, as plain values that JSON can hold; evaluates nothing."""
        return own_words(self) | self._store.describe()

    @property
    def schedule(self) -> Schedule:
        """The run's schedule by itself."""
        return Schedule(
            self.name,
            self.steps,
            self.params,
            keyframes=self.keyframes,
            phases=self.phases,
            actions=self.actions,
            gaps=self.param_gaps,
        )

    def index_of(self, step: int | np.integer[Any]) -> int:
        """Where a step stands among the recorded steps.

        Raises:
            OptionError: It was not recorded, or is no whole number.
        """
        if not isinstance(step, int | np.integer):
            raise OptionError(f"a step is a whole number, got {step!r}")
        index = int(np.searchsorted(self.steps, step))
        if index == len(self) or self.steps[index] != step:
            raise OptionError(
                f"step {step} was not recorded; the run has {len(self)} steps, "
                f"{self.steps[0]} to {self.steps[-1]}"
            )
        return index

    def state(self, step: int | None = None) -> dict[str, NDArray[Any]]:
        """The model's state before a step's update; by default after the last one.

        Raises:
            OptionError: The step was not recorded.
            ArchiveError: The run has no states.
        """
        recording = self._store.recording
        return recording.state(None if step is None else self.index_of(step))

    def batch(self, step: int) -> Batch:
        """The batch that the step was trained on.

        Raises:
            OptionError: The step was not recorded.
            ArchiveError: The run has no batches.
        """
        recording = self._store.recording
        return recording.batch(self.index_of(step))

    @property
    def has_final(self) -> bool:
        """Whether the latents after the last update are known.

        A recording that was cut off has none, nor has a run that was made from arrays.
        """
        return self._store.has_final(self.layer)

    def final_latents(self) -> NDArray[np.float32]:
        """The probe's latents after the last update, (N, D) float32.

        Read from the archive where they were recorded, else evaluated from the final state.

        Raises:
            OptionError: They are not known; see `has_final`.
            ModelError: The model is not registered, and none was given.
            ArchiveError: The run has no probe, or is damaged.
        """
        if not self.has_final:
            raise OptionError(
                f"the latents after the last update are not known; the last recorded step is "
                f"{self.steps[-1]}"
            )
        return source_of(self).final()

    def moment(self, step: int | None) -> tuple[int | None, str]:
        """A picture's moment, by default or of a step: the step, and the same in words.

        Args:
            step: A recorded step; None for what is last.

        Returns:
            The step, or None for the state after the last update; where that is not known, the
            last recorded step.

        Raises:
            OptionError: The step was not recorded.
        """
        if step is not None:
            self.index_of(step)
            return step, f"at step {step}"
        if self.has_final:
            return None, "after the last update"
        last = int(self.steps[-1])
        return last, self._store.last_in_words(last)

    def latents(
        self,
        steps: int | Sequence[int] | NDArray[Any] | None = None,
        *,
        layer: str | None = None,
    ) -> NDArray[np.float32]:
        """The probe's latents at the given steps; by default at all.

        Args:
            steps: Recorded steps.
            layer: The layer whose output is the latent; by default `Run.layer`.

        Returns:
            (T, N, D) float32, T the number of steps given; (N, D) for a single step. Read from
            the archive where they were recorded, else evaluated from the states.

        Raises:
            OptionError: A step was not recorded, or neither are states nor that layer's latents.
            ModelError: The model is not registered, and none was given; or has no such layer.
            ArchiveError: The run has no probe, or is damaged.
        """
        source = source_of(self, layer=layer)
        if steps is None:
            return source.positions(np.arange(len(self)))
        if isinstance(steps, int | np.integer):
            single: NDArray[np.float32] = source.positions(np.array([self.index_of(steps)]))[0]
            return single
        wanted = np.asarray(steps)
        if wanted.size == 0:
            raise OptionError("no steps were asked for")
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
            raise OptionError(f"steps must be whole numbers, got {wanted.dtype} {wanted.shape}")
        indices = np.searchsorted(self.steps, wanted)
        missing = self.steps[np.minimum(indices, len(self) - 1)] != wanted
        if missing.any():
            self.index_of(int(wanted[missing][0]))
        return source.positions(indices)

    @property
    def can_evaluate(self) -> bool:
        """Whether `evaluate` may: the run has whole states, and its model is known."""
        return self._store.can_evaluate

    def evaluate(
        self,
        inputs: ArrayLike | Mapping[str, ArrayLike],
        step: int | None = None,
        *,
        layer: str | None = None,
    ) -> Evaluation:
        """Outputs (N, ...) and latents (N, D) of any inputs, at a step or after the last update.

        Latents are as they were recorded: by `tokens` ``"each"`` there is one for each token.

        Args:
            inputs: (N, ...), or several by the names of the model's arguments.
            step: A recorded step; by default the state after the last update.
            layer: The layer whose output is the latent; by default the one that was recorded.

        Raises:
            OptionError: The step was not recorded.
            ModelError: The model is unknown, has no such layer, or cannot be run on these inputs.
            ArchiveError: The run has no states, or not the whole of them.
        """
        layer = self.layer if layer is None else layer
        recording = self._store.recording
        recording.check_whole()
        given: Inputs
        if isinstance(inputs, Mapping):
            given = {name: np.asarray(array) for name, array in inputs.items()}
        else:
            given = np.asarray(inputs)
        return recording.evaluate(self.state(step), given, layer)

    def close(self) -> None:
        """Close the archive."""
        self._store.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def archived_run(reader: ArchiveReader, model: str | nn.Module | None = None) -> Run:
    """The run in an archive; what `open_run` makes of a path.

    Raises:
        ArchiveError: The archive is malformed.
    """
    store = ArchiveStore(reader, model)
    blocks = Blocks(store, len(store.chunks.steps))
    return Run(**fields_of_archive(store), layer=store.header.layer, _store=store, _blocks=blocks)


def source_of(
    run: Run, projecting: Projecting | None = None, *, layer: str | None = None
) -> Source:
    """A run's points in a layer, as a transform gives them.

    Args:
        run: The run.
        projecting: What becomes of the latents; by default they are left as they are.
        layer: The layer whose output is the latent; by default `Run.layer`.

    Raises:
        OptionError: Neither states nor that layer's latents were recorded.
    """
    (source,) = sources_of(run, [View(run.layer if layer is None else layer, projecting)])
    return source


def sources_of(run: Run, views: Sequence[View]) -> tuple[Source, ...]:
    """A source for each view: several layers are evaluated in one forward pass.

    Raises:
        OptionError: Neither states nor the latents of some layer were recorded.
    """
    for view in views:
        run._store.check_layer(view.layer)
    return run._blocks.sources(views)
