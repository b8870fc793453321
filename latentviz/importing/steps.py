"""Steps, as the names of files and folders tell them."""

from __future__ import annotations

import re

# A word "step" says it; then the last whole number does, and not that of a loss, such as 0.32.
_OF_STEP = re.compile(r"step[s]?[ =_-]*(\d+)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
# Lightning writes `-v1` where a file of that name is there already.
_VERSION = re.compile(r"(?<=\d)-v\d+$")


def step_in(name: str) -> int | None:
    """The step that a name tells; None if it has no whole number.

    Args:
        name: The name of a folder, or of a file without its suffix: ``epoch=3-step=1200`` is
            1200, ``checkpoint-500`` is 500.
    """
    name = _VERSION.sub("", name)
    if found := _OF_STEP.findall(name):
        return int(found[-1])
    whole = [number for number in _NUMBER.findall(name) if number.isdecimal()]
    return int(whole[-1]) if whole else None


def in_order(name: str) -> list[tuple[int, str]]:
    """A key that sorts names as people count: ``b9`` before ``b10``."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
