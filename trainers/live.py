"""A picture of the latent space that is renewed while a run lasts."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentviz import LatentvizError, OptionError, Run, plot_history
from latentviz.color import rgb_grid

from .events import Events, PhaseEnd, StepMetrics
from .loop import infer

EVERY_STEPS = 200
# What share of a core the pictures of a very fast training may take; they are fewer then.
MOST_OF_THE_TIME = 0.1

_log = logging.getLogger(__name__)

# A step and its latents, (N, D).
Moment = tuple[int, NDArray[np.float32]]


@contextmanager
def live_history(events: Events, path: Path | None, *, layer: str, every: int) -> Iterator[None]:
    """Keep a picture of 512 colors in the run that ``events`` tell of; without a path, none.

    Raises:
        OptionError: No PNG can be written there.
    """
    if path is None:
        yield
        return
    points = torch.from_numpy(rgb_grid(8)).float()
    with LiveHistory(path, layer=layer, points=points, every=every) as live:
        live.listen(events)
        yield


class LiveHistory:
    """Renews a picture of a run's latent space, over thumbnails of earlier steps.

    A thread of its own draws, for a tenth of the time at most, and takes the latest step that there
    is: training never waits for a picture. Each one replaces the one before whole. A context
    manager; the last picture is there when it ends.
    """

    def __init__(self, path: Path, *, layer: str, points: Tensor, every: int) -> None:
        """Begin.

        Args:
            path: The PNG to write.
            layer: Name of the submodule whose output is the latents.
            points: (N, 3) colors, whose latents are shown.
            every: Renew the picture every so many steps.

        Raises:
            OptionError: No PNG can be written there.
        """
        if path.suffix.lower() != ".png" or not path.absolute().parent.is_dir():
            raise OptionError(
                f"the live picture must be a .png in a folder that exists, got {path}"
            )
        self._path, self._layer, self._points, self._every = path, layer, points, every
        self._colors = points.numpy()
        # None ends the thread.
        self._moments: queue.SimpleQueue[Moment | None] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="live-history", daemon=True)

    def listen(self, events: Events) -> None:
        """Show this run."""
        events.on(StepMetrics, self._on_step)
        events.on(PhaseEnd, self._on_phase_end)

    def __enter__(self) -> LiveHistory:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._moments.put(None)
        self._thread.join()

    def _on_step(self, event: StepMetrics) -> None:
        if event.state.step % self._every == 0:
            inference = infer(event.model, self._layer, self._points)
            self._moments.put((event.state.step, inference.latents.numpy()))

    def _on_phase_end(self, event: PhaseEnd) -> None:
        # The state after the update: the last picture shows what has become of the run.
        inference = infer(event.model, self._layer, self._points)
        self._moments.put((event.state.step, inference.latents.numpy()))

    def _draw(self) -> None:
        history: dict[int, NDArray[np.float32]] = {}
        moment = self._moments.get()
        while moment is not None:
            step, latents = moment
            history[step] = latents
            # Those that came while the last picture was drawn are thumbnails at most.
            while not self._moments.empty() and (moment := self._moments.get()) is not None:
                step, latents = moment
                history[step] = latents
            begun = time.monotonic()
            try:
                self._plot(history)
            except (LatentvizError, OSError) as error:
                _log.warning("the live picture could not be drawn: %s", error)
                return
            if moment is not None:
                self._ending.wait((time.monotonic() - begun) * (1 / MOST_OF_THE_TIME - 1))
                moment = self._moments.get()

    def _plot(self, history: dict[int, NDArray[np.float32]]) -> None:
        steps = sorted(history)
        run = Run.from_arrays(
            np.stack([history[step] for step in steps]), steps=steps, colors=self._colors
        )
        plot_history(run).save(self._path)
