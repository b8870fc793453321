"""A recorded run: what is known of each step, read when it is asked for."""

from __future__ import annotations

import math
import threading
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    NamedTuple,
    ParamSpec,
    TypedDict,
    TypeVar,
)

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .archive import ArchiveReader
from .archive import format as f
from .archive.schema import chunk_id, curve_groups, parse_header
from .archive.values import checked_keyframes, checked_moments
from .arrays import numbers_of
from .classes import are_names, codes_of
from .errors import ArchiveError, ModelError, OptionError
from .evaluate import Evaluation, Inputs, block_length, evaluate, evaluate_latents
from .markup import table_html
from .models import ModelFactory, build_model, factory_at, model_factory
from .schedule import Schedule, by_name, increasing_steps, values_and_gaps
from .summary import summary
from .text import printable

if TYPE_CHECKING:
    from torch import nn

# The latents of all steps are kept if they are no more than this: a film looks at them for its
# limits, then draws them. Of more, a few blocks: a frame may straddle two, however large they are.
CACHED_RUN_BYTES = 96 << 20
CACHED_BYTES = 8 << 20
CACHED_BLOCKS = 2
ARRAYS_LAYER = "latents"  # what the layer of a run from arrays is called
TIMES_SPARSE = 4  # how much more than a file unpacks to its curves may take, gaps included
TIMES_MADE = 4  # how often a model may come to register a weight


class IncompleteRunWarning(UserWarning):
    """A run's recording was cut off, or still runs; what is whole of it can be read."""


@dataclass(frozen=True)
class Batch:
    """What a step was trained on."""

    inputs: NDArray[Any] | Any  # (B, ...); or a dictionary of such by name
    labels: Mapping[str, NDArray[Any]]  # each (B, ...)


def _cut_off(reader: ArchiveReader, n_steps: int) -> str:
    assert reader.salvaged is not None
    return (
        f"{reader.path} was cut off, or is still being recorded: {n_steps} steps of it are whole, "
        f"and the {reader.salvaged.n_dropped_bytes} bytes after them are left out; `latentviz "
        "recover` makes an archive of it"
    )


