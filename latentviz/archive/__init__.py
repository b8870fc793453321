"""The run archive: its format, and how it is written and read."""

from .reader import DEFAULT_MAX_BYTES, ArchiveReader
from .writer import ArchiveWriter, check_destination

__all__ = ["DEFAULT_MAX_BYTES", "ArchiveReader", "ArchiveWriter", "check_destination"]
