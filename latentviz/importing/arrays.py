"""Latents that lie in a NumPy file, made a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archive.schema import CURVES, HEADER, MANIFEST
from ..errors import ArchiveError, OptionError
from ..runs.run import Run
from .tables import npy, npz

LATENTS = "latents"
ABOUT = ("steps", "colors", "classes", "class_names", "names")
BLOCK_BYTES = 64 << 20


def is_arrays(path: Path) -> bool:
    """Whether a file is one of arrays, by its name."""
    return path.suffix in (".npy", ".npz")


def import_arrays(
    path: Path,
    output: Path,
    *,
    steps: Sequence[int] | None = None,
    every: int = 1,
    overwrite: bool = False,
    **about: Any,
) -> NDArray[np.int64]:
    """Make an archive of the latents in a file; gives its steps, (T,).

    Args:
        path: ``.npy``, (T, N, D), of which a block is in memory at a time; or ``.npz`` with
            ``latents``, and perhaps ``steps``, ``colors``, ``classes``, ``class_names``, ``names``
            of the points, and curves ``params/NAME``, ``losses/NAME``, ``metrics/NAME``.
        output: Where the archive shall lie.
        steps: The steps, in place of the file's.
        every: Take every so many-th.
        overwrite: Replace an archive that exists.
        about: What goes with the points (`Run.from_arrays`), in place of the file's.

    Raises:
        ArchiveError: The file is missing or damaged, or holds pickles; or the archive cannot be
            written.
        OptionError: The arrays do not fit each other, or some are not known.
    """
    arrays = {LATENTS: npy(path, mapped=True)} if path.suffix == ".npy" else npz(path)
    given = _arguments(path, arrays)
    if steps is not None:
        given["steps"] = list(steps)
    given |= {name: value for name, value in about.items() if value is not None}
    latents = _checked(path, given.pop(LATENTS))
    if every > 1:
        latents = latents[::every]
        if "steps" in given:
            given["steps"] = given["steps"][::every]
        else:
            given["steps"] = np.arange(len(latents)) * every
        for group in CURVES:
            if group in given:
                given[group] = {name: curve[::every] for name, curve in given[group].items()}
    with _as_float32(latents, output.absolute().parent) as floats:
        run: Any = Run.from_arrays(floats, name=output.stem, **given)
        run.save(output, overwrite=overwrite)
        found: NDArray[np.int64] = run.steps
    return found


def _arguments(path: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The arguments of `Run.from_arrays` that a file gives.

    Raises:
        OptionError: It has no latents, or an array that is none of them.
    """
    if {HEADER, MANIFEST} <= arrays.keys():
        raise OptionError(f"{path} is a run already; draw it as it is")
    if LATENTS not in arrays:
        names = ", ".join(sorted(arrays)) or "none"
        raise OptionError(f"{path} must hold an array {LATENTS!r}, (T, N, D); its arrays: {names}")
    given: dict[str, Any] = {}
    for name, array in arrays.items():
        group, _, curve = name.partition("/")
        if group in CURVES and curve:
            given.setdefault(group, {})[curve] = array
        elif name in ("class_names", "names"):
            key = "point_names" if name == "names" else name
            given[key] = [str(text) for text in array.ravel()]
        elif name == LATENTS or name in ABOUT:
            given[name] = array
        else:
            raise OptionError(
                f"{path} holds an array {name!r}, which is not known; known are {LATENTS}, "
                f"{', '.join(ABOUT)}, and curves {', '.join(f'{g}/NAME' for g in CURVES)}"
            )
    return given


def _checked(path: Path, latents: NDArray[Any]) -> NDArray[Any]:
    if latents.dtype.kind not in "biuf":
        raise OptionError(f"{path}: latents must be numbers, got {latents.dtype}")
    if latents.ndim != 3 or 0 in latents.shape:
        hint = "; add a time axis with latents[None]" if latents.ndim == 2 else ""
        raise OptionError(f"{path}: latents must be (T, N, D), got {latents.shape}{hint}")
    return latents


@contextmanager
def _as_float32(latents: NDArray[Any], folder: Path) -> Iterator[NDArray[Any]]:
    """The same as float32: mapped from a file without a name where they do not lie so already."""
    if latents.dtype == np.float32 or not isinstance(latents, np.memmap):
        yield latents
        return
    try:
        # Beside the archive: where other temporary files go, memory may be all there is.
        with tempfile.TemporaryFile(dir=folder) as file:
            floats = np.memmap(file, np.float32, "w+", shape=latents.shape)
            rows = max(1, BLOCK_BYTES // max(1, latents[0].nbytes))
            with np.errstate(over="ignore"):  # not finite then, and said so later
                for start in range(0, len(latents), rows):
                    floats[start : start + rows] = latents[start : start + rows]
            yield floats
    except OSError as error:
        raise ArchiveError(f"cannot write to {folder}: {error.strerror}") from None
