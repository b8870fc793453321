"""A recorded run: what is known of each step, read when it is asked for."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .archive import DEFAULT_MAX_BYTES, ArchiveReader
from .archive import format as f
from .errors import ArchiveError, ModelError, OptionError
from .evaluate import Evaluation, block_length, evaluate, evaluate_latents
from .models import build_model, factory_at, model_factory

if TYPE_CHECKING:
    from torch import nn

CACHED_BLOCKS = 4


class IncompleteRunWarning(UserWarning):
    """A run's recording was cut off, or still runs; what is whole of it can be read."""


@dataclass(frozen=True)
class Batch:
    """What a step was trained on."""

    inputs: NDArray[Any]  # (B, ...)
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
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Run:
    """Open a recorded run.

    Args:
        path: The archive, ``NAME.npz``; or ``NAME.npz.part``, a recording that was cut off or still
            runs, of which all whole chunks are read, with an `IncompleteRunWarning`. The state
            after the last update is then the last recorded one.
        model: How to make the model where it is not registered: ``package.module:factory``, or
            the module itself (whose own state is not touched).
        max_bytes: Refuse an archive that unpacks to more.

    Raises:
        ArchiveError: The file is missing, or no archive that this version can read.
        ModelError: ``model`` is neither a name nor a module.
    """
    if model is not None and not isinstance(model, str) and not hasattr(model, "named_modules"):
        raise ModelError(
            "model must be a module, or 'package.module:factory' for what makes it; "
            f"got {type(model).__name__}"
        )
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
    metrics: Mapping[str, NDArray[np.float64]]  # losses and their terms, each (T,), NaN in gaps
    colors: NDArray[Any] | None  # (N, 3) RGB in 0..1, (N,) integer labels or (N,) scalars
    keyframes: Mapping[str, Sequence[int]]  # a property's keyed steps
    phases: Sequence[tuple[int, str]]  # (first step, name)
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
        metrics: Mapping[str, ArrayLike] | None = None,
        keyframes: Mapping[str, Sequence[int]] | None = None,
        phases: Sequence[tuple[int, str]] | None = None,
        name: str = "run",
    ) -> Run:
        """A run from arrays that are at hand, which can be drawn but not evaluated.

        Args:
            latents: (T, N, D) floats.
            colors: (N, 3) RGB in 0..1, (N,) integer labels, or (N,) scalars.
            steps: (T,) increasing step numbers; 0, 1, ... by default.
            params: The schedule's properties, each (T,).
            metrics: Losses, each (T,).
            keyframes: The steps at which each property is keyed.
            phases: The steps at which the phases start, and their names.
            name: What to call the run.

        Raises:
            OptionError: A shape is wrong.
        """
        array = np.asarray(latents)
        if array.ndim != 3 or 0 in array.shape:
            hint = "; add a time axis with latents[None]" if array.ndim == 2 else ""
            raise OptionError(f"latents must be (T, N, D), got {array.shape}{hint}")
        n_steps = len(array)
        numbers = np.arange(n_steps) if steps is None else np.asarray(steps)
        if numbers.shape != (n_steps,) or (np.diff(numbers) <= 0).any():
            raise OptionError(
                f"steps must be ({n_steps},) increasing numbers, got shape {numbers.shape}"
            )

        def curves(given: Mapping[str, ArrayLike] | None) -> dict[str, NDArray[np.float64]]:
            out = {n: np.asarray(v, dtype=np.float64) for n, v in (given or {}).items()}
            for curve_name, curve in out.items():
                if curve.shape != (n_steps,):
                    raise OptionError(
                        f"curve {curve_name!r} must be ({n_steps},), one value a step, "
                        f"got {curve.shape}"
                    )
            return out

        return cls(
            name=name,
            steps=numbers.astype(np.int64),
            params=curves(params),
            metrics=curves(metrics),
            colors=None if colors is None else np.asarray(colors),
            keyframes=dict(keyframes or {}),
            phases=list(phases or []),
            seed=None,
            layer="latents",
            _source=_ArraySource(array.astype(np.float32, copy=False)),
        )

    @classmethod
    def _from_archive(cls, reader: ArchiveReader, model: str | nn.Module | None) -> Run:
        source = _ArchiveSource(reader, model)
        header = source.header
        return cls(
            name=reader.path.stem,
            steps=source.steps,
            params=source.curves("params"),
            metrics=source.curves("metrics"),
            colors=reader.read("probe/colors") if "probe/colors" in reader else None,
            keyframes=header.keyframes,
            phases=header.phases,
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
            f"layer {self.layer!r})"
        )

    @property
    def path(self) -> Path | None:
        """The archive's path; None of a run that was made from arrays."""
        return self._archive.reader.path if self.is_archive else None

    @property
    def n_points(self) -> int:
        """The number of probe points, N."""
        return self._source.n_points

    @property
    def model_name(self) -> str | None:
        """The registered name of the model."""
        return self._archive.header.model_name if self.is_archive else None

    @property
    def is_archive(self) -> bool:
        """Whether the run has states and batches, or arrays alone."""
        return isinstance(self._source, _ArchiveSource)

    @property
    def probe(self) -> NDArray[Any]:
        """The probe's inputs, (N, ...).

        Raises:
            ArchiveError: The run was recorded without a probe.
        """
        return self._archive.probe

    def describe(self) -> dict[str, Any]:
        """What is known of the run, as plain values that JSON can hold; evaluates nothing."""
        about: dict[str, Any] = {
            "name": self.name,
            "steps": len(self),
            "first_step": int(self.steps[0]),
            "last_step": int(self.steps[-1]),
            "layer": self.layer,
            "seed": self.seed,
            "points": None,
            "params": list(self.params),
            "metrics": list(self.metrics),
            "phases": [{"step": step, "name": name} for step, name in self.phases],
        }
        return about | self._source.describe()

    def index_of(self, step: int | np.integer[Any]) -> int:
        """Where a step stands among the recorded steps.

        Raises:
            OptionError: It was not recorded.
        """
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

    def latents(
        self, steps: int | Sequence[int] | NDArray[Any] | None = None
    ) -> NDArray[np.float32]:
        """The probe's latents at the given steps; by default at all.

        Returns:
            (T, N, D) float32, T the number of steps given; (N, D) for a single step. Read from
            the archive where they were recorded, else evaluated from the states.

        Raises:
            OptionError: A step was not recorded.
            ModelError: The model is not registered, and none was given.
            ArchiveError: The run has no probe, or is damaged.
        """
        if steps is None:
            return self._source.latents(np.arange(len(self)))
        if isinstance(steps, int | np.integer):
            single: NDArray[np.float32] = self._source.latents(np.array([self.index_of(steps)]))[0]
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
        return self._source.latents(indices)

    @property
    def can_evaluate(self) -> bool:
        """Whether the run has states, and names its model or was given one, so `evaluate` may."""
        return self.is_archive and self._archive.can_evaluate

    def evaluate(
        self, inputs: ArrayLike, step: int | None = None, *, layer: str | None = None
    ) -> Evaluation:
        """Outputs (N, ...) and latents (N, D) of any inputs, at a step or after the last update.

        Args:
            inputs: (N, ...).
            step: A recorded step; by default the state after the last update.
            layer: The layer whose output is the latent; by default the one that was recorded.

        Raises:
            OptionError: The step was not recorded.
            ModelError: The model is unknown, has no such layer, or cannot be run on these inputs.
            ArchiveError: The run has no states.
        """
        layer = self.layer if layer is None else layer
        return self._archive.evaluate(self.state(step), np.asarray(inputs), layer)

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


