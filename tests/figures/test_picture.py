import contextlib
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from latentviz import (
    ArchiveError,
    OptionError,
    Picture,
    open_run,
    plot_history,
    plot_slices,
    plot_timeline,
)
from latentviz.figures.axes import new_sheet
from latentviz.raster.chrome import plain_style
from latentviz.theme import rgb_bytes, theme_named

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (90, 160, 3), np.uint8)
ALT = "A disc, größer than the page."


@pytest.fixture
def raster():
    return Picture("A disc", ALT, {"radius": 1.5}, PIXELS)


@pytest.fixture
def vector():
    with plain_style():
        sheet = new_sheet((320, 200), theme_named("dark"), default=(640, 400))
        sheet.axes(20, 30, 200, 100).plot([0, 1], [0, 1])
        sheet.text(20, 20, "$x^2$ & <b>")
    return Picture("A line", ALT, {}, sheet.figure)


def test_a_png_carries_its_words(raster, tmp_path):
    raster.save(tmp_path / "disc.PNG")
    with Image.open(tmp_path / "disc.PNG") as image:
        np.testing.assert_array_equal(np.asarray(image), PIXELS)
        assert image.text == {"Title": "A disc", "Description": ALT}
    assert [p.name for p in tmp_path.iterdir()] == ["disc.PNG"]
    with Image.open(io.BytesIO(raster.png())) as image:
        assert image.size == (160, 90)


def test_vector_formats_carry_their_words_and_no_date(vector, tmp_path):
    for suffix, words in ((".svg", ALT.encode()), (".pdf", b"A line")):
        first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        vector.save(first)
        vector.save(second)
        assert words in first.read_bytes()
        assert first.read_bytes() == second.read_bytes()
    assert b"<dc:date>" not in (tmp_path / "a.svg").read_bytes()


def test_the_users_style_changes_nothing(vector):
    import matplotlib as mpl

    before = vector.pixels
    with mpl.rc_context({"font.size": 30, "text.color": "red", "savefig.facecolor": "red"}):
        np.testing.assert_array_equal(vector.pixels, before)
    assert before.shape == (200, 320, 3)


def test_sheets_measure_from_the_top_left(vector):
    # The background at the corner; the line's own color at the middle of its axes.
    background = rgb_bytes(theme_named("dark").background)
    assert vector.pixels[0, 0].tolist() == list(background)
    assert (vector.pixels[75:85, 115:125].reshape(-1, 3) != background).any()
    assert (vector.pixels[140:, 230:].reshape(-1, 3) == background).all()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("disc.jpg", "extension must be .png, got 'disc.jpg'"),
        ("disc.svg", "extension must be .png, got 'disc.svg'"),
        ("none/disc.png", "none does not exist"),
        (".", "extension must be"),
    ],
)
def test_a_place_that_is_none(raster, tmp_path, name, message):
    with pytest.raises(OptionError, match=message):
        raster.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_replaced_whole(raster, tmp_path):
    path = tmp_path / "disc.png"
    path.write_text("before")
    raster.save(path)
    with Image.open(path) as image:
        assert image.size == (160, 90)


@pytest.mark.parametrize("size", [(10, 800), (800, 9000)])
def test_absurd_sizes(size):
    with pytest.raises(OptionError, match="sides must lie within 160 to 8192 pixels"):
        new_sheet(size, theme_named("dark"), default=(640, 400))


def test_a_run_s_path_will_do_in_place_of_the_run(short_run):
    with open_run(short_run) as run:
        for plot in (plot_history, plot_slices, plot_timeline):
            np.testing.assert_array_equal(plot(str(short_run)).pixels, plot(run).pixels)
    with pytest.raises(ArchiveError, match="does not exist"):
        plot_slices("none.npz")


def test_pictures_drawn_in_threads_leave_the_users_style_alone():
    import matplotlib as mpl

    both = threading.Barrier(2)

    def draw(after_s):
        with plain_style():
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.2)  # for the other to be in it, too, if that can be
            time.sleep(after_s)
            return mpl.rcParams["font.size"]

    with mpl.rc_context({"axes.facecolor": "#123456", "font.size": 31.0}):
        before = dict(mpl.rcParams)
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(draw, (0.0, 0.05))) == [10.0, 10.0]
        assert dict(mpl.rcParams) == before
