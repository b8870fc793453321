"""Matplotlib, whatever backend the environment names: we draw into memory, and need none."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from .errors import OptionError

COLORMAP = "viridis"  # unless told otherwise


def import_matplotlib() -> None:
    """Import matplotlib, if nobody has; then ``import`` what is needed of it as usual.

    It fails to be imported, and cannot be a second time, where ``MPLBACKEND`` names a backend that
    it does not know; one that it knows is the user's as before.
    """
    if "matplotlib" in sys.modules:
        return
    named = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if named is not None:
            os.environ["MPLBACKEND"] = named
    if named:
        with suppress(ValueError):
            mpl.rcParams["backend"] = named


def colormap_names() -> list[str]:
    """Matplotlib's."""
    import_matplotlib()
    from matplotlib import colormaps

    return list(colormaps)


def check_colormap(name: str) -> None:
    """Find out that matplotlib has a colormap; for the usual one it is not imported.

    Raises:
        OptionError: It has none of that name.
    """
    if name != COLORMAP and name not in colormap_names():
        raise OptionError(f"matplotlib has no colormap {name!r}; {COLORMAP} is one")
