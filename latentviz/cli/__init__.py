"""The command line. Heavy imports wait until a command needs them, so that --help is instant."""

from . import archive, film, pictures, sphere
from .group import main

__all__ = ["archive", "film", "main", "pictures", "sphere"]
