"""Ctrl-C, SIGTERM and a terminal that is closed: whoever is interrupted cleans up first, in peace.

A signal may come at any instruction, and often comes twice: `timeout` sends its own to the command
and to its group, and who waits presses Ctrl-C again. The first one interrupts; what comes while
that is cleaned up changes nothing, and what is half made is known here until it is whole or gone.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from .deferral import Deferred

# How they are handled where nobody asked for anything else.
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
# Who asks again after so long was not heard: a library may have swallowed the interrupt.
PATIENCE_S = 10.0


class Interrupted(KeyboardInterrupt):
    """The work was interrupted, and something is left of it to go on from.

    Attributes:
        kept: What there is, for the user to read.
    """

    def __init__(self, kept: str) -> None:
        super().__init__(kept)
        self.kept = kept


@dataclass(frozen=True)
class _Unfinished:
    """What must not be left as it is."""

    thread: int
    remove: Callable[[], None]


_unfinished: dict[Path, _Unfinished] = {}
_current: _Heard | None = None  # the main thread's


def begin(path: Path, remove: Callable[[], None]) -> None:
    """Say before something is made at ``path`` how it is removed if it comes to nothing."""
    _unfinished[path] = _Unfinished(threading.get_ident(), remove)


def settle(path: Path) -> None:
    """Say that what was begun at ``path`` is whole and elsewhere, or gone."""
    _unfinished.pop(path, None)


def remove_unfinished(*, of_all_threads: bool = False) -> list[Path]:
    """Remove what this thread has begun and not settled.

    Returns:
        What could not be removed.
    """
    mine = threading.get_ident()
    left = []
    with Deferred():
        for path, what in list(_unfinished.items()):
            if not of_all_threads and what.thread != mine:
                continue
            try:
                what.remove()
                settle(path)
            except OSError:
                left.append(path)
    return left


class orderly:  # noqa: N801 - a context manager, as those of contextlib are named
    """Let Ctrl-C, SIGTERM and SIGHUP interrupt what is done inside once, by `KeyboardInterrupt`.

    In the main thread, which alone hears of them; handlers of the user's own stay in force, and
    what is ignored stays ignored. What `begin` was told of and nobody has settled is removed in
    the end. Then SIGTERM and SIGHUP end the process, as they would have at once.
    """

    def __init__(self, *, resume: bool = True) -> None:
        """Nothing is changed yet.

        Args:
            resume: Let SIGTERM and SIGHUP end the process in the end. False for a command, which
                ends itself, and hears nothing more once it was interrupted.
        """
        self._resume = resume
        self._heard: _Heard | None = None

    def __enter__(self) -> None:
        global _current
        if _current is None and threading.current_thread() is threading.main_thread():
            heard = _Heard()
            self._heard = _current = heard
            try:
                heard.listen()
            except BaseException:
                self.__exit__(None, None, None)
                raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        global _current
        heard = self._heard
        if heard is None:
            return
        heard.is_held = True
        if heard.first is not None:
            remove_unfinished(of_all_threads=self._resume and heard.first != signal.SIGINT)
        _current = None
        heard.leave(resume=self._resume)


class _Heard:
    """The signals that came, and what was done about each before."""

    def __init__(self) -> None:
        self.is_held = True  # while handlers are put in place, or back
        self.first: int | None = None  # that has interrupted
        self._late: list[int] = []  # those that came while held
        self._before: dict[int, Any] = {}
        self._when_s = -PATIENCE_S
        self._after: dict[int, Any] = {}  # what is done about each afterwards

    def listen(self) -> None:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            # None is no handler of Python's, and could not be put back.
            if handler in _DEFAULTS or callable(handler):
                self._before[number] = handler
                signal.signal(number, self._hear)
        self.is_held = False
        while self._late:
            self._obey(self._late.pop(0), None)

    def leave(self, *, resume: bool) -> None:
        is_ending = not resume and self.first is not None
        self._after = {
            number: signal.SIG_IGN if is_ending and handler in _DEFAULTS else handler
            for number, handler in self._before.items()
        }
        for number, handler in self._after.items():
            if signal.getsignal(number) == self._hear:
                signal.signal(number, handler)
        came = [*([] if self.first is None else [self.first]), *self._late]
        for number in came:
            handler = self._before[number]
            # Its exception is on its way.
            if handler is signal.default_int_handler and self.first is not None:
                continue
            if resume or handler not in _DEFAULTS:
                signal.raise_signal(number)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._after:  # some are put back, and this is about to be
            signal.signal(number, self._after[number])
            signal.raise_signal(number)
        elif self.is_held or (frame is not None and frame.f_code is orderly.__exit__.__code__):
            self._late.append(number)
        else:
            self._obey(number, frame)

    def _obey(self, number: int, frame: FrameType | None) -> None:
        handler = self._before[number]
        if handler not in _DEFAULTS:
            handler(number, frame)
            return
        now = time.monotonic()
        if now - self._when_s < PATIENCE_S:
            return  # it is being cleaned up
        self._when_s = now
        self.first = self.first or number
        raise KeyboardInterrupt
