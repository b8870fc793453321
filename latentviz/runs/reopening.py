"""How an archive's run is opened once more, in another process or on another machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reopening:
    """What must be known to open a run again, as plain data.

    Attributes:
        path: The archive's, absolute.
        digest: Of its content (`ArchiveReader.digest`).
        model: What makes the model, ``package.module:factory``; None for the registered one.
        max_bytes: To how many bytes it may unpack.
        points: The points that are looked at; None where the run names none.
    """

    path: str
    digest: str
    model: str | None
    max_bytes: int
    points: str | None = None
