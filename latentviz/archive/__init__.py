"""The run archive: its format, and how it is written, read, and recovered."""

from .reader import ArchiveReader
from .salvage import DEFAULT_MAX_BYTES
from .writer import ArchiveWriter, check_destination

__all__ = ["DEFAULT_MAX_BYTES", "ArchiveReader", "ArchiveWriter", "check_destination"]
