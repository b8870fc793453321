import math
import multiprocessing
import os
import resource
import signal
import time

import pytest

from latentviz.tasks import WorkerError
from latentviz.tasks import run_in_processes as run_all
from trainers.dopesheet import DopesheetError, parse_dopesheet

# The tasks are a library's functions: a worker imports its task, and these are quick to import.


def results(task, jobs, *, processes=2, cut_off=None):
    """What comes of each job."""
    got = {}
    cut_off = [] if cut_off is None else cut_off

    def done(job, result):
        assert multiprocessing.active_children()
        got[job] = result

    try:
        run_all(task, jobs, processes=processes, done=done, cut_off=cut_off.append)
    finally:
        assert multiprocessing.active_children() == []
    return got


@pytest.mark.parametrize("processes", [1, 3])
def test_every_job_is_done_once(processes):
    jobs = [float(k) for k in range(5)]
    assert results(math.sqrt, jobs, processes=processes) == {k: math.sqrt(k) for k in jobs}


def test_without_jobs_there_are_no_workers():
    assert results(math.sqrt, []) == {}


def test_a_task_that_fails_ends_the_others_and_is_told_of_in_one_line():
    cut_off = []
    with pytest.raises(WorkerError, match=r"^-1.0 failed: ValueError: ") as caught:
        results(math.sqrt, [-1.0], cut_off=cut_off)
    assert "\n" not in str(caught.value)
    # Where in the worker it was is for whoever mends it.
    assert "Traceback" in str(caught.value.__cause__.__cause__)
    assert cut_off == []


def test_an_error_that_the_user_can_put_right_stays_what_it_is():
    with pytest.raises(DopesheetError, match="expected a column headed STEP"):
        results(parse_dopesheet, ["no sheet"])


@pytest.mark.parametrize(
    ("task", "job", "how"),
    [(signal.raise_signal, 9, r"SIGKILL\(-9\)"), (os._exit, 3, r"EXIT\(3\)")],
)
def test_what_is_at_work_when_a_worker_dies_is_cut_off(task, job, how):
    cut_off = []
    with pytest.raises(WorkerError, match=rf"^{job}: its worker died with {how}; try ") as caught:
        results(task, [job], cut_off=cut_off)
    assert "\n" not in str(caught.value)
    assert cut_off == [job]


def test_of_two_at_work_the_one_that_died_is_named():
    asleep = "__import__('time').sleep(60)"
    dying = "__import__('signal').raise_signal(9)"
    cut_off = []
    with pytest.raises(WorkerError) as caught:
        results(eval, [asleep, dying], cut_off=cut_off)
    assert str(caught.value).startswith(f"{dying}: its worker died")
    assert cut_off == [asleep, dying]


def test_there_are_no_more_workers_than_files_can_be_opened_for(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (25, 25))
    at_work = []

    def done(*_):
        at_work.append(len(multiprocessing.active_children()))

    jobs = [float(k) for k in range(4)]
    run_all(math.sqrt, jobs, processes=4, done=done, cut_off=pytest.fail)
    assert at_work == [2] * 4


def test_an_error_here_kills_the_workers():
    cut_off = []

    def fail(*_):
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_all(time.sleep, [0.0, 60.0], processes=2, done=fail, cut_off=cut_off.append)
    assert time.monotonic() - started < 30
    assert cut_off == [60.0]
    assert multiprocessing.active_children() == []


def test_a_worker_has_one_thread():
    assert results(os.getenv, ["OMP_NUM_THREADS"]) == {"OMP_NUM_THREADS": "1"}