def open_run(
    path: str | PathLike[str],
    *,
    model: str | nn.Module | None = None,
    max_bytes: int | None = None,
) -> Run:
    """Open a recorded run.

    Args:
        path: The archive, ``NAME.npz``; or ``NAME.npz.part``, a recording that was cut off or still
            runs, of which all whole chunks are read, with an `IncompleteRunWarning`. The state
            after the last update is then the last recorded one.
        model: How to make the model where it is not registered: ``package.module:factory``, or
            the module itself (whose own state is not touched).
        max_bytes: Refuse an archive that unpacks to more; by default to more than 64 MiB and 50
            times the file's size.

    Raises:
        ArchiveError: The file is missing, or no archive that this version can read.
        ModelError: ``model`` is neither a module nor the name of what makes one.
        OptionError: ``path`` is no path.

    Example::

        with latentviz.open_run("run.npz") as run:
            latents = run.latents(run.steps[-10:])  # (10, N, D) float32
            loss = run.losses["loss"]  # (T,) float64
    """
    if model is not None and not isinstance(model, str) and not hasattr(model, "named_modules"):
        raise ModelError(
            "model must be a module, or 'package.module:factory' for what makes it; "
            f"got {type(model).__name__}"
        )
    if not isinstance(path, str | PathLike):
        raise OptionError(f"a run is a Run or the path of its archive, got {type(path).__name__}")
    if isinstance(model, str):
        factory_at(model)  # a wrong name is wrong even where latents are recorded
    reader = ArchiveReader(path, max_bytes=max_bytes)
    try:
        run = Run._from_archive(reader, model)
        if reader.salvaged is not None:
            warnings.warn(_cut_off(reader, len(run)), IncompleteRunWarning, stacklevel=2)
        return run
    except BaseException:
        reader.close()
        raise


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
    _source: _ArchiveSource | _ArraySource

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
        array = numbers_of("latents", latents)
        if array.ndim != 3 or 0 in array.shape:
            hint = "; add a time axis with latents[None]" if array.ndim == 2 else ""
            raise OptionError(f"latents must be (T, N, D), got {array.shape}{hint}")
        if not isinstance(name, str):
            raise OptionError(f"a run's name must be text, got {type(name).__name__}")
        n_steps, n_points = array.shape[:2]
        numbers = increasing_steps("steps", np.arange(n_steps) if steps is None else steps, n_steps)
        point_colors, class_names = _colors_and_classes(colors, n_points)

        values, gaps = {}, {}
        for group, given in (("params", params), ("losses", losses), ("metrics", metrics)):
            curves = {
                curve: values_and_gaps(f"curve {curve!r}", given_values, n_steps)
                for curve, given_values in by_name(group, given).items()
            }
            values[group] = {curve: found for curve, (found, _) in curves.items()}
            gaps[group] = {curve: where for curve, (_, where) in curves.items()}

        return cls(
            name=name,
            steps=numbers,
            params=values["params"],
            losses=values["losses"],
            param_gaps=gaps["params"],
            loss_gaps=gaps["losses"],
            metrics=values["metrics"],
            metric_gaps=gaps["metrics"],
            final_losses={},
            final_metrics={},
            colors=point_colors,
            class_names=class_names,
            keyframes=checked_keyframes(keyframes),
            phases=checked_moments("phases", phases),
            actions=checked_moments("actions", actions),
            seed=None,
            layer=ARRAYS_LAYER,
            _source=_ArraySource(_as_float32(array)),
        )

    @classmethod
    def _from_archive(cls, reader: ArchiveReader, model: str | nn.Module | None) -> Run:
        source = _ArchiveSource(reader, model)
        header = source.header
        params, losses, metrics = map(source.curves, ("params", "losses", "metrics"))
        colors = reader.read("probe/colors") if "probe/colors" in reader else None
        return cls(
            name=reader.path.stem,
            steps=source.steps,
            params=params,
            losses=losses,
            param_gaps=source.gaps("params", params),
            loss_gaps=source.gaps("losses", losses),
            metrics=metrics,
            metric_gaps=source.gaps("metrics", metrics),
            final_losses=source.measured("losses"),
            final_metrics=source.measured("metrics"),
            colors=colors,
            class_names=_class_names(reader.path, header.class_names, colors),
            keyframes=header.keyframes,
            phases=header.phases,
            actions=header.actions,
            seed=header.seed,
            layer=header.layer,
            _source=source,
        )

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
        return self._archive.reader.path if self.is_archive else None

    @property
    def n_points(self) -> int:
        """The number of points, N: the probe's rows, or their tokens where each is a point.

        Raises:
            ArchiveError: The run was recorded without a probe.
            ModelError: Tokens are to be counted, and the model cannot be run.
        """
        return self._source.n_points(self.layer)

    @property
    def tokens(self) -> str | None:
        """How the tokens of a layer's output (N, S, D) are made points, as `Recorder` was told.

        None if it was not; then they are flattened.
        """
        return self._archive.header.tokens if self.is_archive else None

    @property
    def model_name(self) -> str | None:
        """The registered name of the model."""
        return self._archive.header.model_name if self.is_archive else None

    @property
    def is_archive(self) -> bool:
        """Whether the run has states and batches, or arrays alone."""
        return isinstance(self._source, _ArchiveSource)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose latents are of interest; `layer` is the first unless told otherwise."""
        return self._source.layers

    def at_layer(self, layer: str) -> Run:
        """The same run, looked at in another layer: what is drawn of it shows that one.

        Raises:
            OptionError: The run has no states, and no latents of that layer.
        """
        self._source.check_layer(layer)
        return replace(self, layer=layer)

    @property
    def probe(self) -> Inputs:
        """The probe's inputs, (N, ...), or several by the names of the model's arguments.

        Raises:
            ArchiveError: The run was recorded without a probe.
        """
        return self._archive.probe

    def _repr_html_(self) -> str:
        return self.html()

    def html(self) -> str:
        """HTML for a notebook: a table of what is in the run."""
        closed = self.is_archive and self._archive.reader.closed
        about = self._own_words() if closed else self.describe()
        return table_html(printable(self.name), summary(about))

    def describe(self) -> dict[str, Any]:
        """What is known of the run, as plain values that JSON can hold; evaluates nothing."""
        return self._own_words() | self._source.describe()

    def _own_words(self) -> dict[str, Any]:
        """What can be said without reading anything."""
        return {
            "name": self.name,
            "steps": len(self),
            "first_step": int(self.steps[0]),
            "last_step": int(self.steps[-1]),
            "layer": self.layer,
            "layers": list(self.layers),
            "seed": self.seed,
            "points": None,
            "params": list(self.params),
            "losses": list(self.losses),
            "metrics": list(self.metrics),
            "final_losses": _for_json(self.final_losses),
            "final_metrics": _for_json(self.final_metrics),
            "phases": [{"step": step, "name": name} for step, name in self.phases],
            "actions": [{"step": step, "name": name} for step, name in self.actions],
        }

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
        return self._archive.state(None if step is None else self.index_of(step))

    def batch(self, step: int) -> Batch:
        """What the step was trained on.

        Raises:
            OptionError: The step was not recorded.
            ArchiveError: The run has no batches.
        """
        return self._archive.batch(self.index_of(step))

    @property
    def has_final(self) -> bool:
        """Whether the latents after the last update are known.

        A recording that was cut off has none, nor has a run that was made from arrays.
        """
        return self._source.has_final(self.layer)

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
        return self._archive.final_latents(self.layer)

    def moment(self, step: int | None) -> tuple[int | None, str]:
        """What a picture shows by default or of a step: the step, and the same in words.

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
        # Of a run from arrays, nobody said that there would be more.
        return last, f"at step {last}" + (" (the last recorded)" if self.is_archive else "")

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
        layer = self.layer if layer is None else layer
        self._source.check_layer(layer)
        if steps is None:
            return self._source.latents(np.arange(len(self)), layer)
        if isinstance(steps, int | np.integer):
            index = np.array([self.index_of(steps)])
            single: NDArray[np.float32] = self._source.latents(index, layer)[0]
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
        return self._source.latents(indices, layer)

    @property
    def can_evaluate(self) -> bool:
        """Whether `evaluate` may: the run has whole states, and its model is known."""
        return self.is_archive and self._archive.can_evaluate

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
        self._archive.check_whole()
        given: Inputs
        if isinstance(inputs, Mapping):
            given = {name: np.asarray(array) for name, array in inputs.items()}
        else:
            given = np.asarray(inputs)
        return self._archive.evaluate(self.state(step), given, layer)

    def close(self) -> None:
        """Close the archive."""
        if self.is_archive:
            self._archive.reader.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _archive(self) -> _ArchiveSource:
        if isinstance(self._source, _ArraySource):
            raise ArchiveError(
                "this run was made from arrays and has no states, batches or probe; "
                "open an archive with latentviz.open_run"
            )
        return self._source


