import json
import os
import re
import struct
import zlib
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from latentviz import Picture, compare
from latentviz.comparison import BEYOND, DIMMED, GAP_PX, TOLERANCE, WITHIN
from latentviz.errors import OptionError
from latentviz.raster.chart import LEAST_TEXT_PX
from latentviz.raster.heading import HEADING_PX
from latentviz.raster.lettering import font
from latentviz.theme import THEMES

FULL = (1920, 1080)
DARK = THEMES["dark"]
ANOTHER_FREETYPE = 60  # what the module's docstring says


def plain(size=(60, 40)):
    return np.asarray(Image.new("RGB", size, DARK.background))


def changed(pixels, at, by):
    """Pixels of which some have another value."""
    out = pixels.astype(int)
    out[at] += by
    assert out.min() >= 0
    assert out.max() <= 255
    return out.astype(np.uint8)


def dots(size, first=(0, 0), count=300, radius=27):
    """Dots on the page, the first of which lies on top."""
    rng = np.random.default_rng(1)
    image = Image.new("RGB", size, DARK.background)
    draw = ImageDraw.Draw(image)
    for x, y in [*(rng.uniform(0.1, 0.9, (count - 1, 2)) * size), first]:
        color = tuple(rng.integers(0, 256, 3).tolist())
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
    return np.asarray(image)


def lettered(text, size_px, *, color, background, x=8):
    image = Image.new("RGB", (10 + 5 * int(size_px), 12 + 2 * int(size_px)), background)
    ImageDraw.Draw(image).text((x, 6), text, fill=color, font=font(size_px))
    return np.asarray(image)


@pytest.mark.parametrize("moved", [(802, 500), (800, 498)])
def test_one_dot_of_many_that_moved_is_found_in_a_large_picture(moved):
    before, after = dots(FULL, (800, 500)), dots(FULL, moved)
    assert (before != after).any(-1).mean() < 2e-4
    result = compare(before, after)
    assert not result.alike
    assert result.largest > 3 * TOLERANCE
    left, top, width, height = result.where
    assert 800 - 27 - 5 <= left < left + width <= 800 + 27 + 5
    assert 500 - 27 - 5 <= top < top + height <= 500 + 27 + 5
    assert 0 < result.share < 4e-4
    assert str(result) == (
        f"they differ within {width}x{height} pixels at ({left}, {top}): the largest difference is "
        f"{result.largest:.3g} delta E, tolerated 3; {100 * result.share:.2g}% of the pixels are "
        "beyond it"
    )


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("color", ["text", "muted"])
def test_each_digit_of_the_smallest_text_is_told_from_each_other(theme, color):
    style = {"color": getattr(theme, color), "background": theme.background}
    pictures = [lettered(f"512{d}", LEAST_TEXT_PX, **style) for d in range(10)]
    assert compare(pictures[0], pictures[0]).alike
    assert [pair for pair in combinations(pictures, 2) if compare(*pair).alike] == []


def test_text_that_moved_by_a_pixel_differs():
    style = {"color": DARK.text, "background": DARK.background}
    still, moved = (lettered("5128", LEAST_TEXT_PX, **style, x=x) for x in (8, 9))
    assert not compare(still, moved).alike


def test_what_machines_round_otherwise_is_alike():
    pixels = dots((640, 360))
    noise = np.random.default_rng(2).integers(-2, 3, pixels.shape)
    noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    result = compare(pixels, noisy)
    assert result.alike
    assert 1 < result.largest <= TOLERANCE
    text = lettered("5128", 17, color=DARK.text, background=DARK.background)
    y, x = np.argwhere((text > text[0, 0]).all(-1) & (text.max(-1) < 200))[0]
    assert compare(text, changed(text, (y, x), 32)).alike


