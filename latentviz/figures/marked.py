"""Marks of a still picture: names beside points, points that stand out, what colors mean."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import LatentvizWarning
from ..points import checked_texts
from ..raster.keys import end_labels
from ..runs.run import Run
from ..scene import Box, Categories, Labels, Ramp
from ..text import counted, listed, printable
from ..views import as_mask, point_labels, selected_points

MOST_NAMED = 12  # classes in the words of a picture


@dataclass(frozen=True, eq=False)
class Marked:
    """The points that somebody has chosen. Made by `marked_points`."""

    labeled: NDArray[np.int64]
    """(L,) the numbers of the points that have their names beside them."""
    texts: tuple[str, ...]
    """Their names, L."""
    highlighted: NDArray[np.bool_] | None
    """(N,) the points that stand out; None where none do."""

    def labels(self, xy: NDArray[np.float32], within: Box | None = None) -> Labels | None:
        """The names in a plane.

        Args:
            xy: (N, 2) where all points are, right and up; NaN for nowhere.
            within: Where names may be; by default as `Labels` says.
        """
        if not len(self.labeled):
            return None
        return Labels(self.labeled, self.texts, xy[None], within)

    @property
    def words(self) -> str:
        """A sentence on them after a space; nothing where nothing is marked."""
        n_high = 0 if self.highlighted is None else int(self.highlighted.sum())
        said = [
            f"{counted(n_high, 'point')} stand{'s' if n_high == 1 else ''} out" if n_high else "",
            f"names stand beside {counted(len(self.labeled), 'point')}" if self.texts else "",
        ]
        words = ", and ".join(filter(None, said))
        return f" {words[0].upper()}{words[1:]}." if words else ""


def marked_points(run: Run, label: Sequence[str], highlight: Sequence[str]) -> Marked:
    """The points that some texts name.

    Args:
        run: Whose points.
        label: Texts, as `selected_points` takes them, of those that have their names beside them.
        highlight: Of those that stand out.

    Raises:
        OptionError: A text names no point of the run.
    """
    labeled, highlighted = (
        selected_points(what, checked_texts(what, texts), run)
        for what, texts in (("label", label), ("highlight", highlight))
    )
    return Marked(labeled, point_labels(labeled, run), as_mask(highlighted, run.n_points))


def key_in_words(key: Categories | Ramp | None) -> str:
    """What colors mean, as a sentence after a space; nothing where they mean themselves."""
    if key is None:
        return ""
    if isinstance(key, Ramp):
        low, high = end_labels(key.low, key.high)
        return f" Their colors go from {low} to {high} in {key.colormap}."
    names = [printable(name, 40) for name in key.names]
    return f" Their colors are those of the classes {listed(names, MOST_NAMED)}."


def tell_of_left_out(n_names: int) -> None:
    """Warn that names were left out, if some were."""
    if n_names:
        warnings.warn(
            f"{counted(n_names, 'name')} beside points would cover others or be cut, and "
            f"{'is' if n_names == 1 else 'are'} left out; name fewer points with label, or make "
            "the picture larger",
            LatentvizWarning,
            stacklevel=4,
        )
