"""The command line. Heavy imports wait until a command needs them, so that --help is instant."""

from . import film, pictures, sphere
from .group import main

__all__ = ["film", "main", "pictures", "sphere"]
