"""A recorded run: what is known of each step, read when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..archive import ArchiveReader
from ..archive.marks import Marks
from ..errors import ArchiveError, OptionError
from ..markup import table_html
from ..points import LAYER, Points
from ..text import printable
from .archived import ArchiveStore
from .batches import Batch
from .blocks import Blocks, Projecting, Source, Then, View
from .evaluate import Evaluation, Inputs, inputs_at_hand
from .facts import Facts
from .fields import fields_of_archive, fields_of_arrays, latents_at_hand
from .reopening import Reopening
from .saving import save_run
from .source import ARRAYS_LAYER, ArrayStore, Store
from .summary import own_words, summary

if TYPE_CHECKING:
    from torch import nn

    import latentviz


@dataclass(frozen=True, eq=False, repr=False)
class Run(Facts):
    """A training run of T recorded steps, and N points with D latent dimensions.

    Made by `open_run`, or from arrays by `Run.from_arrays`. Curves are held in memory; states,
    batches and latents are read, and evaluated, chunk by chunk.

    Its points are a layer's output at the probe, or the rows or columns of a tensor of the state:
    `at_layer` and `at_points` look at others.
    """

    _points: Points | None  # None where nobody said which to look at
    _store: Store
    _blocks: Blocks
    _home: Run | None = None  # the run with the layers, where a tensor's points are looked at
    _turn: Projecting | None = None  # what becomes of its points before anything else does

    @classmethod
    def from_arrays(
        cls,
        latents: ArrayLike,
        *,
        colors: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        class_names: Sequence[str] | None = None,
        point_names: Sequence[str] | None = None,
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
                or (N,) scalars; by default the points' classes, if they have any.
            classes: The points' classes, (N,) whole numbers or names.
            class_names: The names of the classes that whole numbers count from 0 on.
            point_names: The points' names, (N,) texts.
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
            array, colors=colors, classes=classes, class_names=class_names,
            point_names=point_names, steps=steps, params=params, losses=losses, metrics=metrics,
            keyframes=keyframes, phases=phases, actions=actions, name=name,
        )  # fmt: skip
        store, points = ArrayStore(array), Points(LAYER, ARRAYS_LAYER)
        return cls(**fields, _points=points, _store=store, _blocks=Blocks(store, len(array)))

    def __repr__(self) -> str:
        shown = "no points" if self._points is None else repr(self._points.words)
        shown = f"layer {shown}" if self.layer is not None else shown
        return (
            f"Run({self.name!r}, {len(self)} steps, {self.steps[0]} to {self.steps[-1]}, {shown})"
        )

    @property
    def path(self) -> Path | None:
        """The archive's path; None of a run that was made from arrays."""
        return self._store.path

    @property
    def reopening(self) -> Reopening:
        """How the run is opened in another process, looked at in the same points.

        Raises:
            OptionError: It has no archive, or its model is known to this process alone.
        """
        if self.path is None:
            raise OptionError("a run of arrays is in this process alone; save it first (Run.save)")
        if self._turn is not None:
            raise OptionError("a run that was turned is in this process alone")
        return replace(self._store.recording.reopening, points=self.points)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be read of it."""
        return self._store.closed

    @property
    def n_points(self) -> int:
        """The number of points, N: the probe's rows, or their tokens where each is a point.

        Or a tensor's rows or columns, where these are looked at.

        Raises:
            ArchiveError: The run was recorded without a probe.
            ModelError: Tokens are to be counted, and the model cannot be run.
        """
        return self._store.n_points(view_of(self).layer)

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
    def n_dims(self) -> int:
        """The number of dimensions of its points, D; the first step is read for that.

        Raises:
            OptionError: Neither states nor that layer's latents were recorded.
            ModelError: The model is not registered, and none was given; or has no such layer.
            ArchiveError: The run has no probe, or is damaged.
        """
        return int(source_of(self).positions(np.array([0])).shape[2])

    @property
    def has_probe(self) -> bool:
        """Whether its points are a layer's, at a probe that was recorded."""
        return self._store.has_probe

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose latents are of interest; `layer` is the first unless told otherwise."""
        return self._store.layers

    @property
    def layer(self) -> str | None:
        """The layer that is looked at; None where it is a tensor, or the run names no points."""
        return self._points.name if self._points is not None and self._points.is_layer else None

    @property
    def points(self) -> str | None:
        """The points that are looked at, such as ``layer:encoder`` or ``rows:embed.weight``.

        None where the run was recorded without a layer, and without ``points=``.
        """
        return None if self._points is None else self._points.text

    def at_layer(self, layer: str) -> Run:
        """The same run, looked at in another layer; see `at_points`.

        Raises:
            OptionError: The run has no states, and no latents of that layer.
        """
        home = self._home or self
        home._store.check_layer(layer)
        return replace(home, _points=Points(LAYER, layer))

    def at_points(self, points: str) -> Run:
        """The same run, looked at in other points: what is drawn of it shows these.

        Colors, classes and names are those of the probe; points of a tensor have them only in a
        run without a probe, and if they are as many.

        Args:
            points: ``layer:NAME``; or ``rows:TENSOR`` or ``columns:TENSOR``, the rows or columns
                of a tensor of the state, flattened after its first axis. These need no model.

        Raises:
            OptionError: There is no such layer or tensor, or the tensor has no rows.
            ArchiveError: The run is damaged, or the tensor was not recorded at all steps.
        """
        found = Points.parse(points)
        if found.is_layer:
            return self.at_layer(found.name)
        home = self._home or self
        store = home._store.of_tensor(found)
        n_points, marks = store.n_points(found.text), Marks()
        if not home._store.has_probe:
            marks = Marks(home.colors, home.classes, home.class_names, home.point_names)
        return replace(
            home,
            **vars(marks.of(n_points)),
            _points=found,
            _store=store,
            _blocks=Blocks(store, len(home)),
            _home=home,
        )

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the run as an archive, which `open_run` reads and anything draws alike.

        It has the points that are looked at (`at_points`), also after the last update, with their
        colors, classes and names; curves, keyframes, phases, actions and seed; but no states,
        batches or probe. It is written whole or not at all.

        Args:
            path: Where it shall lie, ``NAME.npz``.
            overwrite: Replace a file that exists.

        Raises:
            ArchiveError: It cannot be written, or a curve has a name that no archive can hold.
            OptionError: A step is below 0.
            ModelError: The latents were not recorded, and the model is not known.

        Example::

            walk = np.random.default_rng(0).normal(size=(50, 100, 2)).cumsum(axis=0)
            run = latentviz.Run.from_arrays(walk, classes=np.arange(100) % 2)
            run.save("walk.npz")
            latentviz.render_frame("walk.npz", dims=[(0, 1)])
        """
        save_run(self, view_of(self).layer, source_of(self), path, overwrite=overwrite)

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

    def view(self, path: str | PathLike[str] | None = None, **options: Any) -> latentviz.Viewer:
        """A page for the browser, in which every step can be looked at: `latentviz.view` of it.

        Raises:
            LatentvizError: The run or an option is bad; nothing is written then.
        """
        import latentviz

        return latentviz.view(self, path, **options)

    def describe(self) -> dict[str, Any]:
        """A summary of the run, as plain values that JSON can hold; evaluates nothing."""
        return own_words(self) | self._store.describe()

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
        return self._points is not None and self._store.has_final(view_of(self).layer)

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
        """A picture's moment: the step, and the same in words.

        Args:
            step: A recorded step. None is the state after the last update, and stays None; where
                that is not known, it is the last recorded step.

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
            layer: The layer whose output is the latent; by default `Run.points`.

        Returns:
            (T, N, D) float32, T the number of steps given; (N, D) for a single step. Read from
            the archive where they were recorded, else evaluated from the states.

        Raises:
            OptionError: A step was not recorded, or neither are states nor that layer's latents.
            ModelError: The model is not registered, and none was given; or has no such layer.
            ArchiveError: The run has no probe, or is damaged.
        """
        source = source_of(self if layer is None else self.at_layer(layer))
        if steps is None:
            return source.positions(np.arange(len(self)))
        if isinstance(steps, int | np.integer):
            single: NDArray[np.float32] = source.positions(np.array([self.index_of(steps)]))[0]
            return single
        return source.positions(self.indices_of(steps))

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
            layer: The layer whose output is the latent; by default `Run.layer`, or the first that
                was recorded.

        Raises:
            OptionError: The step was not recorded, or the run names no layer.
            ModelError: The model is unknown, has no such layer, or cannot be run on these inputs.
            ArchiveError: The run has no states, or not the whole of them.
        """
        recording = self._store.recording
        if layer is None and (layer := self.layer or next(iter(self.layers), None)) is None:
            raise OptionError("the run was recorded without a layer; give layer=")
        recording.check_whole()
        return recording.evaluate(self.state(step), inputs_at_hand(inputs), layer)

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
    blocks, header = Blocks(store, len(store.chunks.steps)), store.header
    points = None if header.layer is None else Points(LAYER, header.layer)
    run = Run(**fields_of_archive(store), _points=points, _store=store, _blocks=blocks)
    if header.points is None:
        return run
    try:
        return run.at_points(header.points.text)
    except OptionError as error:  # which is not the user's
        raise ArchiveError(f"{reader.path}: {error}") from None


def view_of(run: Run, projecting: Projecting | None = None) -> View:
    """A run's points, as a transform gives them.

    Args:
        run: The run.
        projecting: What becomes of the latents; by default they are left as they are.

    Raises:
        ArchiveError: The run names no points.
    """
    points, turn = run._points, run._turn
    if points is None:
        raise ArchiveError(
            f"{run.path} was recorded without a layer and a probe; "
            f"{run._store.recording.ways_to_draw()}"
        )
    if turn is not None:
        projecting = turn if projecting is None else Then(turn, projecting)
    return View(points.name if points.is_layer else points.text, projecting)


def turned(run: Run, turn: Projecting) -> Run:
    """The same run, whose points are others before they are looked at; its archive has the old."""
    return replace(run, _turn=turn)


def source_of(run: Run, projecting: Projecting | None = None) -> Source:
    """A run's points, as a transform gives them; see `view_of`.

    Raises:
        OptionError: Neither states nor the layer's latents were recorded.
        ArchiveError: The run names no points.
    """
    (source,) = sources_of(run, [view_of(run, projecting)])
    return source


def sources_of(run: Run, views: Sequence[View]) -> tuple[Source, ...]:
    """A source for each view: several layers are evaluated in one forward pass.

    Raises:
        OptionError: Neither states nor the latents of some layer were recorded.
    """
    for view in views:
        run._store.check_layer(view.layer)
    return run._blocks.sources(views)
