"""Signals that wait for a block to end, sent to this very process."""

import os
import signal
import threading

import pytest

from latentviz.deferral import Deferred
from latentviz.interruption import orderly

INT, TERM, HUP, USR1 = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1
NUMBERS = (INT, TERM, HUP, USR1, signal.SIGALRM)


@pytest.fixture(autouse=True)
def as_before():
    """Whatever happens, who handles signals is as it was."""
    before = [signal.getsignal(number) for number in NUMBERS]
    yield
    assert [signal.getsignal(number) for number in NUMBERS] == before


@pytest.fixture
def heard():
    """The signals that a program's own handlers hear of, in order."""
    heard = []
    before = {n: signal.signal(n, lambda number, _: heard.append(number)) for n in (TERM, USR1)}
    yield heard
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    """As another process does; Python runs the handler before the next instruction or so."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("around", [None, orderly])
def test_an_interrupt_comes_when_the_outermost_block_is_done(around):
    done = []

    def work():
        with Deferred():
            with Deferred():
                send(INT)
            done.append("in one piece")
        done.append("never")

    def run():
        if around is None:
            work()
        else:
            with around():
                work()

    with pytest.raises(KeyboardInterrupt):
        run()
    assert done == ["in one piece"]


def test_all_that_came_is_heard_of_in_order(heard):
    with Deferred():
        for number in (USR1, TERM, USR1):
            send(number)
        assert heard == []
    assert heard == [USR1, TERM, USR1]


def test_a_handler_that_raises_keeps_no_other_from_hearing(heard):
    def work():
        with Deferred():
            for number in (TERM, INT, USR1):
                send(number)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert heard == [TERM, USR1]


def test_an_error_in_the_block_is_seen_and_the_signal_heard(heard):
    def work():
        with Deferred():
            send(TERM)
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        work()
    assert heard == [TERM]


def test_what_is_ignored_stays_ignored():
    before = signal.signal(HUP, signal.SIG_IGN)
    try:
        with Deferred():
            assert signal.getsignal(HUP) is signal.SIG_IGN
            send(HUP)
    finally:
        signal.signal(HUP, before)


@pytest.mark.usefixtures("heard")
def test_in_another_thread_it_does_nothing():
    def work():
        with Deferred():
            handlers.append(signal.getsignal(TERM))

    handlers = [signal.getsignal(TERM)]
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    first, within = handlers
    assert within is first
