"""Reads what goes with points from files: the probe, classes, colors, names."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArchiveError, OptionError
from ..text import printable
from .reading import torch_file

TORCH = (".pt", ".pth")
UNNAMED = "arr_0"  # what np.savez calls an array that was given no name
MAX_TEXT_BYTES = 256 << 20


def probe_from(value: Any) -> Any:
    """A probe: an array or a tensor, or several by name.

    Args:
        value: A probe as it is; or a path: ``.npy``; ``.npz`` of several inputs by name; or
            ``.pt``, a tensor, or a dictionary of some.

    Raises:
        ArchiveError: The file is missing or damaged, or would run code.
        OptionError: It is of another kind.
    """
    if not isinstance(value, str | PathLike):
        return value
    path = Path(os.path.expanduser(value))
    if path.suffix in TORCH:
        import torch

        found = torch_file(path)
        parts = list(found.values()) if isinstance(found, Mapping) else [found]
        if not parts or not all(isinstance(part, torch.Tensor) for part in parts):
            raise OptionError(f"{path} must hold a tensor, or tensors by name, to be a probe")
        return found
    if path.suffix == ".npy":
        return npy(path)
    if path.suffix == ".npz":
        arrays = npz(path)
        return arrays[UNNAMED] if list(arrays) == [UNNAMED] else arrays
    raise OptionError(f"a probe's file must end in .npy, .npz or .pt, got {path}")


def labels_from(value: Any) -> Any:
    """Classes or colors, one for each point.

    Args:
        value: Such as are there already; or a path: ``.npy``, or a text file of a line each: a
            number, a name, or three numbers.

    Returns:
        (N,) integers, floats or names, or (N, 3) floats.

    Raises:
        ArchiveError: The file is missing or damaged, or would run code.
    """
    if not isinstance(value, str | PathLike):
        return value
    path = Path(os.path.expanduser(value))
    if path.suffix == ".npy":
        return npy(path)
    lines = [line.strip() for line in lines_of(path)]
    for kind in (int, float):
        try:
            return np.array([kind(line) for line in lines])
        except (ValueError, OverflowError):
            continue
    rows = [line.replace(",", " ").split() for line in lines]
    if all(len(row) == 3 for row in rows):
        try:
            return np.array([[float(part) for part in row] for row in rows])
        except ValueError:
            pass
    return lines


def names_from(value: Any) -> Any:
    """Names of points, one for each.

    Args:
        value: Such as are there already; or the path of a text file of a line each, or a ``.npy``.

    Raises:
        ArchiveError: The file is missing or damaged, or would run code.
    """
    if not isinstance(value, str | PathLike):
        return value
    path = Path(os.path.expanduser(value))
    if path.suffix == ".npy":
        return [str(name) for name in npy(path)]
    return lines_of(path)


def lines_of(path: Path) -> list[str]:
    """The lines of a text file.

    Raises:
        ArchiveError: It is missing, or no text.
    """
    check_regular(path)
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise ArchiveError(f"{path} is larger than a list of points is")
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ArchiveError(f"{path} is no text in UTF-8; a list of numbers may be .npy") from None
    except OSError as error:
        raise ArchiveError(f"cannot read {path}: {error.strerror}") from None


def npy(path: Path, *, mapped: bool = False) -> NDArray[Any]:
    """An array from a file, in memory or mapped.

    Raises:
        ArchiveError: The file is missing or damaged, or holds pickles.
    """
    check_regular(path)
    try:
        found = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except Exception as error:  # NumPy's own, by the kind of damage
        raise unreadable(path, error) from None
    if not isinstance(found, np.ndarray):
        found.close()
        raise ArchiveError(f"{path} is a .npz by its contents; name it so")
    return found


def npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file, by name.

    Raises:
        ArchiveError: The file is missing or damaged, or holds pickles.
    """
    check_regular(path)
    try:
        # Opened here: NumPy leaves open what it does not understand.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # NumPy's own, and zipfile's
        raise unreadable(path, error) from None


def check_regular(path: Path) -> None:
    """Refuse a folder, or a pipe, which could keep us waiting for ever.

    Raises:
        ArchiveError: It is one.
    """
    if path.exists() and not path.is_file():
        raise ArchiveError(f"cannot read {path}: it is no regular file")


def unreadable(path: Path, error: Exception) -> ArchiveError:
    """The error of a file that NumPy does not read."""
    if isinstance(error, FileNotFoundError):
        return ArchiveError(f"{path} does not exist")
    if isinstance(error, OSError) and error.strerror:
        return ArchiveError(f"cannot read {path}: {error.strerror}")
    if isinstance(error, ValueError) and ("bject" in str(error) or "pickle" in str(error)):
        return ArchiveError(
            f"{path} is not loaded: it holds Python objects, or is no NumPy file; objects are "
            "pickles, which can run code. Save plain arrays, texts as np.array(texts, dtype=str)"
        )
    what = "a .npz file" if isinstance(error, zipfile.BadZipFile) else "a NumPy file"
    return ArchiveError(
        f"{path} is cut short or damaged, or no {what[2:]}: {printable(str(error))}"
    )
