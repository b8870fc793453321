"""Makes an archive of a recording that was cut off."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import ArchiveError
from .destination import PART
from .reader import ArchiveReader, open_regular
from .salvage import reader_of, salvage
from .writer import ArchiveWriter


@dataclass(frozen=True)
class Recovery:
    """What `recover` made of a recording."""

    path: Path
    n_steps: int
    n_dropped_bytes: int
    """How many bytes at its end were of no whole chunk."""
    is_being_recorded: bool
    """Whether its recorder still ran, so that more may come."""


def recover(
    part: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    max_bytes: int | None = None,
) -> Recovery:
    """Make an archive of a recording that was cut off, of all its chunks that are whole.

    The recording itself stays as it is. The state after the last update is not known; the archive's
    is then the last recorded one.

    Args:
        part: The recording, ``NAME.npz.part``; or an archive, ``NAME.npz``, that was cut short.
        output: Where the archive shall lie; by default ``NAME.npz`` beside ``NAME.npz.part``.
        overwrite: Replace a file that exists.
        max_bytes: Refuse a recording that unpacks to more; by default to more than 64 MiB and 50
            times its size.

    Raises:
        ArchiveError: It is no recording, or one that is whole; it holds no whole chunk, or cannot
            be read or written.
    """
    part = Path(os.path.expanduser(part))
    if output is None:
        if part.suffix != PART:
            raise ArchiveError(
                f"a recording's name ends in .npz{PART}, got {part}; name the archive to write "
                "with output (or -o)"
            )
        output = part.with_suffix("")
    output = Path(os.path.expanduser(output))
    try:
        with open_regular(part) as file:
            if part.suffix != PART:
                _check_is_cut_short(part, max_bytes)
            is_being_recorded = is_locked(file)
            read = reader_of(file.fileno())
            found = salvage(read, os.fstat(file.fileno()).st_size, max_bytes=max_bytes)
            if not found.n_steps:
                raise ArchiveError("no chunk of it is whole, so there is no step to save")
            writer = ArchiveWriter(output, overwrite=overwrite, part=f".{output.name}.recovered")
            try:
                writer.adopt(read, found)
                writer.add_manifest()
                writer.finish()
            except OSError as error:
                writer.abandon(keep=False)
                raise ArchiveError(f"cannot write {output}: {error.strerror}") from None
            except BaseException:  # an interrupt too
                writer.abandon(keep=False)
                raise
    except ArchiveError as error:
        raise ArchiveError(f"{part} cannot be recovered: {error}") from None
    except OSError as error:
        raise ArchiveError(f"cannot recover {part}: {error.strerror}") from None
    return Recovery(output, found.n_steps, found.n_dropped_bytes, is_being_recorded)


def _check_is_cut_short(path: Path, max_bytes: int | None) -> None:
    """Find out that an archive is whole: it has a final state, which would be left out.

    Raises:
        ArchiveError: It is.
    """
    try:
        ArchiveReader(path, max_bytes=max_bytes).close()
    except ArchiveError:
        return
    raise ArchiveError("it is whole")


def is_locked(file: BinaryIO) -> bool:
    """Whether a recorder has the file open; False where the system cannot tell."""
    try:
        import fcntl
    except ImportError:  # on Windows
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    # Else a recorder that begins in this moment would be refused.
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
