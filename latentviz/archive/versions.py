"""The versions of what a run is recorded with."""

from __future__ import annotations

import platform


def versions(*packages: str) -> dict[str, str]:
    """Python's version, and those of packages, as far as they are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a source tree that was not installed
            continue
    return found
