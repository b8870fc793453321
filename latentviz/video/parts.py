"""Where a film's finished segments lie until they are joined."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import EncodeError
from ..files import Part, atomic, remove_abandoned
from ..interruption import begin, settle

DIGITS = 32  # of a file's digest
NOTES = ".txt"
_ANY = re.compile(rf"[0-9a-f]+-[0-9]{{6,9}}-[0-9a-f]{{{DIGITS}}}\.(mp4|webm)")


class Parts:
    """A folder of segments, each in a file whose name has the film's key and the file's own digest.

    So what is found is a segment of this very film, and whole; all else is made anew. Several
    processes may put segments into one folder.
    """

    def __init__(self, folder: Path, key: str, suffix: str) -> None:
        """Look at nothing yet.

        Args:
            folder: Where they lie.
            key: Tells the film from all others, in letters and digits.
            suffix: Of their names.
        """
        self.folder, self.key, self.suffix = folder, key, suffix
        self._found: dict[int, Path] = {}
        self._name = re.compile(rf"{key}-([0-9]{{6,9}})-([0-9a-f]{{{DIGITS}}}){re.escape(suffix)}")

    def destination(self, index: int) -> Path:
        """Where a segment is to be written, but for its digest."""
        return self.folder / f"{self.key}-{index:06}{self.suffix}"

    def name_of(self, index: int, file: Path, notes: Sequence[str]) -> str:
        """The name of a segment that is whole; its notes are written first.

        Args:
            index: Its number.
            file: What is to be called so.
            notes: A line for each of its frames; or none.
        """
        stem = f"{self.key}-{index:06}-{digest_of(file, _text(notes))}"
        if notes:
            with atomic(self.folder / f"{stem}{NOTES}") as part:
                part.write_text(_text(notes))
        return f"{stem}{self.suffix}"

    def look(self) -> None:
        """Find what is there, and whole. What is not is removed."""
        for path in sorted(self.folder.iterdir()):
            name = self._name.fullmatch(path.name)
            if name is None:
                continue
            if digest_of(path, _text(_lines(path.with_suffix(NOTES)))) == name[2]:
                self._found[int(name[1])] = path
            else:
                path.unlink(missing_ok=True)

    @property
    def n_others(self) -> int:
        """How many segments there are of other films."""
        return sum(
            _ANY.fullmatch(path.name) is not None and not path.name.startswith(f"{self.key}-")
            for path in self.folder.iterdir()
        )

    def add(self, index: int, path: Path) -> None:
        """Say that a segment lies at a path, as its name says."""
        self._found[index] = path

    def receive(self, index: int, name: str, content: bytes, notes: Sequence[str]) -> None:
        """Put a segment here that was made elsewhere.

        Args:
            index: Its number.
            name: Its name there, which has its digest.
            content: What is in its file.
            notes: As for `name_of`.

        Raises:
            EncodeError: It came damaged; nothing is kept of it.
        """
        damaged = EncodeError(
            f"segment {index} came damaged from its worker; nothing of it is kept"
        )
        if self._name.fullmatch(name) is None:
            raise damaged
        with atomic(self.folder / name) as part:
            part.write_bytes(content)
            if self.name_of(index, part, notes) != name:
                raise damaged
        self.add(index, self.folder / name)

    def __contains__(self, index: int) -> bool:
        return index in self._found

    def __getitem__(self, index: int) -> Path:
        return self._found[index]

    def notes(self, index: int) -> list[str]:
        """A segment's notes; none, where it was made without."""
        return _lines(self._found[index].with_suffix(NOTES))

    def clear(self) -> None:
        """Remove the film's segments, and the folder if it is empty then.

        Those of other films stay, and what a process is still at work on.
        """
        remove_abandoned(self.folder)
        for path in self.folder.glob(f"{self.key}-*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody else has put something there
            self.folder.rmdir()


@contextmanager
def passing_folder(path: Path) -> Iterator[Path]:
    """A folder beside a film, which is gone in the end."""
    part = Part(path, is_folder=True)
    begin(part.path, part.remove)
    try:
        try:
            part.make()
        except OSError as error:
            raise EncodeError(f"cannot make the folder {part.path}: {error.strerror}") from None
        yield part.path
    finally:
        part.remove()
        settle(part.path)


def digest_of(file: Path, notes: str) -> str:
    """The digest of a segment with its notes."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")
    digest.update(notes.encode())
    return digest.hexdigest()[:DIGITS]


def _text(notes: Sequence[str]) -> str:
    """Notes as their file has them."""
    return "".join(f"{note}\n" for note in notes)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