@pytest.mark.parametrize(
    ("ground", "line"),
    [((49, 50, 57), (66, 68, 78)), ((244, 244, 246), (220, 221, 227))],  # as in the panels
    ids=THEMES,
)
def test_a_faint_line_that_is_missing_is_found(ground, line):
    pixels = np.full((120, 640, 3), ground, np.uint8)
    for at in (np.s_[60, 200:500], np.s_[:, 300]):
        with_line = pixels.copy()
        with_line[at] = line
        result = compare(with_line, pixels)
        # Where it runs on; near its ends it is as faint as a short one.
        assert not result.alike
        assert result.largest > TOLERANCE * 1.2
    short = pixels.copy()
    short[60, 200:240] = line
    assert compare(short, pixels).alike
    # Nothing is a difference where nothing differs, whatever runs on around it.
    broken = with_line.copy()
    broken[40:80] = pixels[40:80]
    assert (compare(broken, pixels).differences[45:75] == 0).all()


def test_a_digit_is_found_where_another_freetype_s_letters_pass():
    def drawn(hinting):
        with mpl.rc_context({"text.hinting": hinting}):
            figure = Figure(figsize=(4, 1), dpi=100, facecolor=DARK.background)
            figure.text(0.1, 0.4, "schedule  0.06  0.18", color=DARK.text, fontsize=12)
            return compare(figure, figure).pixels[0]

    default, other = drawn("default"), drawn("none")
    assert not compare(default, other).alike
    assert compare(default, other, tolerance=ANOTHER_FREETYPE).alike
    style = {"color": DARK.text, "background": DARK.background}
    for a, b in combinations("0123456789", 2):
        pair = [lettered(f"512{d}", HEADING_PX, **style) for d in (a, b)]
        assert not compare(*pair, tolerance=ANOTHER_FREETYPE).alike


def test_one_level_is_no_difference_and_two_are_where_none_is_tolerated():
    pixels = plain()
    result = compare(pixels, pixels + np.uint8(1), tolerance=0)
    assert (result.alike, result.largest, result.share, result.where) == (True, 0, 0, None)
    assert str(result) == "alike: the largest difference is 0 delta E, tolerated 0"
    for channel in range(3):
        one = changed(pixels, (11, 7, channel), -2)
        assert compare(pixels, one).alike
        assert not compare(pixels, one, tolerance=0).alike


