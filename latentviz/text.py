"""Words: a file's, shown as text and as nothing else; and counts."""

from __future__ import annotations

LONGEST_NAME = 200
LONGEST_LINE = 4000  # of a message


def printable(text: str, most: int = LONGEST_NAME) -> str:
    """What may be shown of a name: one line of at most ``most`` characters, none for control.

    Line ends, a terminal's escapes, marks that turn the direction of writing, and halves of
    characters become spaces.
    """
    return "".join(c if c.isprintable() else " " for c in text[:most])


def counted(n: int, what: str) -> str:
    """How many there are of something, in words."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def bytes_in_words(n: float) -> str:
    """A number of bytes to three digits, such as ``1.39 GB``; a kB is 1,000 bytes."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 999.5:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} TB" if n < 999.5 else f"{n:,.0f} TB"
