"""A process that gets ready to draw while this one imports torch, which takes as long."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import TracebackType
from typing import Any

CODE = "import sys; from latentviz.beside import serve; serve(sys.argv[1])"

Ask = Callable[[], Any]  # what the work is told next


def is_of_use() -> bool:
    """Whether this process has yet to import what takes long to get ready."""
    return bool(sys.executable) and not {"torch", "numba", "matplotlib.figure"} & sys.modules.keys()


class Beside:
    """Does one work in a process of its own. A context manager, which ends the process."""

    def __init__(self, work: str) -> None:
        """Start the process; it is not waited for.

        Args:
            work: ``module:function``, which is given `Ask` and returns the answer. Neither it nor
                what it is told may be the user's: all of it passes as a pickle.
        """
        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError):  # whoever asks does the work himself
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", CODE, work],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us to hear
            )

    def tell(self, what: object) -> None:
        """Give the work what it asks for next."""
        with suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                pickle.dump(what, self._process.stdin)
                self._process.stdin.flush()

    def answer(self) -> Any:
        """Wait for the work; None if it failed.

        Whoever asks then does it himself, and hears what is wrong.
        """
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            if self._process is not None and self._process.stdout is not None:
                return pickle.load(self._process.stdout)
        return None

    def __enter__(self) -> Beside:
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


def serve(work: str) -> None:
    """The process: does the work with what comes on its standard input, and ends."""
    module, _, name = work.partition(":")
    function = getattr(import_module(module), name)
    answer = function(lambda: pickle.load(sys.stdin.buffer))
    pickle.dump(answer, sys.stdout.buffer)
    sys.stdout.flush()
