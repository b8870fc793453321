"""Words: a file's, shown as text and as nothing else; made shorter; and counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

LONGEST_NAME = 200
LONGEST_LINE = 4000  # of a message
LONGEST_CAPTION = 400


def printable(text: str, most: int = LONGEST_NAME) -> str:
    """What may be shown of a name: one line of at most ``most`` characters, none for control.

    Line ends, a terminal's escapes, marks that turn the direction of writing, and halves of
    characters become spaces.
    """
    return "".join(c if c.isprintable() else " " for c in text[:most])


def shortened(text: str, most: int) -> str:
    """A text of at most ``most`` characters, the last of which says whether more would follow."""
    return text if len(text) <= most else text[: most - 1] + "…"


def fitted(text: str, room: float, length: Callable[[str], float]) -> str:
    """A text cut off where it must be to fit, and marked so; at least one character is left.

    Args:
        text: The text.
        room: How long it may be.
        length: How long a text is.
    """
    while length(text) > room and len(text) > 1:
        text = text.removesuffix("…")[:-1] + "…"
    return text


def wrapped(text: str, room: float, length: Callable[[str], float], *, most: int) -> list[str]:
    """A text in lines that fit, broken between words where it can be; cut off after the last line.

    Args:
        text: The text.
        room: How long a line may be.
        length: How long a text is.
        most: How many lines there may be.
    """
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest:
        if len(lines) == most - 1 or length(rest) <= room:
            lines.append(fitted(rest, room, length))
            break
        end = next(n for n in range(len(rest), 0, -1) if n == 1 or length(rest[:n]) <= room)
        # A word that is longer than a line is broken where the line ends, as scripts without spaces
        # are.
        between = rest.rfind(" ", 1, end + 1)
        end = between if between > 0 else end
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return lines


def listed(names: Sequence[str], most: int) -> str:
    """The first of some names, such as ``a, b and 2 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def nearest_first(name: str, choices: Sequence[str]) -> list[str]:
    """Names that there are, those that are most like a wrong one first."""
    from difflib import SequenceMatcher

    like = SequenceMatcher(b=name[:LONGEST_NAME])

    def likeness(choice: str) -> float:
        like.set_seq1(choice[:LONGEST_NAME])
        return like.ratio()

    return sorted(choices, key=likeness, reverse=True)


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
