"""What takes long to work out and is small, kept on the disk for the next time.

Whatever is kept can be worked out again: a file that is missing, damaged or of another version of
this code does no harm. ``LATENTVIZ_CACHE`` names another folder, or says ``off``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import LatentvizError, LatentvizWarning
from .files import atomic

FOLDER = "LATENTVIZ_CACHE"
OFF = "off"
WORTH_S = 0.2  # what took less is not kept
MOST_BYTES = 128 << 20  # of all; the oldest go first

Arrays = Mapping[str, NDArray[Any]]


def kept(name: str, key: object, work: Callable[[], Arrays]) -> Arrays:
    """Arrays that were kept; or else they are worked out, and kept if that took its time.

    Args:
        name: What they are, in letters.
        key: All that they depend on, but for this code, as values that JSON can hold.
        work: Works them out.
    """
    folder = cache_folder()
    if folder is None:
        return work()
    text = json.dumps([key, code_digest()], sort_keys=True)
    path = folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"
    with suppress(Exception):  # there is none, or it is damaged: whatever NumPy makes of that
        with np.load(path, allow_pickle=False) as file:
            arrays = {entry: file[entry] for entry in file.files}
        os.utime(path)  # it was of use
        return arrays
    begun = time.perf_counter()
    arrays = dict(work())
    if time.perf_counter() - begun >= WORTH_S:
        try:
            _keep(path, arrays)
        except (OSError, LatentvizError) as error:  # a full disk, or no folder of one's own
            if os.environ.get(FOLDER):
                warnings.warn(
                    f"nothing can be kept in {folder}, which {FOLDER} names: {error}",
                    LatentvizWarning,
                    stacklevel=2,
                )
    return arrays


def cache_folder() -> Path | None:
    """Where things are kept; None where they are not to be."""
    told = os.environ.get(FOLDER)
    if told:
        return None if told == OFF else Path(told).expanduser()
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        home = "~/Library/Caches"
    else:
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "latentviz"


@cache
def code_digest() -> str:
    """Tells this code from all others: a version would be the same while it is worked on."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _keep(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    entries = [(entry.stat(), entry) for entry in path.parent.glob("*.npz")]
    total = sum(about.st_size for about, _ in entries)
    for about, entry in sorted(entries, key=lambda pair: pair[0].st_mtime):
        if total <= MOST_BYTES:
            break
        total -= about.st_size
        entry.unlink(missing_ok=True)
