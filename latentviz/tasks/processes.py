"""Work for several processes, that ends cleanly whatever happens to them."""

from __future__ import annotations

import re
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, TypeVar

from ..errors import LatentvizError
from .errors import WorkerError, unforeseen

if TYPE_CHECKING:
    from loky import ProcessPoolExecutor
    from loky.process_executor import BrokenProcessPool

J = TypeVar("J")
R = TypeVar("R")

# How long a worker waits for more; so it leaves by itself where this process was killed.
IDLE_S = 10.0
# Of several processes on one machine, threads of their own would only wait for each other.
ENVIRONMENT = {"OMP_NUM_THREADS": "1"}
# Files that this process has open for a worker, with some to spare.
FILES_EACH = 10
HELD_BACK = {signal.SIGINT, signal.SIGTERM}


def run_in_processes(
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
    are at, and leave soon after.

    Args:
        task: What to do with a job, in a worker; a module's function, or a ``partial`` of one.
        jobs: They are begun in this order.
        processes: How many workers, 1 or more; fewer where this process may not open files enough.
        done: Called here with each job and its result, as they come.
        cut_off: Called here with each job whose worker died, or was killed, over it.

    Raises:
        LatentvizError: What the task raised.
        WorkerError: The task raised another error, or the worker died.
    """
    from loky import ProcessPoolExecutor
    from loky.process_executor import BrokenProcessPool

    waiting = deque(jobs)
    # A pool a worker: of a pool of several, nobody can tell over which job one of them died.
    pools = [
        ProcessPoolExecutor(1, timeout=IDLE_S, initializer=_ignore_signals, env=ENVIRONMENT)
        for _ in range(min(processes, len(jobs), _most_processes()))
    ]
    busy: dict[Future[R], tuple[ProcessPoolExecutor, J]] = {}

    def hand_out(pool: ProcessPoolExecutor) -> None:
        job = waiting.popleft()
        with _signals_held_back():
            busy[pool.submit(task, job)] = pool, job

    try:
        for pool in pools:
            hand_out(pool)
        while busy:
            for future in wait(busy, return_when=FIRST_COMPLETED).done:
                pool, job = busy[future]
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    raise _death(job, error) from error
                del busy[future]
                if isinstance(error, LatentvizError):
                    raise error
                if error is not None:
                    raise unforeseen(job, error) from error
                done(job, future.result())
                if waiting:
                    hand_out(pool)
    finally:
        # Those that are idle have nothing to lose.
        for pool in pools:
            pool.shutdown(kill_workers=True)
        for _, job in busy.values():
            cut_off(job)


def _death(job: object, error: BrokenProcessPool) -> WorkerError:
    code = re.search(r"\{(.+)\}", str(error))
    how = f"died with {code[1]}" if code else "died"
    return WorkerError(f"{job}: its worker {how}; try again, with fewer --jobs if memory ran out")


def _most_processes() -> int:
    """For how many workers this process may open files enough; 1 or more."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 61  # as many as it can wait for
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, files // FILES_EACH)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Keep Ctrl-C and SIGTERM from what is started inside; here they take effect right after.

    A terminal sends them to every process. A worker would show a traceback of whatever it was
    importing; what comes of its job is for this process to say.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Else it would be started inside, and let Ctrl-C through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore_signals() -> None:
    """In a worker, where they could not be held back."""
    for number in HELD_BACK:
        signal.signal(number, signal.SIG_IGN)