@dataclass(frozen=True)
class _ArraySource:
    """Latents at hand, (T, N, D)."""

    array: NDArray[np.float32]

    @property
    def n_points(self) -> int:
        return int(self.array.shape[1])

    def describe(self) -> dict[str, Any]:
        return {"points": self.n_points}

    def latents(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.array[indices]


@dataclass(frozen=True)
class _Header:
    """An archive's header, checked."""

    model_name: str | None
    model_args: Mapping[str, Any]
    layer: str
    seed: int | None
    keyframes: Mapping[str, Sequence[int]]
    phases: Sequence[tuple[int, str]]
    versions: Mapping[str, str]

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> _Header:
        try:
            model = raw["model"] or {"name": None, "args": {}}
            header = cls(
                model_name=None if model["name"] is None else str(model["name"]),
                model_args={str(k): v for k, v in model["args"].items()},
                layer=str(raw["layer"]),
                seed=None if raw["seed"] is None else int(raw["seed"]),
                keyframes={str(k): [int(s) for s in v] for k, v in raw["keyframes"].items()},
                phases=[(int(step), str(phase)) for step, phase in raw["phases"]],
                versions={str(k): str(v) for k, v in raw["versions"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ArchiveError(f"the archive's header is malformed: {error!r}") from None
        return header


class _ArchiveSource:
    """States, batches and latents in an archive."""

    def __init__(self, reader: ArchiveReader, model: str | nn.Module | None) -> None:
        self.reader = reader
        self.header = _Header.parse(f.json_value(reader.read("header"), "header"))
        chunks = reader.manifest["chunks"]
        # Chunk c holds the recorded steps bounds[c]..bounds[c + 1], as indices.
        self._bounds = np.cumsum([0, *(chunk["count"] for chunk in chunks)])
        if len(chunks) == 0:
            raise ArchiveError(f"{reader.path} holds no steps")
        self._names = _names_by_group(reader.members)
        parts = [self._chunk("steps", c) for c in range(len(chunks))]
        if any(part.ndim != 1 or part.dtype.kind not in "iu" for part in parts):
            raise ArchiveError(f"{reader.path}: its steps are not (K,) integers")
        self.steps = np.concatenate(parts).astype(np.int64)
        if (np.diff(self.steps) <= 0).any():
            raise ArchiveError(f"{reader.path}: its steps do not increase")
        self._given_model = model
        self._model: nn.Module | None = None
        self._lock = threading.RLock()  # one thread evaluates; the others wait for its blocks
        self._blocks: OrderedDict[int, NDArray[np.float32]] = OrderedDict()
        self._states: OrderedDict[int, dict[str, NDArray[Any]]] = OrderedDict()
        self._batches: tuple[int, NDArray[Any], dict[str, NDArray[Any]]] | None = None
        self._block_length: int | None = None

    @cached_property
    def probe(self) -> NDArray[Any]:
        if "probe/inputs" not in self.reader:
            raise ArchiveError(
                f"{self.reader.path} was recorded without a probe; give Recorder(probe=...)"
            )
        probe = self.reader.read("probe/inputs")
        if probe.ndim == 0:
            raise ArchiveError(f"{self.reader.path}: its probe must be (N, ...), got a scalar")
        return probe

    @property
    def n_points(self) -> int:
        return len(self.probe)

    def describe(self) -> dict[str, Any]:
        header, reader = self.header, self.reader
        probe = self.probe if "probe/inputs" in reader else None
        state = self.state(0) if self._names["states"] else {}
        return {
            "points": None if probe is None else len(probe),
            "path": str(reader.path),
            "bytes": reader.path.stat().st_size,
            "format": f.FORMAT,
            "model": header.model_name,
            "model_args": dict(header.model_args),
            "probe_shape": None if probe is None else list(probe.shape),
            "latents_recorded": bool(self._names["latents"]),
            "tensors": {name: list(array.shape) for name, array in state.items()},
            "values": sum(array.size for array in state.values()),
            "labels": [
                name.removeprefix("labels/")
                for name in self._names["batches"]
                if name.startswith("labels/")
            ],
            "chunks": len(reader.manifest["chunks"]),
            "versions": dict(header.versions),
        }

    def curves(self, group: str) -> dict[str, NDArray[np.float64]]:
        """Each curve of ``metrics`` or ``params``, (T,), in order of first appearance."""
        out = {}
        for name in self._names[group]:
            curve = np.full(len(self.steps), np.nan)
            for c, (start, stop) in enumerate(zip(self._bounds, self._bounds[1:], strict=False)):
                if self._member(group, c, name) not in self.reader:
                    continue
                values = self._chunk(group, c, name)
                if values.ndim != 1:
                    raise ArchiveError(
                        f"{self.reader.path}: {group} {name!r} must be one value a step, "
                        f"got {values.shape}"
                    )
                curve[start:stop] = values
            out[name] = curve
        return out

    def state(self, index: int | None) -> dict[str, NDArray[Any]]:
        names = self._names["states"]
        if not names:
            raise ArchiveError(f"{self.reader.path} was recorded without states")
        if index is None and f"final/states/{names[0]}" not in self.reader:
            index = len(self.steps) - 1  # a recording that was cut off
        if index is None:
            return {name: self.reader.read(f"final/states/{name}") for name in names}
        c, k = self._locate(index)
        return {name: array[k] for name, array in self._chunk_states(c).items()}

    def batch(self, index: int) -> Batch:
        c, k = self._locate(index)
        if self._member("batches", c, "offsets") not in self.reader:
            raise ArchiveError(f"{self.reader.path}: step {self.steps[index]} has no batch")
        offsets, parts = self._chunk_batches(c)
        start, stop = offsets[k : k + 2]
        labels = {
            name.removeprefix("labels/"): part[start:stop]
            for name, part in parts.items()
            if name != "inputs"
        }
        return Batch(parts["inputs"][start:stop], labels)

    def _chunk_batches(self, c: int) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        """A chunk's batches end to end, and where each begins; the last chunk's are kept."""
        with self._lock:
            if self._batches is None or self._batches[0] != c:
                self._batches = (c, *self._read_batches(c))
            return self._batches[1:]

    def _read_batches(self, c: int) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        offsets = self._chunk("batches", c, "offsets")
        parts = {name: self._chunk("batches", c, name) for name in self._batch_names(c)}
        expected = int(self._bounds[c + 1] - self._bounds[c]) + 1
        if (
            "inputs" not in parts
            or offsets.shape != (expected,)
            or offsets.dtype.kind not in "iu"
            or (np.diff(offsets) < 0).any()
            or {len(part) for part in parts.values()} != {int(offsets[-1])}
        ):
            raise ArchiveError(f"{self.reader.path}: the batches of chunk {c} are malformed")
        return offsets, parts

    def _batch_names(self, c: int) -> list[str]:
        """A chunk's ``inputs`` and ``labels/NAME``."""
        names = [name for name in self._names["batches"] if name != "offsets"]
        return [name for name in names if self._member("batches", c, name) in self.reader]

    def latents(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        with self._lock:
            length = self._blocks_of()
            blocks = indices // length
            out: NDArray[np.float32] | None = None
            for block in np.unique(blocks):
                rows = blocks == block
                values = self._block(int(block))[indices[rows] - block * length]
                if out is None:
                    out = np.empty((len(indices), *values.shape[1:]), np.float32)
                out[rows] = values
        assert out is not None  # there is at least one index
        return out

    @property
    def can_evaluate(self) -> bool:
        has_model = self._given_model is not None or self.header.model_name is not None
        return has_model and bool(self._names["states"])

    def evaluate(
        self, state: dict[str, NDArray[Any]], inputs: NDArray[Any], layer: str
    ) -> Evaluation:
        with self._lock:  # hooks and states are the module's: one thread at a time
            return evaluate(self.model(), layer, state, inputs)

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
            return build_model(factory_at(given), header.model_args)
        if header.model_name is None:
            raise ModelError(
                f"{self.reader.path} does not name its model; name its factory with --model "
                "package.module:factory, or open_run(path, model=...)"
            )
        return build_model(model_factory(header.model_name), header.model_args)

    def _blocks_of(self) -> int:
        if self._block_length is None:
            state = self._chunk_states(0) if self._names["states"] else {}
            state_bytes = sum(array[0].nbytes for array in state.values())
            self._block_length = block_length(self.n_points, state_bytes)
        return self._block_length

    def _block(self, block: int) -> NDArray[np.float32]:
        """Latents of a block of consecutive recorded steps, cached."""
        if block in self._blocks:
            self._blocks.move_to_end(block)
            return self._blocks[block]
        start = block * self._blocks_of()
        stop = min(start + self._blocks_of(), len(self.steps))
        recorded = self._member("latents", self._locate(start)[0], self.header.layer)
        if recorded in self.reader:
            values = self._gather("latents", self.header.layer, start, stop)
        else:
            if not self._names["states"]:
                raise ArchiveError(f"{self.reader.path} has neither latents nor states")
            states = {
                name: np.concatenate([array[a:b] for array, a, b in pieces])
                for name, pieces in self._state_pieces(start, stop).items()
            }
            values = evaluate_latents(self.model(), self.header.layer, states, self.probe)
        self._blocks[block] = values
        if len(self._blocks) > CACHED_BLOCKS:
            self._blocks.popitem(last=False)
        return values

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
        values = np.concatenate(rows).astype(np.float32, copy=False)
        if values.ndim != 3:
            raise ArchiveError(f"{self.reader.path}: latents must be (T, N, D), got {values.shape}")
        return values

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
                    name: self._chunk("states", c, name) for name in self._names["states"]
                }
                if len(self._states) > 2:  # a block may straddle two chunks
                    self._states.popitem(last=False)
            return self._states[c]

    def _chunk(self, group: str, c: int, name: str = "") -> NDArray[Any]:
        array = self.reader.read(self._member(group, c, name))
        expected = self._bounds[c + 1] - self._bounds[c]
        if array.ndim == 0 or (group != "batches" and len(array) != expected):
            raise ArchiveError(
                f"{self.reader.path}: member {self._member(group, c, name)!r} should hold "
                f"{expected} steps, got shape {array.shape}"
            )
        return array

    @staticmethod
    def _member(group: str, c: int, name: str) -> str:
        return f"{group}/{f.chunk_id(c)}" + (f"/{name}" if name else "")


def _names_by_group(members: Mapping[str, Any]) -> dict[str, list[str]]:
    """What each group's members are called, whichever chunks hold them, in order of appearance."""
    names: dict[str, dict[str, None]] = {
        group: {} for group in ("states", "batches", "metrics", "params", "latents")
    }
    for member in members:
        group, _, rest = member.partition("/")
        if group in names:
            names[group][rest.partition("/")[2]] = None
    return {group: list(found) for group, found in names.items()}
