import math
import multiprocessing
import os
import signal
import time

import pytest

from trainers.dopesheet import DopesheetError, parse_dopesheet
from trainers.workers import WorkerError, available_cores, run_all

# The tasks are a library's functions: a worker imports its task, and these are quick to import.


def results(task, jobs, *, processes=2, cut_off=None):
    """What comes of each job."""
    got = {}
    cut_off = [] if cut_off is None else cut_off
    try:
        run_all(task, jobs, processes=processes, done=got.__setitem__, cut_off=cut_off.append)
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
    assert "Traceback" in caught.value.__notes__[0]
    assert cut_off == []


def test_an_error_that_the_user_can_put_right_stays_what_it_is():
    with pytest.raises(DopesheetError, match="expected a column headed STEP"):
        results(parse_dopesheet, ["no sheet"])


def test_what_is_at_work_when_a_worker_dies_is_cut_off():
    cut_off = []
    with pytest.raises(WorkerError, match=r"^9: its worker was killed by signal 9;"):
        results(signal.raise_signal, [9], cut_off=cut_off)
    with pytest.raises(WorkerError, match=r"^3: its worker left with status 3;"):
        results(os._exit, [3], cut_off=cut_off)
    assert cut_off == [9, 3]


def test_an_error_here_kills_the_workers():
    cut_off = []

    def fail(job, result):
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_all(time.sleep, [0.0, 60.0], processes=2, done=fail, cut_off=cut_off.append)
    assert time.monotonic() - started < 30
    assert cut_off == [60.0]
    assert multiprocessing.active_children() == []


def test_available_cores():
    assert 1 <= available_cores() <= os.cpu_count()
