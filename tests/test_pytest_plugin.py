"""The fixture as another project uses it: tests of its own, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

import latentviz
from latentviz.comparison import GAP_PX
from latentviz.pytest_plugin import file_name

SHAPE = (20, 30, 3)
HEAD = """
import numpy as np
import pytest

def pixels(level):
    pixels = np.full((20, 30, 3), 100, np.uint8)
    pixels[:10, :, 1] = level
    return pixels
"""
PICTURE = """
def test_picture(latentviz_snapshot):
    latentviz_snapshot(pixels({level}))
"""


@pytest.fixture(scope="module", autouse=True)
def imported():
    """What pytester's runs in this process need: what they import themselves, they forget."""
    import latentviz.video.decode

    latentviz.render_frame(latentviz.Run.from_arrays(np.zeros((2, 3, 2))), size=(320, 180))
    black = np.zeros(SHAPE, np.uint8)
    latentviz.compare(black, black + np.uint8(9)).picture()


@pytest.fixture
def project(pytester):
    """Runs a file of tests in another project."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")

    def run(source, *options, folder="tests", **outcomes):
        path = pytester.path / folder / "test_it.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + source)
        # Hypothesis would be imported anew in each run, which takes a second.
        without = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        result = pytester.runpytest_inprocess(*without, *options)
        result.assert_outcomes(**(outcomes or {"passed": 1}))
        return result

    run.references = pytester.path / "tests/snapshots/test_it"
    run.failures = pytester.path / "snapshot-failures/tests/test_it"
    return run


def pictures(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def level(path):
    """The value that tells a test's picture from another's."""
    return np.asarray(Image.open(path))[0, 0, 1]


def test_a_missing_reference_fails_and_shows_the_picture(project):
    result = project(PICTURE.format(level=7), failed=1)
    result.stdout.fnmatch_lines(
        ["*there is no reference *test_picture.png; the picture is *", "*--latentviz-renew*"]
    )
    assert not project.references.exists()
    assert level(project.failures / "test_picture.png") == 7


def test_renewing_writes_the_reference_that_then_passes(project):
    reference = project.references / "test_picture.png"
    project(PICTURE.format(level=7), failed=1)
    project(PICTURE.format(level=7), "--latentviz-renew")
    assert level(reference) == 7
    assert pictures(project.failures) == []
    project(PICTURE.format(level=7))
    before = reference.stat()
    project(PICTURE.format(level=7), "--latentviz-renew")
    assert reference.stat().st_mtime_ns == before.st_mtime_ns  # the same picture is left alone
    project(PICTURE.format(level=90), failed=1)
    assert level(reference) == 7
    reference.write_text("what a merge left")
    project(PICTURE.format(level=90), "--latentviz-renew")
    project(PICTURE.format(level=90))


def test_a_difference_fails_in_words_and_as_a_picture(project):
    project(PICTURE.format(level=100), "--latentviz-renew")
    result = project(PICTURE.format(level=140), failed=1)
    result.stdout.fnmatch_lines(["*unlike *: they differ within 30x1? pixels at (0, 0): the larg*"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")  # but the line of the test
    picture = np.asarray(Image.open(project.failures / "test_picture.png"))
    assert picture.shape == (20, 3 * 30 + 2 * GAP_PX, 3)
    assert [picture[0, at, 1] for at in (0, 30 + GAP_PX)] == [140, 100]
    assert (project.failures.parents[1] / ".gitignore").read_text() == "*\n"
    project(PICTURE.format(level=100))
    assert pictures(project.failures) == []


def test_a_tolerance(project):
    source = """
def test_picture(latentviz_snapshot):
    exact = np.zeros((20, 30), bool)
    exact[:{rows}] = True
    latentviz_snapshot(pixels({level}), tolerance={tolerance})
"""
    project(source.format(level=100, tolerance=3, rows=0), "--latentviz-renew")
    project(source.format(level=140, tolerance=60, rows=0))
    strict = "np.where(exact, 0, 60)"
    project(source.format(level=140, tolerance=strict, rows=5), failed=1)
    project(source.format(level=102, tolerance="None", rows=0))
    project(source.format(level=102, tolerance=strict, rows=5), failed=1)
    project(source.format(level=102, tolerance="0", rows=0), failed=1)
    project(source.format(level=101, tolerance="0", rows=0))


NAMES = """
WHAT = ["dark", "1.5", "a/b", "a-b", "A-b", "..", "größe", "x" * 300, ""]

@pytest.mark.parametrize("what", WHAT)
def test_names(latentviz_snapshot, what):
    latentviz_snapshot(pixels(7))
    latentviz_snapshot(pixels(50), name="second")
    latentviz_snapshot(pixels(51), name=what)

class TestClass:
    def test_names(self, latentviz_snapshot):
        latentviz_snapshot(pixels(52))
