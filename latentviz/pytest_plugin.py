"""Snapshot tests for pytest: pictures and films against references that are kept with the tests.

    def test_errors(latentviz_snapshot):
        latentviz_snapshot(latentviz.plot_errors("run.npz"))

    def test_film(latentviz_snapshot):
        latentviz.render("run.npz", "film.mp4", size=(640, 360))
        latentviz_snapshot("film.mp4", frames=5)

A picture that differs from its reference fails the test, and a new picture shows both and their
difference. A picture without a reference fails, too. `pytest --latentviz-renew` makes references of
the pictures as they are now: look at them, and commit them.

The rounding of another machine passes. ``tolerance=0`` asks for the same bits: a run that is
evaluated from its states gives them on one kind of CPU alone, and a run recorded with
``latents=True`` on all.

Each test has references of its own: `snapshots/test_it/test_errors.png` beside `test_it.py`, and
`test_errors/NAME.png` where the test gives a name; a film's frames are `test_film/frame-0000.png`
and so on, or `test_film/NAME-0000.png`. Tests may run in parallel (pytest-xdist).

pytest loads this module wherever latentviz is installed: it imports nothing that takes time.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from .comparison import Pixels
    from .figures.picture import Picture
    from .film.film import Film

RENEW = "--latentviz-renew"
REFERENCES = "latentviz_snapshots"
FAILURES = "latentviz_snapshot_failures"
LONGEST_NAME = 100
TAKEN = pytest.StashKey[dict[Path, pytest.Item | None]]()
FRAME = re.compile(r"-\d{4,}$")  # how a frame's name ends
# Names that Windows keeps for devices, whatever their suffix.
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch, and where files go."""
    parser.getgroup("latentviz").addoption(
        RENEW,
        action="store_true",
        help="make new references of the pictures that latentviz_snapshot is given",
    )
    parser.addini(
        REFERENCES,
        "folder of latentviz_snapshot's references, from the root folder; by default one named "
        "snapshots beside each file of tests",
        default="",
    )
    parser.addini(
        FAILURES,
        "folder, which git ignores, for pictures of failures, from the root folder",
        default="snapshot-failures",
    )


@dataclass(frozen=True)
class Snapshot:
    """Compares what a test draws with its references. The fixture `latentviz_snapshot`."""

    references: Path
    """Where the test's references are, without a suffix."""
    failures: Path
    """Where pictures of failures go, likewise."""
    failures_root: Path = field(repr=False)
    """The folder of all such pictures."""
    renew: bool
    """Whether to make references of what is drawn."""
    test: pytest.Item | None = field(default=None, repr=False)
    """The test that they belong to."""
    taken: dict[Path, pytest.Item | None] = field(default_factory=dict, repr=False)
    """The references that were compared with so far, by any test, and by which."""
    own: set[Path] = field(default_factory=set, repr=False)
    """Those that this test has compared with."""

    def __call__(
        self,
        drawn: Picture | Figure | Film | Pixels | str | os.PathLike[str],
        *,
        name: str | None = None,
        tolerance: float | NDArray[Any] | None = None,
        frames: int = 5,
    ) -> None:
        """Fail unless what was drawn looks like its references.

        Args:
            drawn: A picture: (H, W, 3) uint8 pixels, a `Picture`, a matplotlib figure, or the path
                of a file. Or a film: a `Film`, whose frames are drawn, or the path of a video,
                whose frames depend on what encoded them, too.
            name: A name that tells it from the test's other snapshots.
            tolerance: The largest difference that a pixel may have, in ΔE, or one for each pixel,
                (H, W); 3 by default. `latentviz.compare` says what it means. At 0 a run that is
                evaluated from its states passes on one kind of CPU alone.
            frames: How many frames of a film to compare, evenly spaced from its first to its last.

        Raises:
            LatentvizError: A file cannot be read, or an option is out of range.
        """
        __tracebackhide__ = True
        from .comparison import pixels_of

        sampled = _sampled(drawn, frames)
        if sampled is None:
            place = "" if name is None else _picture_name(name)
            problems = [self._problem(pixels_of(drawn), place, tolerance)]
        else:
            if not sampled:
                pytest.fail("the film has no frame to compare")
            stem = "frame" if name is None else file_name(name)
            places = [f"{stem}-{i:04}" for i in range(len(sampled))]
            problems = [
                self._problem(pixels, place, tolerance)
                for pixels, place in zip(sampled, places, strict=True)
            ]
            problems.append(self._surplus(stem, places))
        found = [problem for problem in problems if problem is not None]
        if found:
            pytest.fail("\n".join([*found, f"If that is meant: pytest {RENEW}"]))

    def _problem(
        self, actual: Pixels, place: str, tolerance: float | NDArray[Any] | None
    ) -> str | None:
        """The fault of a picture, or None."""
        __tracebackhide__ = True
        from .comparison import TOLERANCE, compare

        reference, failure = _png(self.references / place), _png(self.failures / place)
        if reference in self.own:
            pytest.fail(f"this test has a snapshot {reference.name} already; give this one a name=")
        other = self.taken.setdefault(reference, self.test)
        if other is not self.test:
            whose = "another test" if other is None else other.nodeid
            pytest.fail(f"{reference} is the snapshot of {whose}, too; give this one a name=")
        self.own.add(reference)
        failure.unlink(missing_ok=True)
        if self.renew:
            _renew(reference, actual)
            return None
        if not reference.exists():
            self._show(failure, actual)
            return f"there is no reference {reference}; the picture is {failure}"
        tolerance = TOLERANCE if tolerance is None else tolerance
        result = compare(actual, reference, tolerance=tolerance)
        if result.alike:
            return None
        self._show(failure, result.picture())
        return f"unlike {reference}: {result}; see {failure} (actual, expected, difference)"

    def _surplus(self, stem: str, places: list[str]) -> str | None:
        """The fault if there are references of more frames than the film has, or None."""
        name = re.compile(rf"{re.escape(stem)}-\d{{4,}}\.png")
        wanted = {f"{place}.png" for place in places}
        surplus = [
            path
            for path in self.references.glob(f"{stem}-*.png")
            if name.fullmatch(path.name) and path.name not in wanted
        ]
        if self.renew:
            for path in surplus:
                path.unlink()
        elif surplus:
            expected = len(places) + len(surplus)
            return f"expected {expected} frames {self.references / stem}-*.png, got {len(places)}"
        return None

    def _show(self, path: Path, pixels: Pixels) -> None:
        _save(path, pixels)
        (self.failures_root / ".gitignore").write_text("*\n")


