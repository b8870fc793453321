"""The run archive: its format, and how it is written, read, and recovered."""

from .reader import ArchiveReader
from .salvage import default_max_bytes
from .writer import ArchiveWriter, check_destination

__all__ = ["ArchiveReader", "ArchiveWriter", "check_destination", "default_max_bytes"]
