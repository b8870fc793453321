"""What can go wrong with those who work for us."""

from __future__ import annotations

from ..errors import LatentvizError


class WorkerError(LatentvizError):
    """A worker died or could not be had, or its work failed in a way that nobody foresaw."""


def unforeseen(job: object, error: BaseException) -> WorkerError:
    """The error of a task that failed."""
    return WorkerError(f"{job} failed: {type(error).__name__}: {error}")