def test_a_tolerance_for_each_pixel():
    pixels = plain()
    tolerance = np.full((40, 60), 3.0)
    tolerance[:20] = 0
    tolerance[30:] = np.inf
    slight, great = changed(pixels, (24, 5), 20), changed(pixels, np.s_[36:, :], 150)
    assert compare(pixels, slight, tolerance=tolerance).alike
    assert compare(pixels, great, tolerance=tolerance).alike
    result = compare(pixels, changed(slight, (5, 50), 3), tolerance=tolerance)
    left, top, width, height = result.where
    assert (left + width // 2, top + height // 2) == (50, 5)
    assert (result.tolerance, result.largest < 3) == (0, True)
    # What is told is what is farthest beyond, not what is largest.
    assert result.differences.max() > result.largest


@pytest.mark.parametrize("at", [(0, 0), (0, 59), (39, 0), (20, 30)])
def test_a_difference_may_be_anywhere(at):
    pixels = plain()
    result = compare(pixels, changed(pixels, at, 100))
    left, top, width, height = result.where
    assert left <= at[1] < left + width <= 60
    assert top <= at[0] < top + height <= 40


@pytest.mark.parametrize("at", [np.s_[20, 30], np.s_[12, 10:50], np.s_[10:30, 30]])
def test_only_what_differs_is_looked_at_and_yet_it_is_as_in_the_whole(at):
    pixels = plain()
    margin = ((99, 99), (99, 99), (0, 0))
    wide = [np.pad(p, margin, mode="edge") for p in (pixels, changed(pixels, at, 100))]
    inner = compare(*wide).differences[99:-99, 99:-99]
    differences = compare(pixels, changed(pixels, at, 100)).differences
    np.testing.assert_allclose(inner, differences, atol=1e-3)
    assert differences.max() > TOLERANCE


def test_another_size_is_a_difference():
    result = compare(plain((60, 40)), plain((50, 45)), tolerance=100)
    assert not result.alike
    assert (result.shapes, result.share, result.where) == (((40, 60), (45, 50)), 1.0, None)
    assert str(result) == "the sizes differ: 60x40 and 50x45"
    assert result.picture().shape == (45, 60 + GAP_PX + 50, 3)


def test_side_by_side():
    a = plain()
    b = changed(changed(a, np.s_[10:20, 10:20], 90), (35, 50), 60)
    picture = compare(a, b).picture()
    assert picture.shape == (40, 3 * 60 + 2 * GAP_PX, 3)
    first, second, apart = (picture[:, at : at + 60] for at in (0, 60 + GAP_PX, 120 + 2 * GAP_PX))
    assert (first == a).all()
    assert (second == b).all()
    assert (apart[12:18, 12:18] == BEYOND).all()
    assert tuple(apart[35, 50]) == WITHIN
    assert (apart[38, 20] == a[38, 20].mean() // DIMMED).all()


def test_whatever_shows_a_picture_is_compared(tmp_path):
    figure = Figure(figsize=(0.6, 0.4), dpi=100, facecolor=DARK.background)
    canvas = figure.canvas
    path = tmp_path / "a.png"
    Picture("", "", {}, plain()).save(path)
    palette = tmp_path / "palette.gif"
    Image.fromarray(plain()).convert("P", palette=Image.Palette.ADAPTIVE).save(palette)
    things = [plain(), Picture("", "", {}, plain()), figure, path, str(path), palette]
    for a, b in combinations(things, 2):
        assert compare(a, b, tolerance=0).alike
    assert figure.canvas is canvas


def png(size, depth, kind=2):
    """The bytes of a PNG that says it has a size, a depth and a kind, and lets one row follow."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    row = zlib.compress(bytes(7))  # one pixel's
    head = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(name, data) for name, data in ((b"IHDR", head), (b"IDAT", row), (b"IEND", b""))
    )


def no_pictures(folder):
    """Files that are no pictures that can be compared, and what is wrong with them."""
    (folder / "text.png").write_text("not a picture")
    Image.fromarray(dots((200, 200), count=9)).save(folder / "whole.png")
    data = (folder / "whole.png").read_bytes()
    (folder / "cut.png").write_bytes(data[: len(data) // 2])
    (folder / "head.png").write_bytes(data[:20])
    Image.new("RGBA", (4, 4), (1, 2, 3, 254)).save(folder / "glass.png")
    Image.new("I;16", (4, 4)).save(folder / "deep.png")
    (folder / "deep-colors.png").write_bytes(png((1, 1), 16))
    (folder / "vast.png").write_bytes(png((10_000, 10_000), 8))
    (folder / "vaster.png").write_bytes(png((2**31 - 1, 2**31 - 1), 8))
    (folder / "script.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    for kind in ("TIFF", "PPM", "JPEG"):
        Image.new("RGB", (4, 4)).save(folder / f"{kind}.png", kind)
    os.mkfifo(folder / "pipe.png")
    (folder / "null.png").symlink_to("/dev/zero")
    frames = [Image.new("L", (4, 4), 80 * n) for n in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    return {
        "none.png": "cannot be read as a picture: No such file",
        ".": "it is no regular file",
        "text.png": "cannot be read as a picture: it holds no PNG, GIF or WebP",
        "script.png": "it holds no PNG, GIF or WebP",
        "TIFF.png": "it holds no PNG, GIF or WebP",
        "PPM.png": "it holds no PNG, GIF or WebP",
        "JPEG.png": "it holds no PNG, GIF or WebP",
        "pipe.png": "pipe.png: it is no regular file",
        "null.png": "null.png: it is no regular file",
        "cut.png": "cannot be read as a picture: ",
        "head.png": "cannot be read as a picture: ",
        "glass.png": "is transparent in places; save it without that",
        "deep.png": "must be of 8 bits a channel, got 16",
        "deep-colors.png": "must be of 8 bits a channel, got 16",
        "vast.png": "has 10000x10000 pixels; pictures of up to 67108864 are compared",
        "vaster.png": "cannot be read as a picture: Image size ",
        "moving.gif": "holds several pictures",
    }


def test_what_is_no_picture_is_told_in_one_line(tmp_path, invoke):
    for name, message in no_pictures(tmp_path).items():
        with pytest.raises(OptionError, match=message):
            compare(plain(), tmp_path / name)
        done = invoke("compare", tmp_path / "whole.png", tmp_path / name, status=2)
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("a", "options", "message"),
    [
        (plain().astype(float), {}, r"must be \(H, W, 3\) uint8, got \(40, 60, 3\) float64"),
        (plain()[..., 0], {}, r"must be \(H, W, 3\) uint8, got \(40, 60\) uint8"),
        (plain()[:0], {}, r"got \(0, 60, 3\) uint8"),
        (7, {}, "a picture must be a Picture, a matplotlib figure, .* got int"),
        (plain(), {"tolerance": -1}, "tolerance must be 0 or more, got -1"),
        (plain(), {"tolerance": np.nan}, "tolerance must be 0 or more, got nan"),
        (plain(), {"tolerance": np.full((40, 60), np.inf)}, "or nothing is compared; got inf"),
        (
            plain(),
            {"tolerance": np.ones((60, 40))},
            r"one for each pixel, \(40, 60\); got .*60, 40",
        ),
    ],
)
def test_bad_arguments(a, options, message):
    with pytest.raises(OptionError, match=message):
        compare(a, plain(), **options)


@pytest.fixture(scope="module")
def frames(short_run, tmp_path_factory):
    """Frames of a real run's film: two of one step, one of the next."""
    from latentviz import render_frame

    folder = tmp_path_factory.mktemp("frames")
    for name, step in {"a": 100, "again": 100, "next": 101}.items():
        pixels = render_frame(short_run, step=step, size=(320, 180), pace="linear:1")
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def test_the_command_tells_alike_from_different(frames, invoke):
    done = invoke("compare", frames / "a.png", frames / "again.png")
    assert done.stdout == "alike: the largest difference is 0 delta E, tolerated 3\n"
    done = invoke("compare", frames / "a.png", frames / "next.png", status=1)
    result = compare(frames / "a.png", frames / "next.png")
    assert done.stdout == f"{result}\n"
    assert "they differ within" in done.stdout
    invoke("compare", frames / "a.png", frames / "next.png", "--tolerance", 100)


def test_the_command_s_json_and_its_picture(frames, tmp_path, invoke):
    paths = frames / "a.png", frames / "next.png"
    diff = tmp_path / "diff.png"
    done = invoke("compare", *paths, "--json", "--diff", diff, status=1)
    result = compare(*paths)
    left, top, width, height = result.where
    assert json.loads(done.stdout) == {
        "alike": False,
        "largest": result.largest,
        "tolerance": TOLERANCE,
        "share": result.share,
        "where": {"left": left, "top": top, "width": width, "height": height},
        "sizes": [[320, 180], [320, 180]],
    }
    with Image.open(diff) as image:
        assert (np.asarray(image) == result.picture()).all()
        assert image.text["Description"] == f"a.png, next.png, and their difference: {result}"
    small = tmp_path / "small.png"
    Image.fromarray(plain()).save(small)
    done = invoke("compare", paths[0], small, "--json", status=1)
    data = json.loads(done.stdout)
    assert (data["largest"], data["tolerance"], data["sizes"][1]) == (None, 3, [60, 40])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--diff", "diff.jpg"], "extension must be .png"),
        (["--diff", "none/diff.png"], "the folder none does not exist"),
        (["--tolerance", "-1"], "tolerance must be 0 or more"),
        (["--tolerance", "inf"], "tolerance must be at most 100, .* or nothing is compared"),
        (["--tolerance", "1e300"], "tolerance must be at most 100"),
        (["--tolerance", "nan"], "tolerance must be 0 or more, got nan"),
        (["--tolerance", "little"], "'little' is not a valid float"),
    ],
)
def test_bad_options_of_the_command(frames, invoke, options, message):
    done = invoke("compare", frames / "a.png", frames / "next.png", *options, status=2)
    assert re.search(message, done.stderr)


def test_the_difference_never_overwrites_what_is_compared(tmp_path, invoke):
    for name, level in (("a.png", 0), ("b.png", 200)):
        Image.fromarray(np.full((20, 30, 3), level, np.uint8)).save(tmp_path / name)
    a, b = tmp_path / "a.png", tmp_path / "b.png"
    before = a.read_bytes()
    done = invoke("compare", a, b, "--diff", tmp_path / "." / "a.png", status=2)
    assert "would overwrite" in done.output
    assert a.read_bytes() == before