@pytest.fixture
def latentviz_snapshot(request: pytest.FixtureRequest) -> Snapshot:
    """Compare a picture or a film with the test's references."""
    from .comparison import check_installed
    from .errors import LatentvizError

    try:
        check_installed()
    except LatentvizError as error:
        pytest.fail(str(error), pytrace=False)
    config, module = request.config, request.path
    chosen = config.getini(REFERENCES)
    references = config.rootpath / chosen if chosen else module.parent / "snapshots"
    failures = config.rootpath / config.getini(FAILURES)
    test = file_name(".".join(_names(request.node)))
    return Snapshot(
        references=_mirrored(references, module) / test,
        failures=_mirrored(failures, module) / test,
        failures_root=failures,
        renew=config.getoption(RENEW),
        test=request.node,
        taken=config.stash.setdefault(TAKEN, {}),
    )


def _sampled(drawn: object, count: int) -> list[Pixels] | None:
    """A film's frames that are compared; None of what is no film."""
    from .errors import OptionError
    from .film.film import Film
    from .raster.page import interleaved
    from .video.decode import FILMS, sampled_frames, spread

    if count < 1:
        raise OptionError(f"frames must be 1 or more, got {count}")
    if isinstance(drawn, Film):
        return [interleaved(drawn.draw(frame)) for frame in spread(len(drawn), count)]
    if isinstance(drawn, str | os.PathLike) and Path(drawn).suffix.lower() in FILMS:
        return sampled_frames(Path(drawn), count)
    return None


def _names(node: pytest.Item) -> list[str]:
    """A test's name, after those of the classes that it is in."""
    holders = pytest.Session, pytest.Directory, pytest.File
    return [part.name for part in node.listchain() if not isinstance(part, holders)]


def file_name(name: str) -> str:
    """A file's name, on any system, that no other name has, not even where case is ignored."""
    plain = re.sub(r"\[(.*)\]$", r"-\1", name, flags=re.DOTALL)
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", plain)[:LONGEST_NAME].strip("-.")
    # A folder x.png would be where x has its picture.
    is_taken = DEVICE.fullmatch(safe) or safe.endswith(".png")
    if safe and safe == plain == plain.lower() and not is_taken:
        return safe
    return f"{safe}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _picture_name(name: str) -> str:
    """`file_name`, and not one of a film's frames, which go when the film has fewer."""
    place = file_name(name)
    # No name has a plus.
    return f"{place}+" if FRAME.search(place) else place


def _mirrored(folder: Path, module: Path) -> Path:
    """The folder in ``folder`` for a file of tests, as that lies from where ``folder`` is."""
    way = Path(os.path.relpath(module.with_suffix(""), folder.parent))
    return folder.joinpath(*("_" if part == ".." else part for part in way.parts))


def _png(path: Path) -> Path:
    return path.with_name(f"{path.name}.png")


def _renew(reference: Path, pixels: Pixels) -> None:
    """Write a reference, unless it has these very pixels."""
    import numpy as np

    from .comparison import pixels_of
    from .errors import OptionError

    with suppress(OptionError):
        if np.array_equal(pixels_of(reference), pixels):
            return
    _save(reference, pixels)


def _save(path: Path, pixels: Pixels) -> None:
    from PIL import Image

    from .files import atomic

    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as part:
        Image.fromarray(pixels).save(part, "PNG", optimize=True)
