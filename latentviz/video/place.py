"""Where a film goes: a file, or a folder of frames, whole or not at all."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..deferral import Deferred
from ..errors import OptionError
from ..files import Part, check_folder, expanded, replace_all
from .formats import codec_for

FRAME_NAME = re.compile(r"[^%]*%0[1-9]d[^%]*\.(?i:png)")


def check_video_path(path: Path, *, overwrite: bool = False) -> None:
    """Find out before any frame is drawn that a video cannot go to ``path``.

    Args:
        path: Where the video shall lie.
        overwrite: Whether frames of an earlier film may be replaced, as a video always is.

    Raises:
        OptionError: Its extension is unknown, or its folder is missing, or holds such frames.
    """
    path = expanded(path)
    codec = codec_for(path)
    folder = path.parent
    if not codec.is_folder:
        check_folder(path)
        return
    if not FRAME_NAME.fullmatch(path.name):
        raise OptionError(
            f"frames' names must have one number such as %05d, and end in .png; got {path.name!r}"
        )
    if folder.is_dir():
        check_folder(path)
        earlier = _numbered(path)
        if not overwrite and earlier:
            raise OptionError(
                f"{folder} holds frames of an earlier film, {len(earlier)} of them; replace them "
                "with overwrite=True (or --overwrite), or name another folder"
            )
        for odd in earlier:
            if not odd.is_file():
                raise OptionError(
                    f"{odd} is not a file, and stands in the place of a frame; move it away"
                )
    elif folder.exists():
        raise OptionError(f"{folder} is a file; name a folder for the frames")
    else:
        check_folder(folder)  # where it is to be made


class FilePlace:
    """A video that is written beside its destination."""

    def __init__(self, path: Path) -> None:
        self.part = Part(path, suffix=path.suffix.lower())
        self.target = str(self.part.path)

    def publish(self, name: str | None = None) -> None:
        """Move it there, or to another name beside it.

        Raises:
            OSError: It cannot be moved.
        """
        self.part.publish(name)


class FolderPlace:
    """Frames that are written to a folder of their own, which becomes theirs or is emptied into it.

    It lies beside a destination that is not there yet, and within one that is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_new = not path.parent.exists()
        self.part = Part(path.parent if self.is_new else path, is_folder=True)
        # To ffmpeg the whole path is a pattern.
        self.target = str(self.part.path).replace("%", "%%") + os.sep + path.name

    def publish(self, name: str | None = None) -> None:
        """Put the frames there, in place of those that were; their pattern has no other name.

        Raises:
            OSError: One cannot be moved; all is as it was.
        """
        folder, ours = self.path.parent, self.part.path
        with Deferred():  # else the frames might be of two films
            if self.is_new:
                ours.rename(folder)
            else:
                replace_all(_numbered(self.path), list(ours.iterdir()), folder, ours)
            self.part.remove()


def _numbered(path: Path) -> list[Path]:
    """What a pattern such as ``frames/%05d.png`` may have written, in any order: no 7.png."""
    before, digits, after = re.split(r"%0(\d)d", path.name)
    number = rf"([0-9]{{{digits}}}|[1-9][0-9]{{{digits},}})"
    name = re.compile(re.escape(before) + number + re.escape(after))
    return [file for file in path.parent.iterdir() if name.fullmatch(file.name)]
