"""Follows a recording for pages that ask, and lets the training have the machine."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable

from ..errors import LatentvizError
from ..film.spec import FilmSpec
from ..viewing.spec import PageSpec
from .growing import Growing, State
from .looks import Look, in_words

LEAST_PAUSE_S, MOST_PAUSE_S = 0.9, 10.0
PAUSES = 49  # times what a look at the recording took: it takes a fiftieth of a core at most
MOST_LOOKS = 3  # that are kept, each with its page
# What a page is told that is no state of the recording: it must be loaded anew; and something is
# wrong with what was recorded since.
OUTDATED, UNREADABLE = "outdated", "unreadable"
NICE = 19


class Watch:
    """What is served of a recording: its page, and what came since.

    Nothing is done unless somebody asks. Safe to share between threads.
    """

    def __init__(
        self,
        growing: Growing,
        spec: FilmSpec,
        page_spec: PageSpec,
        *,
        again: Callable[[], Growing],
    ) -> None:
        """Make the first page.

        Args:
            growing: The recording, of which a chunk is whole.
            spec: How it looks.
            page_spec: What the page holds.
            again: Begins to follow what lies there now, once it is another recording.

        Raises:
            LatentvizError: An option does not fit the run, or it is damaged.
        """
        self._growing, self._spec, self._page_spec = growing, spec, page_spec
        self._again = again
        self._lock = threading.Lock()
        self._pages = threading.Lock()  # one is made at a time
        self._next_s = 0.0  # when there is time for a look
        self._looks: dict[str, Look] = {}
        self._newest = self._made()

    def page(self) -> bytes:
        """The page: the latest, or one that is fitted anew where the run has grown much since."""
        with self._pages:
            with contextlib.suppress(LatentvizError):  # what there is can still be looked at
                self._renew()
            return self._newest.page

    def growth(self, look: str, start: int) -> bytes | None:
        """What came since a page had so many steps; see `Look.growth`."""
        found = self._looks.get(look)
        if found is None:
            return in_words(OUTDATED)
        try:
            may_look = self._may_look()
            if may_look:
                self._look()
            began = time.thread_time()
            answer = found.growth(start, may_read=may_look)
            self._pause(time.thread_time() - began)
        except LatentvizError:
            # Removed between two looks, or damaged: what the page has, it keeps.
            state = self._growing.state
            is_away = state in (State.GONE, State.REPLACED)
            return in_words(state.value if is_away else UNREADABLE)
        return in_words(OUTDATED) if answer is None else answer

    def _renew(self) -> None:
        if self._may_look():
            self._look()
        if self._growing.state is State.REPLACED:
            another = self._again()
            another.look()
            if another.n_chunks:
                self._growing = another
                self._newest = self._made()
        elif not self._newest.is_fresh and self._growing.state is not State.GONE:
            self._newest = self._made()

    def _made(self) -> Look:
        look = Look(self._growing, self._spec, self._page_spec)
        self._looks[look.name] = look
        while len(self._looks) > MOST_LOOKS:
            del self._looks[next(iter(self._looks))]
        return look

    def _may_look(self) -> bool:
        """Whether it is time for a look; if so, not soon again."""
        now = time.monotonic()
        with self._lock:
            if now < self._next_s:
                return False
            self._next_s = now + LEAST_PAUSE_S
            return True

    def _look(self) -> None:
        began = time.thread_time()
        self._growing.look()
        self._pause(time.thread_time() - began)

    def _pause(self, took_s: float) -> None:
        with self._lock:
            until = time.monotonic() + min(PAUSES * took_s, MOST_PAUSE_S)
            self._next_s = max(self._next_s, until)


def wait_for_first(
    begin: Callable[[], Growing], say: Callable[[str], None], *, every_s: float = 0.5
) -> Growing:
    """Follow a recording once a chunk of it is whole.

    Args:
        begin: Begins to follow what lies there.
        say: Is told what is waited for.
        every_s: Seconds between two looks.

    Raises:
        ArchiveError: What lies there is no recording.
        KeyboardInterrupt: Whoever waits has had enough.
    """
    growing = begin()
    said = ""
    while True:
        growing.look()
        if growing.n_chunks and growing.state is not State.REPLACED:
            return growing
        words = {
            State.WAITING: f"waiting for the first steps of {growing.path}",
            State.STOPPED: f"the recorder of {growing.path} has gone; waiting for another",
        }.get(growing.state, said)
        if words != said:
            say(words)
            said = words
        if growing.state in (State.REPLACED, State.GONE):
            growing = begin()
            continue
        time.sleep(every_s)


def step_back() -> None:
    """Let everything else that runs on this machine come first."""
    if hasattr(os, "nice"):  # not on Windows
        with contextlib.suppress(OSError):
            os.nice(NICE)
