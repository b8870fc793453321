"""The command group: what every command has in common."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from .. import __version__
from ..errors import LatentvizError, LatentvizWarning, RecordingWarning
from ..interruption import Interrupted, orderly, remove_unfinished
from ..text import LONGEST_LINE, printable

BAD_INPUT = 2  # the exit status for what the user can put right
INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended
# True even in the moment after a file was moved into place.
INTERRUPTION = "Interrupted; nothing is left half-written."


class _Group(click.Group):
    """Turns what users can put right into one line and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LatentvizError as error:
            raise click.ClickException(str(error)) from None
        except KeyboardInterrupt as interrupt:
            _say_interrupted(interrupt)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output has gone (`latentviz info | head`): no news to it.
            sys.stderr.close()
            ctx.exit(0)
        except OSError as error:
            # A full disk, a name that is too long, a folder that has gone.
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        # What is imported stays for good; looking through it for garbage over and over would take
        # a quarter of the time to the first frame.
        gc.set_threshold(200_000)
        _prepare_streams()
        # We draw into memory alone; and matplotlib refuses to be imported under a name that it
        # does not know.
        if "MPLBACKEND" in os.environ:
            os.environ["MPLBACKEND"] = "agg"
        try:
            with orderly(resume=False):
                sys.exit(self._status(*args, **kwargs))
        finally:
            # Nor need the interpreter look for garbage among it on its way out, for a third of a
            # second.
            gc.freeze()

    def _status(self, *args: Any, **kwargs: Any) -> Any:
        try:
            # Else click would print its usage before what is wrong.
            with _warnings_in_a_line():
                return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.ClickException as error:
            message = " ".join(error.format_message().split())
            click.echo(f"Error: {printable(message, LONGEST_LINE)}", err=True)
            return BAD_INPUT
        except (click.Abort, KeyboardInterrupt) as interrupt:
            # Before the command was under way, or after.
            _say_interrupted(interrupt)
            return INTERRUPTED


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="latentviz")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Films of a neural network's latent space, at every training step."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def examples(*commands: str) -> str:
    """A command's ``epilog``: commands to copy, a line each, which click does not wrap."""
    return "\b\n" + "\n".join(["Examples:", *(f"  {command}" for command in commands)])


def _prepare_streams() -> None:
    """Have standard streams that can be written to, whatever is written.

    Where a daemon or a scheduler has closed them, the next file that is opened would take the place
    of one, and whoever writes to that would write into the file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the least number that is free
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        # A file's name need not be text, and is shown all the same.
        if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Show our own warnings as we show errors: a line, without where in the code they came up."""
    with warnings.catch_warnings():
        otherwise = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, LatentvizWarning | RecordingWarning):
                click.echo(f"Warning: {printable(str(message), LONGEST_LINE)}", err=True)
            else:
                otherwise(message, category, *where, **more)

        warnings.showwarning = show
        yield


def _say_interrupted(interrupt: BaseException) -> None:
    """Say what is left, which is nothing as a rule."""
    left = remove_unfinished()
    names = ", ".join(printable(str(path)) for path in left)
    said = (
        f"Interrupted; {printable(interrupt.kept, LONGEST_LINE)}."
        if isinstance(interrupt, Interrupted)
        else INTERRUPTION
    )
    # The terminal may have been closed.
    with suppress(OSError, ValueError):
        click.echo(f"Interrupted; {names} could not be removed." if left else said, err=True)
