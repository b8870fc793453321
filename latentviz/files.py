"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .deferral import Deferred
from .errors import OptionError
from .interruption import begin, orderly, settle

LONGEST_PREFIX = 40
UNFINISHED = ".unfinished"
REPLACED = "replaced"  # a folder for what is moved out of the way, which nobody else may remove
# Not opened through a link, and not waited for where it is a pipe; Windows has neither.
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path with the user's own folder in place of ``~``."""
    return Path(os.path.expanduser(path))


def check_folder(path: Path) -> None:
    """Find out that a file cannot be written at ``path``.

    Raises:
        OptionError: Its folder is missing or not writable, or what is there is no plain file, nor a
            link to one.
    """
    destination(path)


def destination(path: Path) -> Path:
    """Where a file is to be written that is named ``path``: what a link leads to, if it is one.

    Raises:
        OptionError: As `check_folder`.
    """
    path = expanded(path)
    if path.is_symlink():
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:  # what it leads to is to be made
            mode = stat.S_IFREG
        except OSError as error:
            raise OptionError(f"cannot follow the link {path}: {error.strerror}") from None
        target = Path(os.path.realpath(path))
    else:
        mode = path.stat().st_mode if path.exists() else stat.S_IFREG
        target = path.absolute()
    if not target.parent.is_dir():
        missing = path.parent if target.parent == path.parent.absolute() else target.parent
        raise OptionError(f"the folder {missing} does not exist; create it first")
    if stat.S_ISDIR(mode):
        raise OptionError(f"{path} is a folder; name a file")
    if not stat.S_ISREG(mode):
        raise OptionError(f"{path} is a device or a pipe, which is not replaced; name a file")
    if not os.access(target.parent, os.W_OK):
        raise OptionError(f"the folder {target.parent} is not writable")
    return target


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read; what is none, such as a pipe, could keep us waiting for ever.

    Raises:
        OptionError: It is no regular file.
        OSError: It cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    file = os.fdopen(handle, "rb") if stat.S_ISREG(os.fstat(handle).st_mode) else None
    if file is None:
        os.close(handle)
        raise OptionError(f"cannot read {path}: it is no regular file")
    return file


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A file to write beside ``path``; it is moved there when all went well, or is gone."""
    part = Part(path)
    with orderly():
        begin(part.path, part.remove)
        try:
            part.make()
            yield part.path
            part.publish()
        except BaseException:
            with Deferred(), contextlib.suppress(OSError):
                part.remove()
                settle(part.path)
            raise
        settle(part.path)


class Part:
    """What is written first, beside its destination: a file, or a folder.

    Its name is nobody else's. Whoever makes it holds a lock on it that goes with the process,
    however that ends: what a dead one has left can be told, and the next for the same destination
    removes it.
    """

    def __init__(self, path: Path, *, suffix: str = "", is_folder: bool = False) -> None:
        """Nothing is made yet: it is known beforehand what to remove, whenever that fails.

        Raises:
            OptionError: There cannot be a file at ``path``.
        """
        self._destination = path if is_folder else destination(path)
        self._is_folder = is_folder
        # Not the whole name: there must be room for what makes it unique.
        self._start = f".{self._destination.name[:LONGEST_PREFIX]}."
        self._end = UNFINISHED + suffix
        name = f"{self._start}{secrets.token_hex(6)}{self._end}"
        self.path = self._destination.with_name(name)
        self._lock: int | None = None

    def make(self) -> None:
        """Make it, and remove what dead processes have left of theirs.

        Raises:
            OSError: It cannot be made.
        """
        with contextlib.suppress(OSError):
            self._remove_abandoned()
        while self._lock is None:
            if self._is_folder:
                self.path.mkdir()
                handle = _opened(self.path)
            else:
                # Never through what somebody else has put there.
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _AS_IT_IS | _BINARY
                handle = os.open(self.path, flags, 0o600)
            self._lock = _locked(self.path, handle)

    def publish(self, name: str | None = None) -> None:
        """Move a file to its destination, with the permissions of a new one.

        Args:
            name: Another name there than it was to have.

        Raises:
            OSError: It cannot be moved.
        """
        # There is no way to read the mask but to set it; and what was made was private.
        mask = os.umask(0o022)
        os.umask(mask)
        self.path.chmod(0o666 & ~mask)
        target = self._destination if name is None else self._destination.with_name(name)
        os.replace(self.path, target)
        self._unlock()

    def remove(self) -> None:
        """Remove it, if it is there.

        Raises:
            OSError: It cannot be removed.
        """
        if self._is_folder:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)
        self._unlock()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None and lock >= 0:
            os.close(lock)

    def _remove_abandoned(self) -> None:
        name = re.compile(re.escape(self._start) + "[0-9a-f]{12}" + re.escape(self._end))
        for path in self.path.parent.iterdir():
            if name.fullmatch(path.name):
                with contextlib.suppress(OSError, ImportError):  # Windows has no such locks
                    _remove_if_abandoned(path, is_folder=self._is_folder)


def remove_abandoned(folder: Path) -> None:
    """Remove what dead processes have left unfinished in a folder of our own."""
    for path in folder.glob(f".*{UNFINISHED}*"):
        with contextlib.suppress(OSError, ImportError):
            _remove_if_abandoned(path, is_folder=False)


def _remove_if_abandoned(path: Path, *, is_folder: bool) -> None:
    """Remove a `Part` that nobody holds any more; `OSError` if it is held, or that is unknown."""
    import fcntl

    handle = _opened(path)
    try:
        mode = os.fstat(handle).st_mode
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder and stat.S_ISDIR(mode) and not (path / REPLACED).exists():
            shutil.rmtree(path)
        elif not is_folder and stat.S_ISREG(mode):
            path.unlink()
    finally:
        os.close(handle)


def replace_all(old: list[Path], new: list[Path], folder: Path, spare: Path) -> None:
    """Put files into a folder in place of others, all of them or none.

    Args:
        old: The files in the folder that are to go.
        new: Those that are to come.
        folder: Where.
        spare: A folder of ours on the same disk, for the old ones meanwhile.

    Raises:
        OSError: One could not be moved; all is as it was.
    """
    kept = spare / REPLACED
    kept.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for pairs in ([(a, kept / a.name) for a in old], [(a, folder / a.name) for a in new]):
            for source, target in pairs:
                if os.path.lexists(target):
                    raise FileExistsError(errno.EEXIST, "something else is there", str(target))
                source.rename(target)
                moved.append((source, target))
    except OSError:
        for source, target in reversed(moved):
            target.rename(source)
        kept.rmdir()
        raise
    shutil.rmtree(kept, ignore_errors=True)


def _opened(path: Path) -> int:
    """A handle of a file or folder itself; -1 of a folder where the system has none."""
    if os.name == "nt" and path.is_dir():
        return -1
    writable = not path.is_dir()
    return os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | _AS_IT_IS | _BINARY)


def _locked(path: Path, handle: int) -> int | None:
    """The handle once it is locked, as far as the system can; None if the file was removed.

    Between its making and its lock it looked like one whose process is dead.
    """
    if handle < 0:
        return handle
    try:
        import fcntl
    except ImportError:  # on Windows, where an open file could not be moved
        os.close(handle)
        return -1
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        if os.path.samestat(os.fstat(handle), os.lstat(path)):
            return handle
    except FileNotFoundError:
        pass
    os.close(handle)
    return None