"""


def test_each_snapshot_has_a_name_of_its_own(project):
    project(NAMES, "--latentviz-renew", passed=10)
    found = pictures(project.references)
    assert len({name.casefold() for name in found}) == 9 * 3 + 1
    assert all(len(part) < 130 for name in found for part in name.split("/"))
    assert {"test_names-dark.png", "test_names-dark/second.png", "test_names-1.5.png"} < set(found)
    project(NAMES, passed=10)
    project(NAMES, "-k", "1.5", passed=1, deselected=9)  # the same names, whatever is run


@pytest.mark.parametrize(
    "name", ["aux", "COM1.x", "", ".", "..", "-", "a b", "a\nb", "a\\b", "C:", "é", "a" * 101]
)
def test_what_is_no_safe_name_is_made_one(name):
    safe = file_name(name)
    assert set(safe.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert safe not in ("", ".", "..")
    assert len(safe) < 120
    assert safe != name
    assert file_name(name) == safe != file_name(name + "'")
    assert safe.lower() not in ("aux", "com1.x")


def test_two_snapshots_of_one_name_fail(project):
    source = """
def test_twice(latentviz_snapshot):
    latentviz_snapshot(pixels(1))
    latentviz_snapshot(pixels(1))
"""
    result = project(source, "--latentviz-renew", failed=1)
    result.stdout.fnmatch_lines(["*has a snapshot test_twice.png already; give this one a name="])


def test_folders_of_the_users_choice(project, pytester):
    pytester.makeini(
        "[pytest]\nlatentviz_snapshots = checks/references\n"
        "latentviz_snapshot_failures = checks/failures\n"
    )
    for n, folder in enumerate(("checks/deep", "elsewhere/deep")):
        project(PICTURE.format(level=n), "--latentviz-renew", folder, folder=folder)
        project(PICTURE.format(level=150 + n), folder, folder=folder, failed=1)
    assert pictures(pytester.path / "checks") == [
        "failures/_/elsewhere/deep/test_it/test_picture.png",
        "failures/deep/test_it/test_picture.png",
        "references/_/elsewhere/deep/test_it/test_picture.png",
        "references/deep/test_it/test_picture.png",
    ]


def test_two_tests_of_one_name_fail(project):
    """As pytest's own names of parameters, joined by a dash, may be the same."""
    source = """
@pytest.mark.parametrize("x", ["a", "b-a"])
@pytest.mark.parametrize("y", ["c", "c-b"])
def test_it(latentviz_snapshot, x, y):
    latentviz_snapshot(pixels(len(x + y)))
"""
    result = project(source, "--latentviz-renew", passed=3, failed=1)
    result.stdout.fnmatch_lines(["*test_it-c-b-a.png is the snapshot of *::test_it?c-b-a?, too; *"])


def test_no_test_s_files_lie_where_another_s_do(project):
    source = """
@pytest.mark.parametrize("what", ["x", "x.png", "x.PNG", "x?png", "x-png", "x/png"])
def test_it(latentviz_snapshot, what):
    latentviz_snapshot(pixels(len(what)))
    latentviz_snapshot(pixels(9), name="second")
"""
    project(source, "--latentviz-renew", passed=6)
    assert len({name.casefold() for name in pictures(project.references)}) == 12
    project(source, passed=6)


MIXED = """
import latentviz

def test_mix(latentviz_snapshot):
    latentviz_snapshot(pixels(7), name="step-0250")
    latentviz_snapshot(pixels(8), name="frame-0000")
    with latentviz.open_run({run!r}) as run:
        film = latentviz.Film(run, latentviz.FilmSpec(size=(320, 180), frames=6))
        latentviz_snapshot(film, name="step", frames={frames})
        latentviz_snapshot(film, frames={frames})
"""


def test_renewing_a_film_leaves_pictures_alone(project, short_run):
    for frames in (3, 2):
        project(MIXED.format(run=str(short_run), frames=frames), "--latentviz-renew")
        project(MIXED.format(run=str(short_run), frames=frames))
    assert pictures(project.references / "test_mix") == [
        "frame-0000+.png", "frame-0000.png", "frame-0001.png",
        "step-0000.png", "step-0001.png", "step-0250+.png",
    ]  # fmt: skip


EMPTY = """
def test_file(latentviz_snapshot):
    latentviz_snapshot("film.mp4")

def test_playlist(latentviz_snapshot):
    latentviz_snapshot("list.mp4")

def test_pipe(latentviz_snapshot):
    latentviz_snapshot("pipe.mp4")
"""


def test_a_film_without_a_frame_or_that_is_none_fails(project, short_run):
    latentviz.render(short_run, "whole.mp4", size=(320, 180), frames=6, preset="ultrafast")
    ffmpeg = [get_ffmpeg_exe(), "-v", "error", "-i", "whole.mp4", "-frames:v", "0", "film.mp4"]
    subprocess.run(ffmpeg, check=True)
    Path("list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nwhole.mp4\n#EXT-X-ENDLIST\n")
    os.mkfifo("pipe.mp4")
    for options in ([], ["--latentviz-renew"]):
        result = project(EMPTY, *options, failed=3)
        result.stdout.fnmatch_lines([
            "*film.mp4 cannot be read as a film: *",
            "*list.mp4 cannot be read as a film: *",
            "*cannot read pipe.mp4: it is no regular file",
        ])  # fmt: skip
    assert not project.references.exists()


