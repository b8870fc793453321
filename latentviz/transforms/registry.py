"""The transforms, by the names that the command line gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Protocol

from ..errors import OptionError
from ..runs.run import Run
from .fitted import Fitted

Center = Literal["run", "step"]
"""Whether each step's points are taken from the mean over the run, or from that step's own."""


class Transform(Protocol):
    """How latents become what is drawn: a frozen dataclass of its options."""

    name: ClassVar[str]

    @property
    def text(self) -> str:
        """What `transform_of` reads: the name, and what follows it."""

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


TRANSFORMS: Mapping[str, type[Transform]] = {}


def transform_of(text: str) -> Transform:
    """The transform that a text names, such as ``pca@final``.

    Raises:
        OptionError: There is none of that name, or what follows it is wrong.
    """
    name = text.split(":", 1)[0].split("@", 1)[0]
    found = TRANSFORMS.get(name)
    if found is None:
        raise OptionError(f"there is no transform {text!r}; there are {', '.join(TRANSFORMS)}")
    return found.parse(text[len(name) :])