RunLike = Run | str | PathLike[str]
P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def opened_run(run: RunLike) -> Iterator[Run]:
    """The run itself, or the one at a path, which is closed again."""
    if isinstance(run, Run):
        yield run
    else:
        with open_run(run) as opened:
            yield opened


def takes_path(
    function: Callable[Concatenate[Run, P], R],
) -> Callable[Concatenate[RunLike, P], R]:
    """Let a function of a run take the path of its archive too."""

    @wraps(function)
    def taking_path(run: RunLike, *args: P.args, **options: P.kwargs) -> R:
        with opened_run(run) as opened:
            return function(opened, *args, **options)

    return taking_path  # type: ignore[return-value]  # its first argument has a name, too


@dataclass(frozen=True)
class _ArraySource:
    """Latents at hand, (T, N, D)."""

    array: NDArray[np.float32]

    def n_points(self, layer: str = ARRAYS_LAYER) -> int:
        return int(self.array.shape[1])

    @property
    def layers(self) -> tuple[str, ...]:
        return (ARRAYS_LAYER,)

    def has_final(self, layer: str) -> bool:
        return False

    def check_layer(self, layer: str) -> None:
        if layer != ARRAYS_LAYER:
            raise OptionError(
                f"a run that was made from arrays has one layer, {ARRAYS_LAYER!r}, not {layer!r}"
            )

    def describe(self) -> dict[str, Any]:
        return {"points": self.n_points()}

    def latents(self, indices: NDArray[np.int64], layer: str) -> NDArray[np.float32]:
        return self.array[indices]


class _Reading(TypedDict):
    tokens: str
    bfloat16: frozenset[str]


class _ChunkBatches(NamedTuple):
    """A chunk's batches, end to end."""

    offsets: NDArray[np.int64]  # (K + 1,), where each begins
    parts: dict[str, NDArray[Any]]  # each (ΣB, ...)
    shapes: dict[str, NDArray[np.int64]]  # (K, dimensions less one), of parts that are padded


