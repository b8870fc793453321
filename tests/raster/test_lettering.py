import numpy as np
import pytest

from latentviz.raster.lettering import (
    Sprite,
    blend_sprite,
    blend_sprite_once,
    fitted_text,
    font,
    text_sprite,
)
from latentviz.raster.shapes import Letters

RNG = np.random.default_rng(0)

SHAPE = Letters("name", 10, 0, 8, "left")


def both(pixels, sprite):
    """A sprite drawn in the two ways."""
    canvas, once = np.ascontiguousarray(pixels.transpose(2, 0, 1)), pixels.copy()
    blend_sprite(canvas, sprite)
    blend_sprite_once(once, sprite)
    return canvas.transpose(1, 2, 0), once


@pytest.mark.parametrize("ink", [0, 17, 85, 128, 254, 255])
def test_compiled_or_not_the_pixels_are_the_same(ink):
    # Every cover over every level.
    pixels = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (256, 256, 3))
    mask = np.broadcast_to(np.arange(256, dtype=np.float32)[:, None], (256, 256)) / np.float32(255)
    compiled, once = both(
        pixels, Sprite(np.ascontiguousarray(mask), 0, 0, (ink, 255 - ink, ink), SHAPE)
    )
    np.testing.assert_array_equal(compiled, once)
    assert (once[0] == pixels[0]).all()
    assert (once[255, :, 0] == ink).all()


@pytest.mark.parametrize(
    ("x", "y"), [(-5, 3), (35, 3), (5, -4), (5, 27), (-5, -4), (42, 3), (3, 33)]
)
def test_what_lies_beyond_the_page_is_cut(x, y):
    pixels = RNG.integers(0, 256, (30, 40, 3), np.uint8)
    sprite = Sprite(np.ones((6, 8), np.float32), x, y, (1, 2, 3), SHAPE)
    expected = pixels.copy()
    expected[max(0, y) : max(0, y + 6), max(0, x) : max(0, x + 8)] = (1, 2, 3)
    for drawn in both(pixels, sprite):
        np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("text", ["a title that is long", "äöü a title", "ein größerer τίτλος"])
def test_a_text_is_as_long_as_its_room(text):
    face = font(20.0)
    whole = text_sprite(text, face, 0.0, 0.0, (0, 0, 0)).mask.shape[1]
    assert fitted_text(text, face, 2 * whole) == text
    short = fitted_text(text, face, whole / 2)
    assert short.endswith("…")
    assert text.startswith(short[:-1])
    assert 0.25 * whole < text_sprite(short, face, 0.0, 0.0, (0, 0, 0)).mask.shape[1] <= whole / 2


@pytest.mark.parametrize(("anchor", "left"), [("ls", 50), ("ms", 40), ("rs", 30)])
def test_an_anchor_says_what_lies_at_the_place(anchor, left):
    sprite = text_sprite("nnn", font(20.0), 50.0, 30.0, (0, 0, 0), anchor=anchor)
    width = font(20.0).getlength("nnn")
    assert sprite.x == pytest.approx(50 - width * (50 - left) / 20, abs=3)
    assert sprite.y + len(sprite.mask) == pytest.approx(30, abs=1)
