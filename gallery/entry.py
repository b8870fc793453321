"""The gallery's entries: scripts that anybody can copy and run."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .errors import GalleryError

ENTRIES = Path(__file__).with_name("entries")
RUNS = "runs"
TRAINERS = ["python", "-m", "trainers"]
PICTURES = (".png", ".svg", ".pdf")  # what trainers draw; all else that they write is trained


@dataclass(frozen=True)
class SharedRun:
    """A run, or a sweep of runs, that several entries show.

    Attributes:
        path: Where it lies, below ``runs/``.
        command: The command that makes it, ``python -m trainers ...``.
    """

    path: PurePosixPath
    command: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A script, and what its docstring says.

    Attributes:
        name: The file's name, without the number that gives it its place.
        path: The script.
        title: The docstring's first line.
        text: The rest of it but for the commands, Markdown.
        commands: The docstring's indented lines, which do the same from a shell.
        code: The script without its docstring.
    """

    name: str
    path: Path
    title: str
    text: str
    commands: tuple[str, ...]
    code: str

    @property
    def shared_runs(self) -> tuple[SharedRun, ...]:
        """The runs that the script needs: its commands make them with trainers."""
        split = [shlex.split(command) for command in self.commands]
        made = [
            SharedRun(PurePosixPath(words[words.index("-o") + 1]), tuple(words))
            for words in split
            if words[: len(TRAINERS)] == TRAINERS
        ]
        return tuple(run for run in made if run.path.suffix not in PICTURES)


def read_entry(path: Path) -> Entry:
    """Read a script.

    Raises:
        GalleryError: It has no title or no text, or what its commands make lies not in ``runs/``.
    """
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source, path)
    docstring = ast.get_docstring(tree)
    title, _, rest = (docstring or "").partition("\n\n")
    paragraphs = [part for part in rest.split("\n\n") if part]
    text = [part for part in paragraphs if not part.startswith("    ")]
    commands = [part for part in paragraphs if part.startswith("    ")]
    if not title or "\n" in title or not text:
        raise GalleryError(f"{path} must begin with a docstring: a title, a blank line, and a text")
    code = source.splitlines(keepends=True)[tree.body[0].end_lineno :]
    entry = Entry(
        name=re.sub(r"^\d+_", "", path.stem).replace("_", "-"),
        path=path,
        title=title.removesuffix("."),
        text="\n\n".join(text),
        commands=tuple(inspect.cleandoc("\n".join(commands)).splitlines()),
        code="".join(code).strip() + "\n",
    )
    for run in entry.shared_runs:
        if run.path.parts[0] != RUNS or len(run.path.parts) != 2:
            raise GalleryError(f"{path}: {shlex.join(run.command)} must make a run in {RUNS}/")
    return entry


def find_entries(folder: Path = ENTRIES, only: Sequence[str] = ()) -> list[Entry]:
    """The entries in a folder, in the order of their files' names.

    Args:
        folder: Where the scripts are.
        only: Names of those wanted; all if there are none.

    Raises:
        GalleryError: An entry is not as it must be, or there is none of such a name.
    """
    entries = [read_entry(path) for path in sorted(folder.glob("*.py"))]
    names = [entry.name for entry in entries]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise GalleryError(f"no entry {unknown[0]!r}; there are {', '.join(names)}")
    return [entry for entry in entries if not only or entry.name in only]
