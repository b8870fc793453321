"""Matplotlib, whatever backend the environment names: we draw into memory, and need none."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


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
