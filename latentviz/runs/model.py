"""The model of a recorded run, made when it is first needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..archive.schema import Header
from ..errors import ModelError
from ..modules.registry import ModelFactory, build_model, factory_at, model_factory
from .states import States

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

TIMES_MADE = 4  # how often a model may come to register a weight


class RunModel:
    """Makes a run's model by its registered name, or as the user said."""

    def __init__(
        self, path: Path, header: Header, states: States, given: str | nn.Module | None
    ) -> None:
        """Make nothing yet.

        Args:
            path: The archive's, for errors.
            header: Its header.
            states: What was recorded of the model.
            given: The module, or what makes it; None for the registered one.
        """
        self._path, self._header, self._states, self.given = path, header, states, given
        self._made: nn.Module | None = None
        self._lock = threading.RLock()

    @property
    def is_known(self) -> bool:
        """Whether there is a name, or the user said."""
        return self.given is not None or self._header.model_name is not None

    def get(self) -> nn.Module:
        """The model.

        Raises:
            ModelError: It is not known, or cannot be made.
        """
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> nn.Module:
        given, header = self.given, self._header
        if given is not None and not isinstance(given, str):
            return given
        if given is not None:
            return self._built(factory_at(given))
        if header.model_name is None:
            raise ModelError(
                f"{self._path} does not name its model; name its factory with --model "
                "package.module:factory, or open_run(path, model=...)"
            )
        return self._built(model_factory(header.model_name))

    def _built(self, factory: ModelFactory) -> nn.Module:
        """The model that a factory makes, of no more than a few times what was recorded of it.

        Weights that are tied, or made anew, are counted each time that a module takes them.
        """
        recorded = self._states.chunk(0).values()
        return build_model(
            factory,
            self._header.model_args,
            max_values=TIMES_MADE * sum(array[0].size for array in recorded),
            max_tensors=TIMES_MADE * len(recorded),
        )
