"""A recorded run's archive: its probe, states and latents, read or evaluated when asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from ..archive import ArchiveReader
from ..archive import format as f
from ..archive.schema import (
    HEADER,
    INPUTS,
    LATENTS,
    PROBE,
    PROBE_COLORS,
    final_member,
    parse_header,
    probe_member,
)
from ..errors import ArchiveError, OptionError
from ..points import Points, matrices
from ..text import printable
from .batches import Batch, Batches
from .chunks import Chunks
from .evaluate import Evaluation, Inputs, block_length, evaluate, evaluate_latents
from .model import RunModel
from .reopening import Reopening
from .states import States
from .tensors import TensorStore, forms_of, ways_to_draw

if TYPE_CHECKING:
    from torch import nn


class _Reading(TypedDict):
    tokens: str
    bfloat16: frozenset[str]


class ArchiveStore:
    """States, batches and latents in an archive: a `Store`, and its `Recording`."""

    def __init__(self, reader: ArchiveReader, model: str | nn.Module | None) -> None:
        """Read what there is, but neither states nor latents.

        Args:
            reader: The archive, which is closed by `close`.
            model: Where it is not registered, the module, or what makes it.

        Raises:
            ArchiveError: The archive is malformed.
        """
        self.reader = reader
        self.header = parse_header(f.json_value(reader.read(HEADER), HEADER))
        self.chunks = Chunks(reader)
        self.states = States(self.chunks, self.header.bfloat16)
        self._batches = Batches(self.chunks)
        self._model = RunModel(reader.path, self.header, self.states, model)
        self._lock = threading.RLock()  # the module's: one thread evaluates at a time
        self._starts: dict[str, NDArray[np.int64]] = {}
        self._n_points: dict[str, int] = {}  # of each layer, where rows do not tell

    @property
    def path(self) -> Path:
        """The archive's."""
        return self.reader.path

    @property
    def layers(self) -> tuple[str, ...]:
        """Those that were recorded, or are to be evaluated."""
        return tuple(self.header.layers)

    @property
    def tokens(self) -> str | None:
        """As the recorder was told."""
        return self.header.tokens

    @property
    def model_name(self) -> str | None:
        """The model's registered name."""
        return self.header.model_name

    @property
    def recording(self) -> ArchiveStore:
        """Itself."""
        return self

    @property
    def closed(self) -> bool:
        """Whether the file is."""
        return self.reader.closed

    @property
    def reopening(self) -> Reopening:
        """How it is opened elsewhere.

        Raises:
            OptionError: The model is at hand as a module, which only this process has.
        """
        given = self._model.given
        if given is not None and not isinstance(given, str):
            raise OptionError(
                f"{self.path} was opened with a module, which another process does not have; give "
                "model='package.module:factory' for what makes it"
            )
        path = str(self.path.absolute())
        return Reopening(path, self.reader.digest, given, self.reader.max_bytes)

    def close(self) -> None:
        """Close the file."""
        self.reader.close()

    @property
    def _probe_names(self) -> list[str]:
        """The probe's inputs by name, of which one alone has none."""
        inputs = [n for n in self.chunks.outside if (n.group, n.kind) == (PROBE, INPUTS)]
        return [name.name for name in inputs]

    @cached_property
    def probe(self) -> Inputs:
        """The probe; all of its inputs have N rows.

        Raises:
            ArchiveError: There is none, or it is malformed.
        """
        names = self._probe_names
        if not names:
            raise ArchiveError(f"{self.path} was recorded without a probe; {self.ways_to_draw()}")
        arrays = {name: self.reader.read(probe_member(name or None)) for name in names}
        shapes = [array.shape for array in arrays.values()]
        if any(shape[:1] in ((), (0,)) or shape[0] != shapes[0][0] for shape in shapes):
            raise ArchiveError(
                f"{self.path}: its probe must be (N, ...) with N above 0, got "
                f"{', '.join(map(str, shapes))}"
            )
        return arrays.get("", arrays)

    def n_points(self, layer: str) -> int:
        """The probe's rows, or their tokens where each is a point."""
        if self.header.tokens != "each" and self._needs_probe(layer):
            return _n_rows(self.probe)
        if layer not in self._n_points:
            self.read([layer], 0, 1)
        return self._n_points[layer]

    def _points_at_hand(self) -> int | None:
        """How many points there are, as far as that is known without running a model."""
        layer = self.header.layer
        if self.has_probe and self.header.tokens != "each":
            return _n_rows(self.probe)
        if self.has_probe and PROBE_COLORS in self.reader:
            return len(self.reader.read(PROBE_COLORS))
        if layer is not None and self.chunks.has(LATENTS, 0, layer):
            return self.n_points(layer)
        return None

    def _needs_probe(self, layer: str) -> bool:
        """Whether the probe says how many points there are: a saved run has latents alone."""
        return self.has_probe or not self.chunks.has(LATENTS, 0, layer)

    def ways_to_draw(self) -> str:
        """How to draw points of a run of which none are known, in words."""
        rows = ways_to_draw(forms_of(self.states))
        words = "give Recorder(probe=...)" + (f", or {rows}" if rows else "")
        if self.states.has_final:
            return words
        return f"{words}; if the run was imported, import it with --model, --layer and --probe"

    @property
    def has_probe(self) -> bool:
        """Whether there is one, whose points colors, classes and names are of."""
        return bool(self._probe_names)

    def of_tensor(self, points: Points) -> TensorStore:
        """A store of the rows or columns of a tensor of the states.

        Raises:
            OptionError: There is no such tensor, or it has no rows.
            ArchiveError: It is damaged, or was not recorded at all steps.
        """
        return TensorStore(self, self.states, points)

    def describe(self) -> dict[str, Any]:
        """What is known of it; evaluates nothing."""
        header, reader = self.header, self.reader
        probe = self.probe if self.has_probe else None
        shape: object = None
        if isinstance(probe, Mapping):
            shape = {name: list(array.shape) for name, array in probe.items()}
        elif probe is not None:
            shape = list(probe.shape)
        state = self.state(0) if self.states.names else {}
        return {
            "points": self._points_at_hand(),
            "path": str(reader.path),
            "bytes": reader.path.stat().st_size,
            "format": reader.format,
            "model": header.model_name,
            "model_args": dict(header.model_args),
            "probe_shape": shape,
            **({} if header.tokens is None else {"tokens": header.tokens}),
            "latents_recorded": bool(self.chunks.names[LATENTS]),
            "tensors": {name: list(array.shape) for name, array in state.items()},
            "matrices": {n: list(shape) for n, shape in matrices(forms_of(self.states)).items()},
            "values": sum(array.size for array in state.values()),
            "states": "all" if header.states is None else list(header.states),
            "labels": self._batches.labels,
            "chunks": len(self.chunks),
            "bytes_a_step": self.chunks.bytes_a_step(),
            "versions": dict(header.versions),
        }

    def state(self, index: int | None) -> dict[str, NDArray[Any]]:
        """See `States.read`."""
        return self.states.read(index)

    def batch(self, index: int) -> Batch:
        """See `Batches.read`."""
        return self._batches.read(index)

    @property
    def can_evaluate(self) -> bool:
        """Whether states are whole, and a model is known."""
        return self._model.is_known and self._is_whole

    @property
    def _is_whole(self) -> bool:
        return self.header.states is None and bool(self.states.names)

    def check_whole(self) -> None:
        """Refuse to run a model on states that lack some of its tensors.

        Raises:
            ArchiveError: The run has no states, or not the whole of them.
        """
        if not self._is_whole:
            raise ArchiveError(
                f"{self.path} cannot be evaluated: {self._recorded_states()}, and a model "
                'runs on all of its tensors; record with Recorder(states="all")'
            )

    def _recorded_states(self) -> str:
        if not self.states.names:
            return "it was recorded without states"
        patterns = printable(", ".join(self.header.states or ()))
        return f"of its states only {patterns} was recorded"

    def check_layer(self, layer: str) -> None:
        """Whether there may be latents of it: the model may yet have no such layer.

        Raises:
            OptionError: There are none.
        """
        recorded = self.chunks.names[LATENTS]
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

    def starts(self, layer: str) -> NDArray[np.int64]:
        """Whole chunks of recorded latents; of others, blocks of states.

        How long these are depends on the run alone, whatever the layer: see `evaluate`.

        Raises:
            ArchiveError: There is no probe, or it is damaged.
        """
        with self._lock:
            if layer not in self._starts:
                found = self.chunks.blocks_of(LATENTS, layer)
                if found is None or self._needs_probe(layer):
                    n_rows = _n_rows(self.probe)  # or it says that there is none
                if found is None:
                    state = self.states.chunk(0) if self.states.names else {}
                    length = block_length(n_rows, sum(array[0].nbytes for array in state.values()))
                    found = np.arange(0, len(self.chunks.steps), length)
                self._starts[layer] = found
            return self._starts[layer]

    def read(self, layers: Sequence[str], start: int, stop: int) -> dict[str, NDArray[np.float32]]:
        """Latents of the recorded steps start..stop, each layer's (stop - start, N, D).

        Raises:
            ArchiveError: There are neither latents nor whole states, or they are malformed.
            ModelError: The model is not known, or cannot be run.
        """
        c, _ = self.chunks.locate(start)
        found = {}
        for layer in layers:
            if self.chunks.has(LATENTS, c, layer):
                found[layer] = self._recorded(layer, start, stop)
        if others := [layer for layer in layers if layer not in found]:
            found |= self._evaluated(others, start, stop)
        for layer, values in found.items():
            self._check_latents(values, layer)
        return found

    def _recorded(self, layer: str, start: int, stop: int) -> NDArray[np.float32]:
        spans = self.chunks.spans(start, stop)
        pieces = [self.chunks.read(LATENTS, c, layer)[rows] for c, rows in spans]
        return as_float32(pieces[0] if len(pieces) == 1 else np.concatenate(pieces))

    def _evaluated(
        self, layers: Sequence[str], start: int, stop: int
    ) -> dict[str, NDArray[np.float32]]:
        if not self._is_whole:
            raise ArchiveError(
                f"{self.path} has neither latents nor all of the states: {self._recorded_states()}"
            )
        with self._lock:
            states = self.states.block(start, stop)
            return evaluate_latents(self._model.get(), layers, states, self.probe, **self._reading)

    def _check_latents(self, values: NDArray[np.float32], layer: str) -> None:
        if values.ndim == 3 and (self.header.tokens == "each" or not self._needs_probe(layer)):
            n_points = self._n_points.setdefault(layer, values.shape[1])
        else:
            n_points = _n_rows(self.probe)
        if values.ndim != 3 or values.shape[1] != n_points or 0 in values.shape:
            raise ArchiveError(
                f"{self.path}: latents must be ({len(values)}, {n_points}, D), one "
                f"row a point of the probe, got {values.shape}"
            )

    def has_final(self, layer: str) -> bool:
        """Whether there is a final state, or a layer's final latents."""
        has_states = self._is_whole and self.states.has_final
        return has_states or final_member(LATENTS, layer) in self.reader

    def read_final(self, layers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Latents after the last update, each layer's (N, D): recorded, or of the final state.

        Raises:
            ArchiveError: They are not known, or malformed.
            ModelError: The model is not known, or cannot be run.
        """
        found: dict[str, NDArray[np.float32]] = {}
        for layer in layers:
            if (member := final_member(LATENTS, layer)) in self.reader:
                found[layer] = as_float32(self.reader.read(member))
                last = len(self.chunks.steps) - 1
                before = self.read([layer], last, last + 1)[layer][0]
                if found[layer].shape != before.shape:
                    raise ArchiveError(
                        f"{self.path}: member {member!r} should be {before.shape}, as at the "
                        f"last step, got {found[layer].shape}"
                    )
        if others := [layer for layer in layers if layer not in found]:
            found |= self._answers(self.state(None), self.probe, others)[1]
        for layer, latents in found.items():
            self._check_latents(latents[None], layer)
        return found

    def last_in_words(self, step: int) -> str:
        """That more may have followed."""
        return f"at step {step} (the last recorded)"

    def evaluate(self, state: Mapping[str, NDArray[Any]], inputs: Inputs, layer: str) -> Evaluation:
        """What the model makes of any inputs under a state.

        Raises:
            ModelError: The model is not known, or cannot be run on them.
        """
        outputs, latents = self._answers(state, inputs, [layer])
        return Evaluation(outputs, latents[layer])

    def _answers(
        self, state: Mapping[str, NDArray[Any]], inputs: Inputs, layers: Sequence[str]
    ) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        with self._lock:
            return evaluate(self._model.get(), layers, state, inputs, **self._reading)

    @property
    def _reading(self) -> _Reading:
        """How states and outputs are to be read."""
        return {
            "tokens": self.header.tokens or "flatten",
            "bfloat16": frozenset(self.header.bfloat16),
        }


def as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Latents as we have them: too large for a float32 is not finite, and said so later."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _n_rows(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs)
