"""Signals that wait: what must be done whole is not interrupted in its midst."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

# Those whose handlers, where a program has any, raise exceptions as a rule.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2")
_SIGNALS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]

_Came = list[tuple[int, FrameType | None]]


class Deferred:
    """Lets signals wait until the block is done, such as the Ctrl-C that raises KeyboardInterrupt.

    Of concern are Python's own handlers, which run in the main thread: elsewhere, it does nothing.
    """

    def __enter__(self) -> None:
        """Begin; a signal that comes before all handlers are replaced is handled as ever."""
        self._handlers: list[tuple[int, Any]] = []
        self._came: _Came = []
        if threading.current_thread() is not threading.main_thread():
            return
        came = self._came

        def note(number: int, frame: FrameType | None) -> None:
            came.append((number, frame))

        try:
            for number in _SIGNALS:
                if callable(handler := signal.getsignal(number)):
                    self._handlers.append((number, handler))
                    signal.signal(number, note)
        except BaseException:
            _give_back(self._handlers)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Give the handlers back, and call them for what came meanwhile."""
        try:
            _give_back(self._handlers)
        finally:
            _hand_over(self._came)


def _give_back(handlers: list[tuple[int, Any]], first: int = 0) -> None:
    """The last one first: from then on each may raise, and the others come all the same."""
    if first < len(handlers):
        try:
            _give_back(handlers, first + 1)
        finally:
            signal.signal(*handlers[first])


def _hand_over(came: _Came) -> None:
    if came:
        number, frame = came.pop(0)
        try:
            if callable(handler := signal.getsignal(number)):
                handler(number, frame)
        finally:
            _hand_over(came)
