"""What Ctrl-C and SIGTERM do to a command: a line, and an exit status."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from .interrupted import Interrupted


@contextmanager
def ended_at_once_when_interrupted(left: str) -> Iterator[None]:
    """End the process at once on Ctrl-C and SIGTERM, while there is nothing to put into order.

    For imports: libraries turn what interrupts them into errors of their own.

    Args:
        left: What is left.
    """

    def end(signum: int, frame: object) -> None:
        os.write(2, f"Interrupted: {left}\n".encode())
        os._exit(128 + signum)

    heard = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def one_line_when_interrupted(otherwise: Callable[[], str]) -> Iterator[None]:
    """Turn Ctrl-C, and SIGTERM alike, into a line that says what is left, and an exit status.

    Args:
        otherwise: What is left if the interruption does not know.
    """
    number = signal.SIGINT

    def terminate(signum: int, frame: object) -> None:
        nonlocal number
        number = signal.SIGTERM
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt as interrupt:
        kept = interrupt.kept if isinstance(interrupt, Interrupted) else otherwise()
        click.echo(f"Interrupted: {kept}", err=True)
        # Python ends by SIGINT, whatever its status, if that came while it ran a string as code,
        # as it does where libraries are imported; unless it has run another one since.
        exec("")
        # As shells have it.
        raise click.exceptions.Exit(128 + number) from interrupt
    finally:
        signal.signal(signal.SIGTERM, before)