FILMS = """
import latentviz

def test_file(latentviz_snapshot):
    latentviz_snapshot("{look}: a film.mp4", frames={frames})

def test_drawn(latentviz_snapshot):
    with latentviz.open_run({run!r}) as run:
        film = latentviz.Film(run, latentviz.FilmSpec(**{options}))
        latentviz_snapshot(film, name="drawn", frames={frames})
"""
LOOKS = {
    "small": {"size": (320, 180), "frames": 12},
    "other": {"size": (320, 180), "frames": 12, "dot_radius": 0.2},
}


def test_films(project, short_run):
    def films(*options, look="small", frames=5, **outcomes):
        source = FILMS.format(run=str(short_run), look=look, options=LOOKS[look], frames=frames)
        return project(source, *options, **outcomes)

    for look, options in LOOKS.items():
        latentviz.render(short_run, f"{look}: a film.mp4", **options, preset="ultrafast")
    films("--latentviz-renew", passed=2)
    names = [f"test_drawn/drawn-{i:04}.png" for i in range(5)]
    names += [f"test_file/frame-{i:04}.png" for i in range(5)]
    assert pictures(project.references) == names
    drawn, encoded = (
        [np.asarray(Image.open(project.references / name)) for name in names[k : k + 5]]
        for k in (0, 5)
    )
    # The film's very first frame, its last, and three between; and what its encoding left of them.
    for k, frame in enumerate([0, 3, 6, 8, 11]):
        pixels = latentviz.render_frame(short_run, frame=frame, **LOOKS["small"])
        assert (drawn[k] == pixels).all()
        assert np.abs(encoded[k].astype(int) - pixels).mean() < 4
    films(passed=2)
    films(look="other", failed=2).stdout.fnmatch_lines(
        ["*unlike */test_file/frame-0000.png: they differ *", "*unlike */frame-0004.png: *"]
    )
    assert pictures(project.failures) == names
    films(frames=3, failed=2).stdout.fnmatch_lines(["*expected 5 frames *frame-?.png, got 3"])
    films("--latentviz-renew", frames=3, passed=2)
    assert len(pictures(project.references)) == 6
    films(frames=3, passed=2)
    films(frames=0, failed=2).stdout.fnmatch_lines(["*frames must be 1 or more, got 0"])


PICTURES = """
import latentviz
from matplotlib.figure import Figure

def test_picture(latentviz_snapshot, tmp_path):
    picture = latentviz.plot_timeline({run!r}, size=(800, 450))
    latentviz_snapshot(picture)
    picture.save(tmp_path / "it.png")
    latentviz_snapshot(tmp_path / "it.png", name="file")
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, {text!r})
    latentviz_snapshot(figure, name="figure")

def test_no_picture(latentviz_snapshot):
    with pytest.raises(latentviz.OptionError, match="none.png cannot be read as a picture"):
        latentviz_snapshot("none.png")
    with pytest.raises(latentviz.OptionError, match="none.mp4 cannot be read as a film"):
        latentviz_snapshot("none.mp4")
"""


def test_pictures_and_figures(project, short_run):
    project(PICTURES.format(run=str(short_run), text="step 8"), "--latentviz-renew", passed=2)
    assert pictures(project.references) == [
        "test_picture.png",
        "test_picture/figure.png",
        "test_picture/file.png",
    ]
    project(PICTURES.format(run=str(short_run), text="step 8"), passed=2)
    result = project(PICTURES.format(run=str(short_run), text="step 9"), passed=1, failed=1)
    result.stdout.fnmatch_lines(["*unlike */test_picture/figure.png*"])


def test_without_scikit_image_the_fixture_says_what_to_install(pytester, tmp_path_factory):
    """Another process finds all that is installed but that."""
    packages = tmp_path_factory.mktemp("packages")
    for folder in {Path(path) for path in sys.path if path.endswith("-packages")}:
        for path in folder.iterdir():
            if path.name != "skimage":
                (packages / path.name).symlink_to(path)
    root = Path(latentviz.__file__).parents[1]
    path = pytester.makepyfile(HEAD + PICTURE.format(level=7))
    command = [sys.executable, "-S", "-m", "pytest", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (packages, root)))},
        capture_output=True,
        text=True,
    )
    assert "needs scikit-image, which is not installed; run: pip install" in done.stdout
    assert "1 error in" in done.stdout


def test_pytest_starts_without_what_takes_time(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_imports(pytestconfig):
            assert pytestconfig.pluginmanager.hasplugin("latentviz")
            heavy = {"numpy", "torch", "matplotlib", "PIL", "skimage", "numba"}
            assert "latentviz.film.film" not in sys.modules
            assert heavy & set(sys.modules) == set()
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
