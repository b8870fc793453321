"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import signal
import threading
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
    part = part_name(path)
    try:
        part.touch(0o600, exist_ok=False)
        yield part
        publish(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def part_name(path: Path, suffix: str = "") -> Path:
    """A file beside ``path`` to write first, which nobody else writes.

    Nothing is made yet: whoever makes it knows beforehand what to remove, whenever that fails.
    """
    # Not the whole name: there must be room for what makes it unique.
    return path.with_name(f".{path.name[:LONGEST_PREFIX]}.{secrets.token_hex(6)}{suffix}")


@contextmanager
def held_back() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM take effect after what is done inside, and not in its midst."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears of them
        return
    came: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda n, _: came.append(n)) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def publish(part: Path, path: Path) -> None:
    """Move a finished temporary file to its destination, with the permissions of a new file."""
    # There is no way to read the mask but to set it; and mkstemp's files are private.
    mask = os.umask(0o022)
    os.umask(mask)
    part.chmod(0o666 & ~mask)
    os.replace(part, path)
