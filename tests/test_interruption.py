"""Signals that come while something must not be left half done, sent to this very process."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from latentviz.deferral import Deferred
from latentviz.files import atomic
from latentviz.interruption import begin, orderly, remove_unfinished, settle

INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.fixture(autouse=True)
def as_before():
    """Whatever happens, who handles signals is as it was."""
    numbers = (INT, TERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before


def test_the_first_signal_interrupts_and_others_change_nothing_meanwhile():
    done = []

    def work():
        with orderly():
            try:
                signal.raise_signal(INT)
            finally:
                for _ in range(10):
                    signal.raise_signal(INT)
                    done.append("a step of cleaning up")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert len(done) == 10


def test_handlers_of_the_users_own_stay_in_force():
    heard = []
    before = signal.signal(TERM, lambda number, frame: heard.append(number))
    try:
        with orderly():
            signal.raise_signal(TERM)
            assert heard == [TERM]
            with Deferred():
                signal.raise_signal(TERM)
                assert heard == [TERM]
            assert heard == [TERM, TERM]
    finally:
        signal.signal(TERM, before)


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with orderly(), Deferred():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_was_begun_and_not_settled_is_removed(tmp_path):
    half, whole = tmp_path / "half", tmp_path / "whole"

    def work():
        with orderly():
            for path in (half, whole):
                begin(path, path.unlink)
                path.touch()
            settle(whole)
            signal.raise_signal(INT)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert list(tmp_path.iterdir()) == [whole]


def test_what_cannot_be_removed_is_named(tmp_path):
    begin(tmp_path, tmp_path.unlink)
    assert remove_unfinished() == [tmp_path]
    settle(tmp_path)
    assert remove_unfinished() == []


def test_another_thread_hears_of_nothing(tmp_path):
    def work():
        with orderly(), Deferred(), atomic(tmp_path / "a") as part:
            part.write_text("a")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_command_that_was_interrupted_hears_no_more():
    code = (
        "import signal; from latentviz.interruption import orderly\n"
        "try:\n"
        "    with orderly(resume=False):\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "except KeyboardInterrupt:\n"
        "    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):\n"
        "        signal.raise_signal(number)\n"
        "    print('at its end')"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "at its end\n", "")


@pytest.mark.parametrize("number", [TERM, signal.SIGHUP])
def test_a_signal_that_ends_a_program_still_does_and_leaves_nothing(tmp_path, number):
    code = (
        "import os, signal, sys; from pathlib import Path; from latentviz.files import atomic\n"
        "with atomic(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), int(sys.argv[2]))\n"
        "print('never')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a"), str(int(number))]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    assert (done.returncode, done.stdout) == (-number, "")
    assert list(tmp_path.iterdir()) == []
