"""Finds checkpoints: files, folders, patterns of names; and their steps."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path

from ..archive.format import MAX_STEP
from ..archive.values import checked_step
from ..errors import ArchiveError, OptionError
from ..text import counted, listed, printable
from .steps import in_order, step_in

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
# In a folder as Hugging Face saves one; the first that is there counts.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
MOST_NAMED = 5


@dataclass(frozen=True)
class Checkpoint:
    """A model's state at a step."""

    path: Path
    """The file, or the folder that holds it."""
    step: int

    @property
    def weights(self) -> Path:
        """The file of the tensors, or of the list of those files.

        Raises:
            ArchiveError: The folder no longer has one.
        """
        found = weights_in(self.path) if self.path.is_dir() else self.path
        if found is None:
            raise ArchiveError(f"{self.path} has none of {', '.join(WEIGHTS)} any more")
        return found


@dataclass(frozen=True)
class Found:
    """The checkpoints, and what is none."""

    checkpoints: Sequence[Checkpoint]
    """By step."""
    left_out: Sequence[Path]
    """Files of a folder whose names tell no step."""


def find_checkpoints(
    sources: Sequence[str | PathLike[str]], *, steps: Sequence[int] | None = None, every: int = 1
) -> Found:
    """Find the checkpoints that are meant.

    Args:
        sources: Files; folders of them, or of folders ``checkpoint-500``; such a folder itself;
            or patterns of their names.
        steps: Their steps, in the order of the sources, those of a folder or a pattern as people
            count; by default as their names tell.
        every: Take every so many-th, by step, from the first on.

    Raises:
        ArchiveError: There is no such file or folder, or nothing in it.
        OptionError: Steps are not told, are not as many, or come twice; or a file is no checkpoint.
    """
    named: list[Path] = []
    from_folders: set[Path] = set()
    for source in sources:
        paths, is_folder = _expanded(source)
        named += paths
        if is_folder:
            from_folders.update(paths)
    if steps is None:
        numbers = _steps_of(named)
    elif len(steps) == len(named):
        numbers = [checked_step(step) for step in steps]
    else:
        raise OptionError(
            f"steps must be as many as the checkpoints, {len(named)}, got {len(steps)}; the "
            f"checkpoints are {listed([str(path) for path in named], MOST_NAMED)}"
        )
    left_out = [p for p, n in zip(named, numbers, strict=True) if n is None and p in from_folders]
    found = []
    for path, number in zip(named, numbers, strict=True):
        if number is None:
            if path in from_folders and len(left_out) < len(named):
                continue
            raise OptionError(f"the name of {path} tells no step; give each its own with steps")
        if number > MAX_STEP:
            raise OptionError(f"the name of {path} tells a step above {MAX_STEP}; give steps")
        found.append(Checkpoint(path, number))
    found.sort(key=lambda checkpoint: checkpoint.step)
    for one, other in pairwise(found):
        if one.step == other.step:
            raise OptionError(
                f"{one.path} and {other.path} are both of step {one.step}; leave one out, or give "
                "each its step with steps"
            )
    return Found(found[::every], left_out)


def weights_in(folder: Path) -> Path | None:
    """The file of the tensors in a folder as Hugging Face saves one; None if it is no such."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def _expanded(source: str | PathLike[str]) -> tuple[list[Path], bool]:
    """The checkpoints that a source names, in order; and whether it is a folder of them."""
    path = Path(os.path.expanduser(source))
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return [_checked(path)], False
    if glob.has_magic(str(path)):
        matches = [Path(name) for name in glob.glob(str(path), recursive=True)]
        if not matches:
            raise ArchiveError(f"no file matches {printable(str(path))}")
        matches.sort(key=lambda match: in_order(str(match)))
        return [one for match in matches for one in _expanded(match)[0]], False
    raise ArchiveError(
        f"{printable(str(path))} does not exist; name a checkpoint, a folder of them, or a pattern "
        "such as 'runs/*.pt'"
    )


def _in_folder(folder: Path) -> tuple[list[Path], bool]:
    entries = sorted(folder.iterdir(), key=lambda entry: in_order(entry.name))
    # First of all these: the folder that holds them has the last one's weights once more.
    if folders := [entry for entry in entries if entry.is_dir() and weights_in(entry)]:
        return folders, True
    if weights_in(folder):
        return [folder], False
    if files := [entry for entry in entries if entry.is_file() and entry.suffix in SUFFIXES]:
        return files, True
    raise ArchiveError(
        f"{folder} has no checkpoints: no file {', '.join(SUFFIXES)}, and no folder with "
        f"{WEIGHTS[0]} or {WEIGHTS[2]}"
    )


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise ArchiveError(f"cannot read {path}: it is no regular file")
    if path.suffix not in SUFFIXES:
        raise OptionError(
            f"{path} is no checkpoint by its name, which must end in {', '.join(SUFFIXES)}; or "
            "name one .npy or .npz file of latents"
        )
    return path


def _steps_of(paths: Sequence[Path]) -> list[int | None]:
    """The steps that names tell: the files', or, where all files are called alike, the folders'."""
    names = [path.stem if path.suffix in SUFFIXES else path.name for path in paths]
    if len(set(names)) == 1 and len(set(paths)) > 1:
        names = [path.parent.name for path in paths]
    return [step_in(name) for name in names]


def others_named(paths: Sequence[Path]) -> str:
    """A line that says what of a folder was left out."""
    names = listed([path.name for path in paths], MOST_NAMED)
    return f"{counted(len(paths), 'file')} left out, as the name tells no step: {names}"
