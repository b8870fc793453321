"""A painter in a process of its own, which gets ready while this one imports torch."""

from __future__ import annotations

import pickle
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scene import Scene, Stage
from ..theme import Theme

CODE = "from latentviz.film.beside import serve; serve()"


def is_of_use() -> bool:
    """Whether this process has yet to import what takes a painter long to get ready."""
    return bool(sys.executable) and "numba" not in sys.modules


class PainterBeside:
    """Draws one scene. A context manager, which ends the process."""

    def __init__(self) -> None:
        """Start the process; it is not waited for."""
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):  # whoever asks draws by himself
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", CODE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us to hear
            )

    def prepare(self, stage: Stage, theme: Theme, *, has_ground: bool) -> None:
        """Let it draw what a film's frames share."""
        self._send((stage, theme, has_ground))

    def draw(self, scene: Scene) -> NDArray[np.uint8] | None:
        """A scene on what was prepared, as `Page.new_canvas` has it; None if that failed.

        Whoever asks then draws by himself, and hears what is wrong.
        """
        self._send(scene)
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            if self._process is not None and self._process.stdout is not None:
                drawn: NDArray[np.uint8] | None = pickle.load(self._process.stdout)
                return drawn
        return None

    def _send(self, what: Any) -> None:
        with suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                pickle.dump(what, self._process.stdin)
                self._process.stdin.flush()

    def __enter__(self) -> PainterBeside:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def serve() -> None:
    """The process: what it is given on its standard input, it draws, and ends."""
    from ..raster.discs import draw_discs, plate
    from ..raster.lettering import blend_sprite, font, text_sprite
    from .kept import kept_page

    # Load the compiled code and a font meanwhile.
    canvas = np.zeros((3, 64, 64), np.uint8)
    draw_discs(canvas, plate((16, 16), 4, (9, 9, 9)), box=(0, 0, 64, 64))
    blend_sprite(canvas, text_sprite("0", font(24.0), 9, 32, (9, 9, 9)))
    stage, theme, has_ground = pickle.load(sys.stdin.buffer)
    page = kept_page(stage, theme, has_ground=has_ground)
    canvas = page.new_canvas()
    page.draw(pickle.load(sys.stdin.buffer), canvas)
    pickle.dump(canvas, sys.stdout.buffer)
    sys.stdout.flush()
