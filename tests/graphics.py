"""Whether spheres can be drawn here, and how to take that away."""

from functools import cache

import numpy as np
import pytest

from latentviz.errors import GraphicsError
from latentviz.raster.spheres import SphereRenderer, Spheres, View

# What VTK looks for, whatever of it is installed.
LIBRARIES = ("libEGL.so.1", "libEGL.so", "libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so")


def needs_graphics():
    """Skip a test, and say why, where there is nothing to draw spheres with."""
    problem = _problem()
    if problem:
        pytest.skip(problem)


@cache
def _problem():
    black = np.zeros((1, 3), np.uint8)
    point = Spheres(np.zeros((1, 3), np.float32), black, black, 0.5)
    try:
        with SphereRenderer() as renderer:
            next(renderer.draw(View(16, 1.0, *["#000000"] * 3), [point]))
    except GraphicsError as error:
        return str(error)
    return None


def hide_graphics(folder, monkeypatch):
    """Hide from new processes all that VTK could draw with: what it finds is no library."""
    for name in LIBRARIES:
        (folder / name).write_text("not a library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
