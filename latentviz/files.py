"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OptionError

LONGEST_PREFIX = 40


def check_folder(path: Path) -> None:
    """Find out that a file cannot be written at ``path``.

    Raises:
        OptionError: Its folder is missing or not writable, or it is a folder itself.
    """
    if not path.parent.is_dir():
        raise OptionError(f"the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise OptionError(f"{path} is a folder; name a file")
    if not os.access(path.parent, os.W_OK):
        raise OptionError(f"the folder {path.parent} is not writable")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A file to write beside ``path``; it is moved there when all went well, or is gone."""
    part = new_part(path)
    try:
        yield part
        publish(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def new_part(path: Path, suffix: str = "") -> Path:
    """An empty file beside ``path`` to write first, which nobody else writes."""
    # Not the whole name: there must be room for what makes it unique.
    prefix = f".{path.name[:LONGEST_PREFIX]}."
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=path.parent)
    os.close(handle)
    return Path(name)


def publish(part: Path, path: Path) -> None:
    """Move a finished temporary file to its destination, with the permissions of a new file."""
    # There is no way to read the mask but to set it; and mkstemp's files are private.
    mask = os.umask(0o022)
    os.umask(mask)
    part.chmod(0o666 & ~mask)
    os.replace(part, path)
