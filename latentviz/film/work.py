"""By whom a film is made, as plain data: none of it changes a pixel or a byte."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import OptionError
from .options import FLAG, Plain, must_be, option, whole_number
from .values import as_segments, parse_segments

MAX_THREADS = 256
MAX_JOBS = 1024


@dataclass(frozen=True, kw_only=True)
class WorkSpec(Plain):
    """By whom a film is made; None leaves it to us."""

    threads: int | None = option(
        help="Threads that draw, in each process; the pixels do not depend on it.",
        default="one a core",
        convert=whole_number(1, MAX_THREADS),
        parse=int,
    )
    jobs: int | None = option(
        help="Make so many segments of the film at a time, each in a process of its own. The "
        "file's bytes do not depend on it.",
        default="half as many as there are cores, and less for a short film",
        convert=whole_number(1, MAX_JOBS),
        parse=int,
        metavar="N",
    )
    dask: str | None = option(
        help="Make the segments on the workers of a Dask cluster, at a scheduler's address or "
        "local:N for N workers here. They must see the run under the same path, and have the same "
        "versions.",
        convert=must_be("a scheduler's address", lambda value: isinstance(value, str), str),
        metavar="ADDRESS",
    )
    resume: bool = option(
        False,
        help="Go on with a film that was interrupted: segments that are finished are kept in "
        "OUTPUT.parts until the film is whole, and found there.",
        convert=FLAG,
        parse=bool,
    )
    keep_parts: bool = option(
        False,
        help="Leave the segments in OUTPUT.parts when the film is whole.",
        convert=FLAG,
        parse=bool,
    )
    segments: tuple[int | None, int | None] | None = option(
        help="Make only the segments from number A up to, but not including, B, and leave them in "
        "OUTPUT.parts; --resume joins them when all are there. For the tasks of a batch system.",
        convert=as_segments,
        parse=parse_segments,
        metavar="A:B",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.jobs is not None and self.dask is not None:
            raise OptionError("jobs is for this machine, and dask for a cluster; give one")
        if self.segments is not None and self.resume:
            raise OptionError(
                "segments leaves a part of the film, and resume makes the whole of it; give one"
            )

    @property
    def keeps(self) -> bool:
        """Whether finished segments outlast the work."""
        return self.resume or self.keep_parts or self.segments is not None

    @property
    def asks(self) -> bool:
        """Whether somebody asks for what takes a film that others can make, now or later on."""
        return self.keeps or self.dask is not None or (self.jobs or 1) > 1

    @property
    def n_threads(self) -> int:
        """How many threads draw, where one process alone makes the film."""
        return self.threads or n_cores()

    def n_jobs(self, n_segments: int) -> int:
        """How many segments are made at a time.

        Each process takes as long to start as it takes to make a segment; so it is to make two.
        """
        if self.jobs is not None:
            return min(self.jobs, n_segments)
        return max(1, min(n_cores() // 2, n_segments // 2))


def n_cores() -> int:
    """The number of those that this process may use, where the system says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores or 1
