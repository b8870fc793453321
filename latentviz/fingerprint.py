"""What a film's bytes depend on, besides the run and its options: this code, and what it uses."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from .archive.versions import versions
from .cache import code_digest
from .video.ffmpeg import ffmpeg_path

# Those that have a part in a pixel. Torch evaluates latents, where they are not recorded.
PACKAGES = ("numpy", "matplotlib", "numba", "pillow", "torch")
SHOWN = 12  # digits of a digest


@cache
def fingerprint() -> dict[str, str]:
    """By name, the version of each, or a digest where a version does not say enough."""
    installed = versions(*PACKAGES)
    return {
        "latentviz": code_digest(),
        "ffmpeg": _digest_of(Path(ffmpeg_path())),
        **{name: installed.get(name, "none") for name in PACKAGES},
    }


def differences(theirs: dict[str, str]) -> str:
    """What is not the same here as there, in words; empty if all is."""
    ours = fingerprint()
    return ", ".join(
        f"{name} {ours[name]} and not {theirs.get(name, 'none')}"
        for name in ours
        if ours[name] != theirs.get(name)
    )


def _digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:SHOWN]