class _ArchiveSource:
    """States, batches and latents in an archive."""

    def __init__(self, reader: ArchiveReader, model: str | nn.Module | None) -> None:
        self.reader = reader
        self.header = parse_header(f.json_value(reader.read("header"), "header"))
        self._bfloat16 = frozenset(self.header.bfloat16)
        chunks = reader.manifest.chunks
        # Chunk c holds the recorded steps bounds[c]..bounds[c + 1], as indices.
        self._bounds = np.cumsum([0, *(chunk.count for chunk in chunks)])
        if len(chunks) == 0:
            raise ArchiveError(f"{reader.path} holds no steps")
        self._groups = curve_groups(reader.format)  # where each kind of curves is stored
        self._names, self._parts = _names_and_parts(
            reader.members, len(chunks), curves=self._groups.values()
        )
        parts = [self._chunk("steps", c) for c in range(len(chunks))]
        if any(part.ndim != 1 or part.dtype != np.int64 for part in parts):
            raise ArchiveError(f"{reader.path}: its steps are not (K,) int64")
        self.steps = np.concatenate(parts)
        if (self.steps[1:] <= self.steps[:-1]).any():  # a difference could overflow
            raise ArchiveError(f"{reader.path}: its steps do not increase")
        if self.steps[0] < 0 or self.steps[-1] > f.MAX_STEP:
            raise ArchiveError(f"{reader.path}: its steps do not lie within 0 to {f.MAX_STEP}")
        self._given_model = model
        self._model: nn.Module | None = None
        self._lock = threading.RLock()  # one thread evaluates; the others wait for its blocks
        self._blocks: OrderedDict[tuple[str, int], NDArray[np.float32]] = OrderedDict()
        self._states: OrderedDict[int, dict[str, NDArray[Any]]] = OrderedDict()
        self._forms: dict[tuple[str, str], tuple[tuple[int, ...], np.dtype[Any]]] = {}
        self._batches: tuple[int, _ChunkBatches] | None = None
        self._block_length: int | None = None
        self._n_points: dict[str, int] = {}  # of each layer, where each token is one

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.header.layers)

    @property
    def has_probe(self) -> bool:
        return any(name.partition("/inputs")[0] == "probe" for name in self.reader.members)

    @cached_property
    def probe(self) -> Inputs:
        """The probe; all of its inputs have N rows."""
        path, reader = self.reader.path, self.reader
        names = [name for name in reader.members if name.startswith("probe/inputs")]
        if not names:
            raise ArchiveError(f"{path} was recorded without a probe; give Recorder(probe=...)")
        arrays = {name.removeprefix("probe/inputs"): reader.read(name) for name in names}
        shapes = [array.shape for array in arrays.values()]
        if any(shape[:1] in ((), (0,)) or shape[0] != shapes[0][0] for shape in shapes):
            raise ArchiveError(
                f"{path}: its probe must be (N, ...) with N above 0, got "
                f"{', '.join(map(str, shapes))}"
            )
        if "" in arrays:
            return arrays[""]
        return {name.removeprefix("/"): array for name, array in arrays.items()}

    def n_points(self, layer: str) -> int:
        if self.header.tokens != "each":
            return _n_rows(self.probe)
        if layer not in self._n_points:
            self.latents(np.array([0]), layer)
        return self._n_points[layer]

    def _points_at_hand(self) -> int | None:
        """How many points there are, as far as that is known without running a model."""
        if not self.has_probe:
            return None
        if self.header.tokens != "each":
            return _n_rows(self.probe)
        if "probe/colors" in self.reader:
            return len(self.reader.read("probe/colors"))
        if self._member("latents", 0, self.header.layer) in self.reader:
            return self.n_points(self.header.layer)
        return None

    def describe(self) -> dict[str, Any]:
        header, reader = self.header, self.reader
        probe = self.probe if self.has_probe else None
        shape: object = None
        if isinstance(probe, Mapping):
            shape = {name: list(array.shape) for name, array in probe.items()}
        elif probe is not None:
            shape = list(probe.shape)
        state = self.state(0) if self._names["states"] else {}
        return {
            "points": self._points_at_hand(),
            "path": str(reader.path),
            "bytes": reader.path.stat().st_size,
            "format": reader.format,
            "model": header.model_name,
            "model_args": dict(header.model_args),
            "probe_shape": shape,
            **({} if header.tokens is None else {"tokens": header.tokens}),
            "latents_recorded": bool(self._names["latents"]),
            "tensors": {name: list(array.shape) for name, array in state.items()},
            "values": sum(array.size for array in state.values()),
            "states": "all" if header.states is None else list(header.states),
            "labels": [
                name.removeprefix("labels/")
                for name in self._names["batches"]
                if name.startswith("labels/")
            ],
            "chunks": len(reader.manifest.chunks),
            "bytes_a_step": self._bytes_a_step(),
            "versions": dict(header.versions),
        }

    def _bytes_a_step(self) -> dict[str, float]:
        """What a step takes in the file, on average, of each group of members."""
        totals: Counter[str] = Counter()
        kinds = {group: kind for kind, group in self._groups.items()}
        for name, member in self.reader.members.items():
            group, _, rest = name.partition("/")
            if group not in ("header", "probe", "final", "manifest"):
                owner = rest.partition("/")[2].partition("/")[0] if group == "gaps" else group
                totals[kinds.get(owner, owner) or group] += member.compressed
        return {group: total / len(self.steps) for group, total in totals.items()}

    def curves(self, kind: str) -> dict[str, NDArray[np.float64]]:
        """All ``params``, ``losses`` or ``metrics``, each (T,), in order of first appearance."""
        if (group := self._groups.get(kind)) is None:
            return {}
        names = self._names[group]
        # Names that single steps have would otherwise make a small file large. A value and whether
        # it is a gap are 9 bytes.
        if len(names) * len(self.steps) * 9 > TIMES_SPARSE * self.reader.max_bytes:
            raise ArchiveError(
                f"{self.reader.path}: {len(names)} {kind} over {len(self.steps)} steps are more "
                "than the limit allows; raise the limit with --max-bytes if you trust it"
            )
        out = {name: np.full(len(self.steps), np.nan) for name in names}
        for c, name in self._parts[group]:
            values = self._chunk(group, c, name)
            if values.ndim != 1:
                raise ArchiveError(
                    f"{self.reader.path}: {kind} {name!r} must be one value a step, "
                    f"got {values.shape}"
                )
            out[name][self._bounds[c] : self._bounds[c + 1]] = values
        return out

    def gaps(
        self, kind: str, curves: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[np.bool_]]:
        """Where each of the ``params``, ``losses`` or ``metrics`` has no value, (T,)."""
        if self.reader.format == 1:  # which did not tell the two apart
            return {name: np.isnan(values) for name, values in curves.items()}
        if (group := self._groups.get(kind)) is None:
            return {}
        out = {name: np.ones(len(self.steps), bool) for name in curves}
        for c, name in self._parts[group]:
            out[name][self._bounds[c] : self._bounds[c + 1]] = False
        for c, name in self._parts["gaps"]:
            owner, _, name = name.partition("/")
            if owner != group and owner in self._groups.values():
                continue
            gaps = self._chunk("gaps", c, f"{owner}/{name}" if name else owner)
            rows = slice(int(self._bounds[c]), int(self._bounds[c + 1]))
            if (
                owner != group
                or self._member(group, c, name) not in self.reader
                or gaps.ndim != 1
                or gaps.dtype != np.bool_
                or not np.isnan(curves[name][rows][gaps]).all()
            ):
                raise ArchiveError(
                    f"{self.reader.path}: member {self._member('gaps', c, f'{owner}/{name}')!r} "
                    "should be (K,) bool, True where there is no value of that name"
                )
            out[name][rows] = gaps
        return out

    def measured(self, kind: str) -> dict[str, float]:
        """The ``losses`` or ``metrics`` after the last update."""
        prefix = f"final/{kind}/"
        if self.reader.format < 3:
            return {}
        members = [name for name in self.reader.members if name.startswith(prefix)]
        values = {member: self.reader.read(member) for member in members}
        for member, value in values.items():
            if value.shape != () or value.dtype != np.float64:
                raise ArchiveError(
                    f"{self.reader.path}: member {member!r} should be one float64, got "
                    f"{value.dtype} {value.shape}"
                )
        return {member.removeprefix(prefix): float(value) for member, value in values.items()}

    def state(self, index: int | None) -> dict[str, NDArray[Any]]:
        names = self._names["states"]
        if not names:
            raise ArchiveError(f"{self.reader.path} was recorded without states")
        if index is None and f"final/states/{names[0]}" not in self.reader:
            index = len(self.steps) - 1  # a recording that was cut off
        if index is None:
            return {
                name: self._widened(name, self.reader.read(f"final/states/{name}"))
                for name in names
            }
        c, k = self._locate(index)
        return {name: array[k] for name, array in self._chunk_states(c).items()}

    def batch(self, index: int) -> Batch:
        c, k = self._locate(index)
        if self._member("batches", c, "offsets") not in self.reader:
            raise ArchiveError(f"{self.reader.path}: step {self.steps[index]} has no batch")
        offsets, parts, shapes = self._chunk_batches(c)
        start, stop = offsets[k : k + 2]
        rows = {name: part[start:stop] for name, part in parts.items()}
        for name, lengths in shapes.items():
            rows[name] = rows[name][(slice(None), *map(slice, lengths[k]))]
        inputs: Inputs = rows["inputs"] if "inputs" in rows else _under("inputs/", rows)
        return Batch(inputs, _under("labels/", rows))

    def _chunk_batches(self, c: int) -> _ChunkBatches:
        """A chunk's batches; the last chunk's are kept."""
        with self._lock:
            if self._batches is None or self._batches[0] != c:
                self._batches = (c, self._read_batches(c))
            return self._batches[1]

    def _read_batches(self, c: int) -> _ChunkBatches:
        offsets = self._chunk("batches", c, "offsets")
        members = {name: self._chunk("batches", c, name) for name in self._batch_names(c)}
        shapes = _under("shapes/", members)
        parts = {name: members[name] for name in members if not name.startswith("shapes/")}
        expected = int(self._bounds[c + 1] - self._bounds[c]) + 1
        if (
            ("inputs" in parts) == any(name.startswith("inputs/") for name in parts)
            or offsets.shape != (expected,)
            or offsets.dtype != np.int64
            or offsets[0] != 0
            or (offsets[1:] < offsets[:-1]).any()
            or {len(part) for part in parts.values()} != {int(offsets[-1])}
            or not shapes.keys() <= parts.keys()
            or any(
                lengths.shape != (expected - 1, parts[name].ndim - 1)
                or lengths.dtype != np.int64
                or (lengths < 0).any()
                or (lengths > parts[name].shape[1:]).any()
                for name, lengths in shapes.items()
            )
        ):
            raise ArchiveError(f"{self.reader.path}: the batches of chunk {c} are malformed")
        return _ChunkBatches(offsets, parts, shapes)

    def _batch_names(self, c: int) -> list[str]:
        """A chunk's ``inputs`` or ``inputs/NAME``, ``labels/NAME``, and ``shapes/`` of these."""
        names = [name for name in self._names["batches"] if name != "offsets"]
        return [name for name in names if self._member("batches", c, name) in self.reader]

    def check_layer(self, layer: str) -> None:
        """Whether there may be latents of it: the model may yet have no such layer."""
        recorded = self._names["latents"]
        if layer in recorded or layer == self.header.layer or self.can_evaluate:
            return
        if self._is_whole and not recorded:
            return  # what lacks is the model, and who makes it says so
        if self._is_whole:
            raise OptionError(
                f"no layer {printable(layer)!r} was recorded; recorded: "
                f"{printable(', '.join(recorded))}"
            )
        raise OptionError(
            f"the latents of layer {printable(layer)!r} were not recorded (those of "
            f"{printable(', '.join(recorded)) or 'no layer'} were), nor can they be evaluated from "
            f"the states: {self._recorded_states()}"
        )

    def has_final(self, layer: str) -> bool:
        names = self._names["states"]
        has_states = self._is_whole and f"final/states/{names[0]}" in self.reader
        return has_states or f"final/latents/{layer}" in self.reader

    def final_latents(self, layer: str) -> NDArray[np.float32]:
        member = f"final/latents/{layer}"
        if member in self.reader:
            with np.errstate(over="ignore"):  # as of a step's
                latents = self.reader.read(member).astype(np.float32, copy=False)
            before = self.latents(np.array([len(self.steps) - 1]), layer)[0]
            if latents.shape != before.shape:
                raise ArchiveError(
                    f"{self.reader.path}: member {member!r} should be {before.shape}, as at the "
                    f"last step, got {latents.shape}"
                )
        else:
            latents = self.evaluate(self.state(None), self.probe, layer).latents
        self._check_latents(latents[None], layer)
        return latents

    def latents(self, indices: NDArray[np.int64], layer: str) -> NDArray[np.float32]:
        with self._lock:
            length = self._blocks_of()
            blocks = indices // length
            out: NDArray[np.float32] | None = None
            for block in np.unique(blocks):
                rows = blocks == block
                values = self._block(int(block), layer)[indices[rows] - block * length]
                if out is None:
                    out = np.empty((len(indices), *values.shape[1:]), np.float32)
                out[rows] = values
        assert out is not None  # there is at least one index
        return out

    @property
    def can_evaluate(self) -> bool:
        has_model = self._given_model is not None or self.header.model_name is not None
        return has_model and self._is_whole

    @property
    def _is_whole(self) -> bool:
        return self.header.states is None and bool(self._names["states"])

    def check_whole(self) -> None:
        """Refuse to run a model on states that lack some of its tensors.

        Raises:
            ArchiveError: The run has no states, or not the whole of them.
        """
        if not self._is_whole:
            raise ArchiveError(
                f"{self.reader.path} cannot be evaluated: {self._recorded_states()}, and a model "
                'runs on all of its tensors; record with Recorder(states="all")'
            )

    def _recorded_states(self) -> str:
        if not self._names["states"]:
            return "it was recorded without states"
        patterns = printable(", ".join(self.header.states or ()))
        return f"of its states only {patterns} was recorded"

    def evaluate(self, state: dict[str, NDArray[Any]], inputs: Inputs, layer: str) -> Evaluation:
        with self._lock:  # hooks and states are the module's: one thread at a time
            return evaluate(self.model(), layer, state, inputs, **self._reading)

    @property
    def _reading(self) -> _Reading:
        """How states and outputs are to be read."""
        return {"tokens": self.header.tokens or "flatten", "bfloat16": self._bfloat16}

    def model(self) -> nn.Module:
        """The model, made by its registered name or as the user said."""
        with self._lock:
            if self._model is None:
                self._model = self._make_model()
            return self._model

    def _make_model(self) -> nn.Module:
        given, header = self._given_model, self.header
        if given is not None and not isinstance(given, str):
            return given
        if given is not None:
            return self._built(factory_at(given))
        if header.model_name is None:
            raise ModelError(
                f"{self.reader.path} does not name its model; name its factory with --model "
                "package.module:factory, or open_run(path, model=...)"
            )
        return self._built(model_factory(header.model_name))

    def _built(self, factory: ModelFactory) -> nn.Module:
        """The model that a factory makes, of no more than a few times what was recorded of it.

        Weights that are tied, or made anew, are counted each time that a module takes them.
        """
        recorded = self._chunk_states(0).values()
        return build_model(
            factory,
            self.header.model_args,
            max_values=TIMES_MADE * sum(array[0].size for array in recorded),
            max_tensors=TIMES_MADE * len(recorded),
        )

    def _blocks_of(self) -> int:
        if self._block_length is None:
            state = self._chunk_states(0) if self._names["states"] else {}
            state_bytes = sum(array[0].nbytes for array in state.values())
            self._block_length = block_length(_n_rows(self.probe), state_bytes)
        return self._block_length

    def _block(self, block: int, layer: str) -> NDArray[np.float32]:
        """Latents of a block of consecutive recorded steps, cached."""
        key = layer, block
        if key in self._blocks:
            self._blocks.move_to_end(key)
            return self._blocks[key]
        start = block * self._blocks_of()
        stop = min(start + self._blocks_of(), len(self.steps))
        if self._member("latents", self._locate(start)[0], layer) in self.reader:
            values = self._gather("latents", layer, start, stop)
        else:
            values = self._evaluated(layer, start, stop)
        self._check_latents(values, layer)
        self._blocks[key] = values
        whole = values[0].nbytes * len(self.steps) <= CACHED_RUN_BYTES
        most = CACHED_RUN_BYTES if whole else CACHED_BYTES
        while len(self._blocks) > CACHED_BLOCKS and self._cached_bytes() > most:
            self._blocks.popitem(last=False)
        return values

    def _cached_bytes(self) -> int:
        return sum(values.nbytes for values in self._blocks.values())

    def _check_latents(self, values: NDArray[np.float32], layer: str) -> None:
        if values.ndim == 3 and self.header.tokens == "each":
            n_points = self._n_points.setdefault(layer, values.shape[1])
        else:
            n_points = _n_rows(self.probe)
        if values.ndim != 3 or values.shape[1] != n_points or 0 in values.shape:
            raise ArchiveError(
                f"{self.reader.path}: latents must be ({len(values)}, {n_points}, D), one "
                f"row a point of the probe, got {values.shape}"
            )

    def _evaluated(self, layer: str, start: int, stop: int) -> NDArray[np.float32]:
        if not self._is_whole:
            raise ArchiveError(
                f"{self.reader.path} has neither latents nor all of the states: "
                f"{self._recorded_states()}"
            )
        states = {
            name: np.concatenate([array[a:b] for array, a, b in pieces])
            for name, pieces in self._state_pieces(start, stop).items()
        }
        return evaluate_latents(self.model(), layer, states, self.probe, **self._reading)

    def _state_pieces(
        self, start: int, stop: int
    ) -> dict[str, list[tuple[NDArray[Any], int, int]]]:
        pieces: dict[str, list[tuple[NDArray[Any], int, int]]] = {
            name: [] for name in self._names["states"]
        }
        for c, a, b in self._spans(start, stop):
            for name, array in self._chunk_states(c).items():
                pieces[name].append((array, a, b))
        return pieces

    def _gather(self, group: str, name: str, start: int, stop: int) -> NDArray[np.float32]:
        rows = [self._chunk(group, c, name)[a:b] for c, a, b in self._spans(start, stop)]
        return _as_float32(np.concatenate(rows))

    def _spans(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """The chunks that hold the steps start..stop, and which of their rows."""
        first, last = self._locate(start)[0], self._locate(stop - 1)[0]
        spans = []
        for c in range(first, last + 1):
            low, high = int(self._bounds[c]), int(self._bounds[c + 1])
            spans.append((c, max(start, low) - low, min(stop, high) - low))
        return spans

    def _locate(self, index: int) -> tuple[int, int]:
        """Chunk and row of a recorded step."""
        c = int(np.searchsorted(self._bounds, index, side="right")) - 1
        return c, index - int(self._bounds[c])

    def _chunk_states(self, c: int) -> dict[str, NDArray[Any]]:
        with self._lock:
            if c not in self._states:
                self._states[c] = {
                    name: self._widened(name, self._chunk("states", c, name))
                    for name in self._names["states"]
                }
                if len(self._states) > 2:  # a block may straddle two chunks
                    self._states.popitem(last=False)
            return self._states[c]

    def _widened(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        """A tensor of the state; bfloat16, stored as the uint16 of its bits, as float32."""
        if name not in self._bfloat16:
            return array
        if array.dtype != np.uint16:
            raise ArchiveError(
                f"{self.reader.path}: tensor {name!r} is said to be bfloat16, which is stored as "
                f"uint16, got {array.dtype}"
            )
        # The upper half of a float32's bits.
        return (array.astype(np.uint32) << 16).view(np.float32)

    def _chunk(self, group: str, c: int, name: str = "") -> NDArray[Any]:
        array = self.reader.read(self._member(group, c, name))
        expected = self._bounds[c + 1] - self._bounds[c]
        if array.ndim == 0 or (group != "batches" and len(array) != expected):
            raise ArchiveError(
                f"{self.reader.path}: member {self._member(group, c, name)!r} should hold "
                f"{expected} steps, got shape {array.shape}"
            )
        if group in ("states", "latents"):
            form = array.shape[1:], array.dtype
            if (first := self._forms.setdefault((group, name), form)) != form:
                raise ArchiveError(
                    f"{self.reader.path}: member {self._member(group, c, name)!r} should hold "
                    f"steps of {first[0]} {first[1]}, got {form[0]} {form[1]}"
                )
        return array

    @staticmethod
    def _member(group: str, c: int, name: str) -> str:
        return f"{group}/{chunk_id(c)}" + (f"/{name}" if name else "")


def _colors_and_classes(
    colors: object, n_points: int
) -> tuple[NDArray[Any] | None, tuple[str, ...] | None]:
    """The points' colours, and the names of their classes where they are such."""
    if colors is None:
        return None, None
    array, names = codes_of(colors) if are_names(colors) else (numbers_of("colors", colors), None)
    if array.shape not in ((n_points, 3), (n_points,)):
        raise OptionError(
            f"colors must be ({n_points}, 3) RGB or ({n_points},) labels, names or scalars, "
            f"got {array.shape}"
        )
    return array, names


def _as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # too large for a float32 is not finite, and said so later
        return array.astype(np.float32, copy=False)


def _class_names(
    path: Path, names: Sequence[str] | None, colors: NDArray[Any] | None
) -> tuple[str, ...] | None:
    """The names of the classes that the colours number.

    Raises:
        ArchiveError: The colours are no numbers of them.
    """
    if names is None:
        return None
    is_of_classes = colors is not None and colors.ndim == 1 and colors.dtype.kind in "iu"
    if colors is None or not is_of_classes or ((colors < 0) | (colors >= len(names))).any():
        raise ArchiveError(
            f"{path}: its colors must be (N,) numbers of the {len(names)} classes that are named"
        )
    return tuple(names)


def _for_json(values: Mapping[str, float]) -> dict[str, float | str]:
    """Numbers by name; JSON has none that is not finite, so such are text."""
    return {name: v if math.isfinite(v) else str(v) for name, v in values.items()}


def _n_rows(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs)


def _under(prefix: str, parts: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(prefix): part for n, part in parts.items() if n.startswith(prefix)}


def _names_and_parts(
    members: Iterable[str], n_chunks: int, *, curves: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, list[tuple[int, str]]]]:
    """What each group's members are called, and which chunks have which.

    Args:
        members: All of them, in the file's order: there may be a million.
        n_chunks: How many chunks there are.
        curves: The groups that are of curves.

    Returns:
        Each group's names, whichever chunks hold them, in order of appearance; and the curves'
        and their gaps' chunks and names, one a member.
    """
    names: dict[str, dict[str, None]] = {
        group: {} for group in ("states", "batches", "latents", *curves)
    }
    parts: dict[str, list[tuple[int, str]]] = {group: [] for group in (*curves, "gaps")}
    chunks = {chunk_id(c): c for c in range(n_chunks)}
    for member in members:
        group, _, rest = member.partition("/")
        number, _, name = rest.partition("/")
        if group in names:
            names[group][name] = None
        if group in parts and number in chunks:
            parts[group].append((chunks[number], name))
    return {group: list(found) for group, found in names.items()}, parts
