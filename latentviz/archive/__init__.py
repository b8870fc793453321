"""The run archive: its format, and how it is written, read, and recovered."""

from .destination import check_destination
from .reader import ArchiveReader
from .salvage import default_max_bytes
from .writer import ArchiveWriter

__all__ = ["ArchiveReader", "ArchiveWriter", "check_destination", "default_max_bytes"]
