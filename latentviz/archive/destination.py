"""Where an archive goes, and its file while it is written, which nobody else writes."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import IO

from ..errors import ArchiveError
from .salvage import reader_of, salvage

PART = ".part"
MOST_ATTEMPTS = 100  # at a file that others make and move meanwhile


def part_path(path: Path) -> Path:
    """Where an archive lies while it is being written."""
    return path.with_name(path.name + PART)


def check_destination(path: Path, *, overwrite: bool) -> None:
    """Find out before any work is done that an archive cannot go to ``path``.

    Raises:
        ArchiveError: It cannot, and why.
    """
    path = Path(os.path.expanduser(path))
    if path.suffix != ".npz":
        raise ArchiveError(f"an archive's name must end in .npz, got {path}")
    if not path.parent.is_dir():
        raise ArchiveError(f"the folder {path.parent} does not exist; create it first")
    try:
        path.absolute()
    except FileNotFoundError:
        raise ArchiveError(
            f"{path} has no folder to go to: the current one was removed; change to another"
        ) from None
    if path.is_dir():
        raise ArchiveError(f"{path} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise ArchiveError(f"{path} is a device or a pipe, which is not replaced; name a file")
    if path.is_symlink() and not (target := Path(os.path.realpath(path))).parent.is_dir():
        raise ArchiveError(f"the folder {target.parent}, to which {path} leads, does not exist")
    if path.exists() and not overwrite:
        raise ArchiveError(f"{path} exists; overwrite it with overwrite=True (or --overwrite)")


def open_alone(part: Path, *, overwrite: bool) -> IO[bytes]:
    """Open a file to write that no other recorder has open, and that holds no step; empty it.

    Raises:
        ArchiveError: Another recorder writes it, or there is something in it.
        OSError: It cannot be opened.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows, which itself keeps others out of an open file
        try:
            return open(part, "wb" if overwrite else "xb")
        except FileExistsError:
            raise ArchiveError(_left_over(part)) from None
    for _ in range(MOST_ATTEMPTS):
        # Not emptied before it is known to be nobody else's.
        try:
            file = os.fdopen(_opened(part), "wb")
        except FileNotFoundError:
            if part.parent.is_dir():
                continue  # its recorder has moved it into place meanwhile
            raise
        try:
            try:
                # The system's own, which goes with the process however that ends.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ArchiveError(
                    f"another recorder is writing {part}; close() it if it is in this very "
                    "process, such as in a notebook's cell that ran before, or record to another "
                    "path"
                ) from None
            if not is_at(file, part):
                file.close()  # its recorder has just moved it into place
                continue
            if not overwrite and _holds_something(file):
                raise ArchiveError(_left_over(part))
            file.truncate(0)
        except BaseException:
            file.close()
            raise
        return file
    raise OSError(errno.EIO, "no file can be made there")


def _opened(part: Path) -> int:
    """A handle of a new file, or of one of ours that an earlier recording has left.

    Its name can be foreseen: who may write to the folder could have put a link there, through which
    another file would be written, or a file that is theirs to read and change.

    Raises:
        ArchiveError: It is none of ours.
        OSError: It cannot be opened.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    with contextlib.suppress(FileExistsError):
        return os.open(part, flags | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        handle = os.open(part, flags)
    except OSError:
        if part.is_symlink():
            raise ArchiveError(_not_ours(part, "is a link")) from None
        raise
    about = os.fstat(handle)
    for is_odd, what in (
        (not stat.S_ISREG(about.st_mode), "is no regular file"),
        (about.st_nlink > 1, "has another name, too, as a hard link"),
        (about.st_uid != os.geteuid(), "belongs to another user"),
    ):
        if is_odd:
            os.close(handle)
            raise ArchiveError(_not_ours(part, what))
    return handle


def _not_ours(part: Path, what: str) -> str:
    return f"{part} {what}, and is not written to; move it away, or write to another folder"


def _holds_something(file: IO[bytes]) -> bool:
    """Whether there is more in a file than the beginning of a recording that has no step yet."""
    size = os.fstat(file.fileno()).st_size
    try:
        found = salvage(reader_of(file.fileno()), size)
    except ArchiveError:
        return size > 0
    return found.n_steps > 0 or found.n_dropped_bytes > 0


def is_at(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _left_over(part: Path) -> str:
    return (
        f"{part} holds a recording that was cut off; save it with `latentviz recover {part}`, move "
        "it away, or overwrite it with overwrite=True (or --overwrite)"
    )


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` last."""
    if os.name == "nt":
        return  # Windows cannot open a folder; its rename is journalled.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
