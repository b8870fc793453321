"""Pictures against their PNG references in tests/references/.

    def test_a_frame(snapshot):
        snapshot(pixels, text=mask)

The reference is named after the test. A picture that differs fails, and tests/failures/ then shows
the actual picture, the expected one and their difference, amplified, side by side. A missing
reference fails too. After a change that is meant to be seen: `pytest --renew-snapshots`, look at
the pictures, commit them.

Tolerance. Dots, discs and flat ground come from our own compositor, the same bits on every CPU:
one level, for a rounding that may fall either way. Text and curves are drawn by matplotlib and
FreeType: where the test says that they are, the means over all blocks of 4x4 pixels may differ by 4
levels, so that a single pixel at a letter's edge may differ by 64. That is half of what one digit
for another makes in the smallest text of a 640x360 page, so it cannot be more; a release of
FreeType that hints letters otherwise moves them by far more, and calls for new references.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

LEVELS = 1
TEXT_LEVELS = 4.0
TEXT_BLOCK = 4
AMPLIFY = 8
GAP = 8

Pixels = NDArray[np.uint8]  # (H, W, 3)


@dataclass(frozen=True)
class Snapshot:
    """Compares one test's picture with its reference."""

    reference: Path
    failure: Path
    renew: bool

    def __call__(self, actual: Pixels, *, text: NDArray[np.bool_] | None = None) -> None:
        """Fail unless the picture is like its reference.

        Args:
            actual: (H, W, 3) uint8.
            text: (H, W), where text and curves are; nowhere by default.
        """
        __tracebackhide__ = True
        self.failure.unlink(missing_ok=True)
        if self.renew:
            _save(actual, self.reference)
            return
        if not self.reference.exists():
            _save(actual, self.failure)
            pytest.fail(
                f"there is no reference {self.reference}; look at {self.failure} "
                "and make it the reference with --renew-snapshots"
            )
        expected = np.asarray(Image.open(self.reference).convert("RGB"))
        problem = difference(actual, expected, text)
        if problem:
            _save(_side_by_side(actual, expected), self.failure)
            pytest.fail(
                f"differs from {self.reference}: {problem}; look at {self.failure} "
                f"(actual, expected, difference x{AMPLIFY}), and if it is meant: --renew-snapshots"
            )


def difference(
    actual: Pixels, expected: Pixels, text: NDArray[np.bool_] | None = None
) -> str | None:
    """What is wrong with ``actual``, or None if it is like ``expected``."""
    if actual.shape != expected.shape:
        return f"the shape is {actual.shape}, expected {expected.shape}"
    apart = np.abs(actual.astype(np.int16) - expected)
    text = np.zeros(apart.shape[:2], bool) if text is None else text
    drawn = apart.max(-1, where=~text[..., None], initial=0).max()
    signed = np.where(text[..., None], actual.astype(np.float64) - expected, 0.0)
    lettered = np.abs(_block_means(signed)).max(initial=0)
    if drawn <= LEVELS and lettered <= TEXT_LEVELS:
        return None
    share = (apart.max(-1) > 0).mean()
    return (
        f"largest difference {apart.max()} levels, {share:.2%} of the pixels differ; outside text "
        f"{drawn} levels (allowed {LEVELS}), in text {lettered:.1f} levels in the mean of a block "
        f"(allowed {TEXT_LEVELS:g})"
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch."""
    parser.addoption(
        "--renew-snapshots",
        action="store_true",
        help="write each snapshot test's picture as its new reference",
    )


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Snapshot:
    """Compare a picture with the reference that is named after the test."""
    test = request.node.name.removeprefix("test_")
    name = re.sub(r"\W+", "-", f"{request.path.stem.removeprefix('test_')}-{test}").strip("-")
    folder = request.config.rootpath / "tests"
    return Snapshot(
        reference=folder / "references" / f"{name}.png",
        failure=folder / "failures" / f"{name}.png",
        renew=request.config.getoption("--renew-snapshots"),
    )


def _block_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The means over all blocks of (H, W, 3), wherever they lie."""
    padded = np.pad(values, ((TEXT_BLOCK, TEXT_BLOCK), (TEXT_BLOCK, TEXT_BLOCK), (0, 0)))
    sums = padded.cumsum(0).cumsum(1)
    k = TEXT_BLOCK
    return (sums[k:, k:] - sums[:-k, k:] - sums[k:, :-k] + sums[:-k, :-k]) / k**2


def _side_by_side(actual: Pixels, expected: Pixels) -> Pixels:
    height = max(actual.shape[0], expected.shape[0])
    width = max(actual.shape[1], expected.shape[1])
    a, e = _padded(actual, height, width), _padded(expected, height, width)
    apart = np.abs(a.astype(np.int16) - e)
    gap = np.full((height, GAP, 3), 255, np.uint8)
    amplified = np.minimum(apart * AMPLIFY, 255).astype(np.uint8)
    return np.concatenate([a, gap, e, gap, amplified], 1)


def _padded(pixels: Pixels, height: int, width: int) -> Pixels:
    below, right = height - pixels.shape[0], width - pixels.shape[1]
    return np.pad(pixels, ((0, below), (0, right), (0, 0)))


def _save(pixels: Pixels, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)
