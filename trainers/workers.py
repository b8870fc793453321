"""Work for several processes, that ends cleanly whatever happens to them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from latentviz.errors import LatentvizError

J = TypeVar("J")
R = TypeVar("R")


class WorkerError(LatentvizError):
    """A worker died, or its work failed in a way that nobody foresaw."""


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_all(
    task: Callable[[J], R],
    jobs: Sequence[J],
    *,
    processes: int,
    done: Callable[[J, R], object],
    cut_off: Callable[[J], object],
) -> None:
    """Do all jobs, each in one of several new processes.

    If a job fails, ``done`` raises, or Ctrl-C is pressed, all workers are killed before the error
    leaves this function. If this process is killed itself, its workers finish the job that they
    are at, and leave.

    Args:
        task: What to do with a job, in a worker; a module's function, or a ``partial`` of one.
        jobs: They are begun in this order.
        processes: How many workers, 1 or more.
        done: Called here with each job and its result, as they come.
        cut_off: Called here with each job whose worker died, or was killed, over it.

    Raises:
        LatentvizError: What the task raised.
        WorkerError: The task raised another error, or the worker died.
    """
    waiting = deque(jobs)
    workers: dict[Connection, BaseProcess] = {}
    busy: dict[Connection, J] = {}

    def hand_out(pipe: Connection) -> None:
        busy[pipe] = waiting.popleft()
        # A worker that has died already is found out below.
        _try_to_send(pipe, busy[pipe])

    try:
        for _ in range(min(processes, len(jobs))):
            pipe, worker = _start(task)
            workers[pipe] = worker
            hand_out(pipe)
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                answer = _answer(ready, busy[ready], workers[ready])
                job = busy.pop(ready)
                if isinstance(answer, _Fault):
                    raise answer.error
                done(job, answer)
                if waiting:
                    hand_out(ready)
    finally:
        # Those that are idle have nothing to lose.
        for worker in workers.values():
            worker.kill()
        for worker in workers.values():
            worker.join()
        for job in busy.values():
            cut_off(job)


@dataclass(frozen=True)
class _Fault:
    """A job's error, on its way from the worker."""

    error: LatentvizError


def _start(task: Callable[[Any], Any]) -> tuple[Connection, BaseProcess]:
    # Started anew, not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_serve, args=(theirs, task), daemon=True)
    with _ctrl_c_held_back():
        worker.start()
    # So that the pipe ends when the worker does.
    theirs.close()
    return ours, worker


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Keep Ctrl-C from what is started inside; here it takes effect right after.

    A terminal sends it to every process. A worker would show a traceback of whatever it was
    importing; what comes of its job is for this process to say.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Else it would be started inside, and let Ctrl-C through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, task: Callable[[Any], Any]) -> None:
    """Do one job after the other, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        answer: object
        try:
            answer = task(job)
        except LatentvizError as error:
            answer = _Fault(error)
        except Exception as error:  # nobody but the parent can tell of it
            fault = WorkerError(f"{job} failed: {type(error).__name__}: {error}")
            fault.add_note(traceback.format_exc())
            answer = _Fault(fault)
        if not _try_to_send(pipe, answer):
            return


def _try_to_send(pipe: Connection, message: object) -> bool:
    """Whether there was anyone to send it to."""
    try:
        pipe.send(message)
    except OSError:
        return False
    return True


def _answer(pipe: Connection, job: object, worker: BaseProcess) -> Any:
    try:
        return pipe.recv()
    except (EOFError, OSError):
        worker.join()
        code = worker.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"left with status {code}"
        raise WorkerError(
            f"{job}: its worker {how}; try again, with fewer --jobs if memory ran out"
        ) from None
