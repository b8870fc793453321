"""What a run is read from: the protocols, and arrays that are at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError, OptionError
from ..points import LAYER, Points
from .batches import Batch
from .chunks import BLOCK_BYTES
from .evaluate import Evaluation, Inputs
from .reopening import Reopening

ARRAYS_LAYER = "latents"  # what the layer of a run from arrays is called


class Store(Protocol):
    """Where a run's latents are; it keeps none that it reads or evaluates."""

    @property
    def path(self) -> Path | None:
        """The archive's; None of arrays."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Those whose latents are of interest."""

    @property
    def tokens(self) -> str | None:
        """How tokens become points, if somebody said."""

    @property
    def model_name(self) -> str | None:
        """The registered name of the model."""

    @property
    def can_evaluate(self) -> bool:
        """Whether there are whole states, and a model for them."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be read any more."""

    @property
    def recording(self) -> Recording:
        """What only a recording has.

        Raises:
            ArchiveError: There is none.
        """

    def n_points(self, layer: str) -> int:
        """N."""

    def check_layer(self, layer: str) -> None:
        """Find out whether there may be latents of a layer.

        Raises:
            OptionError: There are none.
        """

    def starts(self, layer: str) -> NDArray[np.int64]:
        """Where the blocks of steps begin that are best read in one go, as indices; from 0 on."""

    def read(self, layers: Sequence[str], start: int, stop: int) -> dict[str, NDArray[np.float32]]:
        """Latents of the recorded steps start..stop, each layer's (stop - start, N, D).

        Those that are to be evaluated come from one forward pass. A block's bits are the same
        whichever layers it is read with.
        """

    def has_final(self, layer: str) -> bool:
        """Whether the latents after the last update are known."""

    def read_final(self, layers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Latents after the last update, each layer's (N, D), where they are known."""

    def last_in_words(self, step: int) -> str:
        """Its last step, after which nothing is known, in words."""

    def describe(self) -> dict[str, Any]:
        """What is known of it, as plain values; evaluates nothing."""

    @property
    def has_probe(self) -> bool:
        """Whether there is a probe, whose points colors, classes and names are of."""

    def of_tensor(self, points: Points) -> Store:
        """A store of the rows or columns of a tensor of the states.

        Raises:
            OptionError: There is no such tensor, or it has no rows.
            ArchiveError: It is damaged, or was not recorded at all steps.
        """

    def close(self) -> None:
        """Read no more."""


class Recording(Protocol):
    """What a recording has beside latents."""

    @property
    def reopening(self) -> Reopening:
        """How it is opened in another process; `OptionError` where it cannot be."""

    @property
    def probe(self) -> Inputs:
        """The points' inputs, (N, ...), or several by name."""

    def state(self, index: int | None) -> dict[str, NDArray[Any]]:
        """The model's state before a recorded step's update; of None, after the last one."""

    def batch(self, index: int) -> Batch:
        """What a recorded step was trained on."""

    def check_whole(self) -> None:
        """Refuse to run a model on states that lack some of its tensors.

        Raises:
            ArchiveError: There are no states, or not the whole of them.
        """

    def evaluate(self, state: Mapping[str, NDArray[Any]], inputs: Inputs, layer: str) -> Evaluation:
        """What the model makes of any inputs under a state."""

    def ways_to_draw(self) -> str:
        """How to draw points of a run of which none are known, in words."""


@dataclass(frozen=True)
class ArrayStore:
    """Latents at hand, (T, N, D) float32."""

    array: NDArray[np.float32]

    path = None
    layers = (ARRAYS_LAYER,)
    tokens = None
    model_name = None
    can_evaluate = False
    closed = False

    @property
    def recording(self) -> Recording:
        """There is none.

        Raises:
            ArchiveError: Always.
        """
        raise ArchiveError(
            "this run was made from arrays and has no states, batches or probe; "
            "open an archive with latentviz.open_run"
        )

    def n_points(self, layer: str) -> int:
        """N."""
        return int(self.array.shape[1])

    def check_layer(self, layer: str) -> None:
        """Refuse any layer but `ARRAYS_LAYER`."""
        if layer != ARRAYS_LAYER:
            raise OptionError(
                f"a run that was made from arrays has one layer, {ARRAYS_LAYER!r}, not {layer!r}"
            )

    def starts(self, layer: str) -> NDArray[np.int64]:
        """Blocks of `BLOCK_BYTES`, or of a step."""
        return self._starts

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.arange(0, len(self.array), max(1, BLOCK_BYTES // self.array[0].nbytes))

    def read(self, layers: Sequence[str], start: int, stop: int) -> dict[str, NDArray[np.float32]]:
        """Views of the array."""
        return dict.fromkeys(layers, self.array[start:stop])

    def has_final(self, layer: str) -> bool:
        """Nobody said what came after."""
        return False

    def read_final(self, layers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """There are none; see `has_final`."""
        raise NotImplementedError  # who reads it asks `has_final` first

    def last_in_words(self, step: int) -> str:
        """The step alone: nobody said that there would be more."""
        return f"at step {step}"

    def describe(self) -> dict[str, Any]:
        """How many points there are."""
        return {"points": self.n_points(ARRAYS_LAYER)}

    has_probe = False

    def of_tensor(self, points: Points) -> Store:
        """There is none.

        Raises:
            OptionError: Always.
        """
        raise OptionError(
            f"{points.words!r}: a run that was made from arrays has no tensors; its points are "
            f"{LAYER}:{ARRAYS_LAYER}"
        )

    def close(self) -> None:
        """Nothing to be closed."""
