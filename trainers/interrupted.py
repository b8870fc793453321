"""Ctrl-C, with what it leaves behind. Imports nothing, so that the command line can at once."""

from __future__ import annotations


class Interrupted(KeyboardInterrupt):
    """The work was interrupted, and what was done so far was put into order.

    Attributes:
        kept: What there is to keep, for the user to read: ``5 steps are kept in run.npz``.
    """

    def __init__(self, kept: str) -> None:
        super().__init__(kept)
        self.kept = kept
