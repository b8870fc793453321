"""A video that ffmpeg makes, all or nothing."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from ..deferral import Deferred
from ..errors import EncodeError
from ..files import expanded
from ..interruption import begin, settle
from .ffmpeg import Ffmpeg
from .place import FilePlace, FolderPlace


class Output:
    """What ffmpeg writes beside its destination.

    It is moved there when ffmpeg has ended well and the number of frames is right; otherwise
    nothing is left behind. A context manager.
    """

    def __init__(
        self, path: str | os.PathLike[str], arguments: Sequence[str], *, is_folder: bool = False
    ) -> None:
        """Start ffmpeg.

        Args:
            path: Where the video shall lie.
            arguments: Of ffmpeg, all but the output.
            is_folder: Whether it is a folder of frames.

        Raises:
            OptionError: The path cannot take a video.
            EncodeError: ffmpeg cannot be started.
        """
        self.path = expanded(path).absolute()
        self.n_written = 0  # frames that it is to have
        self._place = FolderPlace(self.path) if is_folder else FilePlace(self.path)
        self.ffmpeg = ffmpeg = Ffmpeg()
        # Wherever this is left, and however: ffmpeg is stopped, and its file removed.
        self._clean = weakref.finalize(self, _clean, ffmpeg, self._place)
        begin(self._place.part.path, partial(_clean, ffmpeg, self._place))
        try:
            # An ffmpeg that nobody knows of would make its file after it was removed.
            with Deferred():
                self._place.part.make()
                # An explicit protocol: a name with a colon is a file all the same.
                ffmpeg.start([*arguments, f"file:{self._place.target}"])
        except BaseException as error:
            self.abort()
            if isinstance(error, OSError):
                raise EncodeError(f"ffmpeg cannot be started: {error}") from None
            raise

    def n_encoded(self, said: Mapping[bytes, bytes]) -> int:
        """How many frames there are by what ffmpeg says of its progress."""
        return int(said.get(b"frame", 0))

    def final_name(self, file: Path) -> str | None:
        """Another name than the destination's, now that the file is whole; None for that."""
        return None

    def finish(self) -> None:
        """End the video and move it into place.

        Raises:
            EncodeError: ffmpeg failed, or the video is not whole.
        """
        try:
            self._finish()
        except BaseException:  # an interrupt too
            self.abort()
            raise
        self._clean.detach()
        settle(self._place.part.path)
        self.ffmpeg.close_logs()

    def _finish(self) -> None:
        encoded = self.n_encoded(self.ffmpeg.finish())
        if encoded != self.n_written:
            raise EncodeError(
                f"ffmpeg encoded {encoded} of {self.n_written} frames of {self.path.name}; "
                "nothing was kept"
            )
        part = self._place.part.path
        try:
            name = self.final_name(part)
            self.path = self.path.with_name(name) if name else self.path
            self._place.publish(name)
        except OSError as error:
            raise EncodeError(f"cannot move the video to {self.path}: {error.strerror}") from None

    def abort(self) -> None:
        """Stop ffmpeg and leave nothing behind."""
        with Deferred():
            self._clean()
            self.ffmpeg.close_logs()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abort()


def _clean(ffmpeg: Ffmpeg, place: FilePlace | FolderPlace) -> None:
    """What a video that is not finished must not leave behind."""
    ffmpeg.stop()
    place.part.remove()
    settle(place.part.path)
