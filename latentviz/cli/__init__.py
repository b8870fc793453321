"""The command line. Heavy imports wait until a command needs them, so that --help is instant."""

from . import archive, compare, completion, doctor, film, importing, pictures, sphere, view, watch
from .group import main

__all__ = [
    "archive",
    "compare",
    "completion",
    "doctor",
    "film",
    "importing",
    "main",
    "pictures",
    "sphere",
    "view",
    "watch",
]
