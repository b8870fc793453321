"""The ffmpeg binary, and how it is started, fed and stopped."""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile

from ..errors import EncodeError

STOP_TIMEOUT_S = 3.0
# Linux's limit for an unprivileged pipe; a frame then takes a few writes and not fifty.
PIPE_BYTES = 1 << 20


def ffmpeg_path() -> str:
    """The ffmpeg binary that came with imageio-ffmpeg, or the one the user chose.

    Raises:
        EncodeError: There is none.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        return str(get_ffmpeg_exe())
    except RuntimeError as error:
        raise EncodeError(f"no ffmpeg: {error}; reinstall imageio-ffmpeg") from None


class Ffmpeg:
    """An ffmpeg that reads raw frames from us."""

    def __init__(self) -> None:
        """Nothing is started yet: `stop` can be called whenever that fails."""
        # Files, not pipes: nobody need read them for ffmpeg to go on.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close_logs`
        self._progress = tempfile.TemporaryFile()  # noqa: SIM115
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, arguments: list[str]) -> None:
        """Start it.

        Args:
            arguments: Those of the input, ``-i pipe:0``, and those of the output.

        Raises:
            EncodeError: There is none.
            OSError: It cannot be started.
        """
        command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
        self.process = subprocess.Popen(
            [*command, *arguments[:-1], "-progress", "pipe:1", "-nostats", arguments[-1]],
            stdin=subprocess.PIPE,
            stdout=self._progress,
            stderr=self._words,
            bufsize=0,
            # Ctrl-C is ours to handle: ffmpeg must not see it first.
            start_new_session=True,
        )
        _widen(self.process)

    def write(self, data: memoryview) -> None:
        """Feed it.

        Raises:
            EncodeError: It has ended.
        """
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            while data:
                data = data[self.process.stdin.write(data) :]
        except OSError:  # a broken pipe: ffmpeg has gone, and says why in its own words
            raise self._failure() from None

    def finish(self) -> dict[bytes, bytes]:
        """Let it end, once all frames are written.

        Returns:
            What it said last of its progress, such as ``frame``.

        Raises:
            EncodeError: It failed.
        """
        assert self.process is not None
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # as in `write`; the exit status tells
            self.process.stdin.close()
        if self.process.wait() != 0:
            raise self._failure()
        self._progress.seek(0)
        return dict(re.findall(rb"^(\w+)=\s*(\d+)\s*$", self._progress.read(), re.MULTILINE))

    def stop(self) -> None:
        """Stop it, wherever it is."""
        process = self.process
        if process is not None:
            process.kill()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):  # its disk does not answer
                process.wait(STOP_TIMEOUT_S)

    def close_logs(self) -> None:
        """Forget what it said."""
        self._words.close()
        self._progress.close()

    def _failure(self) -> EncodeError:
        """What ffmpeg said when it failed."""
        assert self.process is not None
        status = self.process.wait()
        self._words.seek(0)
        words = self._words.read().decode("utf-8", "replace").strip()
        how = f"was killed by signal {-status}" if status < 0 else f"failed with status {status}"
        said = f": {' | '.join(words.splitlines()[-4:])}" if words else ""
        return EncodeError(f"ffmpeg {how}{said}; no video was written")


def _widen(process: subprocess.Popen[bytes]) -> None:
    """Let ffmpeg's pipe hold more, where the system can."""
    try:
        import fcntl

        assert process.stdin is not None
        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass  # slower, and that is all
