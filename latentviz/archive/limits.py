"""How much of a run a chunk holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChunkLimits:
    """A chunk ends at whichever comes first.

    Its members cost the writer's thread some 50 µs of Python each, however short they are, and the
    training waits meanwhile; 1024 steps make that little.
    """

    steps: int = 1024
    seconds: float = 2.0
    bytes: int = 8 << 20

    def rows(self, step_bytes: int) -> int:
        """As many rows as a chunk can come to have: a large model's are few."""
        return min(self.steps, max(1, -(-self.bytes // max(1, step_bytes))))


LIMITS = ChunkLimits()
