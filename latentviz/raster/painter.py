"""How one panel comes onto a film's pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ..scene import Panel, Part
from ..theme import Theme
from .discs import Discs
from .lettering import Sprite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

APanel = TypeVar("APanel", bound=Panel)
APart = TypeVar("APart", bound=Part)


@dataclass(frozen=True)
class Painter(Generic[APanel, APart]):
    """Paints one panel of a film; each kind of panel has a class of its own, which says how.

    A painter is pure: a frame depends on nothing that was painted before, and several threads paint
    at once.
    """

    panel: APanel
    theme: Theme
    size: tuple[int, int]  # the page's (width, height) in pixels
    scale: float  # the page's pixels for one of the 1080-pixel page

    @property
    def has_chrome(self) -> bool:
        """Whether `chrome` draws anything."""
        return True

    def chrome(self, figure: Figure) -> None:
        """Draw what is the same in every frame, once, by matplotlib; dots lie on it.

        Args:
            figure: As large as the page; one point is one pixel.
        """

    @property
    def clip(self) -> tuple[int, int, int, int] | None:
        """The only part of the page that its dots may cover: (left, top, right, bottom) in pixels.

        Without one they may cover all that the page leaves to dots, and those of all such panels
        lie over all of their grounds.
        """
        return None

    def ground(self) -> Iterable[Discs]:
        """Discs that lie under the dots, the same in every frame."""
        return ()

    def discs(self, part: APart) -> Iterable[Discs]:
        """A frame's dots, the topmost first."""
        return ()

    def sprites(self, part: APart) -> Iterable[Sprite]:
        """A frame's text and marks, which lie on top."""
        return ()
