"""Work for a Dask cluster: each task goes to a worker, and to another if that one is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import LatentvizError, OptionError
from .errors import WorkerError, unforeseen

if TYPE_CHECKING:
    from distributed import Client

J = TypeVar("J")
R = TypeVar("R")

LOCAL = re.compile(r"local:([0-9]{1,4})")
CONNECT_S = 10.0
# So often a task is begun again whose worker was lost: more, and it is the task that kills them.
MOST_LOST = 5


@contextmanager
def cluster_at(address: str) -> Iterator[Client]:
    """A connection to a cluster, closed in the end; a cluster of this machine ends with it.

    Args:
        address: A scheduler's, such as ``tcp://10.0.0.1:8786``; or ``local:N`` for N new workers
            here.

    Raises:
        OptionError: ``distributed`` is not installed, or the address is none.
        WorkerError: Nobody answers there.
    """
    local = LOCAL.fullmatch(address)
    if local is not None and int(local[1]) == 0:
        raise OptionError("dask local:N takes 1 worker or more, got local:0")
    if local is None and "://" not in address:
        raise OptionError(
            "dask takes a scheduler's address, such as tcp://10.0.0.1:8786, or local:N for N "
            f"workers on this machine; got {address!r}"
        )
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise OptionError(
            "a cluster needs dask's distributed: pip install 'latentviz[cluster]'"
        ) from None
    # What it has to say of a worker that is lost, it says in pages; we say it in a line.
    quiet = {"logging.distributed": "critical", "distributed.admin.log-format": "%(message)s"}
    with dask.config.set({**quiet, "distributed.scheduler.allowed-failures": MOST_LOST}):
        if local is not None:
            with (
                LocalCluster(
                    n_workers=int(local[1]),
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs="CRITICAL",
                ) as cluster,
                Client(cluster, set_as_default=False) as client,
            ):
                yield client
            return
        try:
            client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise WorkerError(f"no Dask scheduler answers at {address}: {why}") from None
        with client:
            yield client


def check_on_workers(client: Client, check: Callable[..., str | None], *args: Any) -> None:
    """Have each worker that is there look whether it can do the work.

    Args:
        client: The cluster.
        check: A module's function; what is wrong, in words, or None.
        *args: What it is given.

    Raises:
        WorkerError: There is no worker, or one cannot.
    """
    client.wait_for_workers(1, timeout=CONNECT_S)
    answers = client.run(check, *args, on_error="return")
    for address, answer in answers.items():
        if isinstance(answer, BaseException):
            raise WorkerError(
                f"worker {address} cannot run latentviz: {type(answer).__name__}: {answer}; "
                "install the same version there"
            )
        if answer is not None:
            raise WorkerError(f"worker {address} {answer}")


def run_on_cluster(
    client: Client,
    task: Callable[[J], R],
    jobs: Sequence[J],
    *,
    done: Callable[[J, R], object],
) -> None:
    """Do all jobs on a cluster's workers; the job of a worker that is lost is done elsewhere.

    Args:
        client: The cluster, of `cluster_at`.
        task: What to do with a job, in a worker; a module's function, or a ``partial`` of one.
        jobs: They are begun in this order.
        done: Called here with each job and its result, as they come.

    Raises:
        LatentvizError: What the task raised.
        WorkerError: The task raised another error, or killed every worker that it was given to.
    """
    from distributed import as_completed
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    futures = {client.submit(task, job, pure=False, priority=-k): job for k, job in enumerate(jobs)}
    try:
        for future in as_completed(futures, loop=client.loop):
            job = futures[future]
            try:
                result = future.result()
            except LatentvizError:
                raise
            except KilledWorker:
                raise WorkerError(
                    f"{job}: {MOST_LOST + 1} workers died over it, one after the other; give them "
                    "more memory"
                ) from None
            except FutureCancelledError:
                raise WorkerError(f"{job}: the cluster has gone") from None
            except Exception as error:
                raise unforeseen(job, error) from error
            done(job, result)
    finally:
        client.cancel(list(futures))
