"""How latents become what is drawn: the protocol of all transforms, and how texts name moments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol

from ..errors import OptionError
from ..runs.run import Run
from .fitted import Fitted

Center = Literal["run", "step"]
"""Whether each step's points are taken from the mean over the run, or from that step's own."""
CENTERS: tuple[Center, ...] = ("run", "step")

At = int | Literal["final"]
"""A recorded step, or the state after the last update; of a run that does not know that one, its
last recorded step."""


class Transform(Protocol):
    """How latents become what is drawn: a frozen dataclass of its options."""

    name: ClassVar[str]

    @property
    def text(self) -> str | None:
        """What `transform_of` reads: the name, and what follows it; None where no text says it."""

    def fit(self, runs: Sequence[Run], center: Center | None) -> Fitted:
        """Learn from the latents of runs, each looked at in its `Run.layer`, what is needed.

        Args:
            runs: One or several, of latents with the same D.
            center: What the user said; None for what is usual for this transform.

        Raises:
            OptionError: The runs lack what the transform needs, or it has no use for ``center``.
            ArchiveError: A run is damaged.
        """

    @classmethod
    def parse(cls, rest: str) -> Transform:
        """A transform of what follows its name, such as ``@final``; nothing if nothing does.

        Raises:
            OptionError: It is no such text.
        """


def parse_at(text: str, whole: str) -> At:
    """The moment that a text names: ``final``, or a step.

    Args:
        text: What stands after the ``@``.
        whole: All of it, for the error.

    Raises:
        OptionError: It is neither.
    """
    if text == "final":
        return "final"
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    raise OptionError(f"after @ stands final or a recorded step, got {whole!r}")


def refuse_center(transform: str, center: Center | None) -> None:
    """Refuse a center for a transform that has no use for one.

    Raises:
        OptionError: There is one.
    """
    if center is not None:
        raise OptionError(f"{transform} has no use for a center; leave --center out")
