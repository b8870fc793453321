import numpy as np
import pytest
from PIL import Image, ImageDraw
from snapshots import AMPLIFY, GAP, TEXT_LEVELS, difference

from latentviz.raster.hud import font

TEST = """
import numpy as np

def test_picture(snapshot):
    pixels = np.full((20, 30, 3), 100, np.uint8)
    pixels[:10, :, 1] = {level}
    snapshot(pixels)
"""


@pytest.fixture
def outcome(pytester):
    pytester.makeini("[pytest]")

    def run(level, *options):
        pytester.makepyfile(test_it=TEST.format(level=level))
        return pytester.runpytest_inprocess("-p", "snapshots", *options)

    return run


@pytest.fixture
def reference(pytester):
    return pytester.path / "tests/references/it-picture.png"


@pytest.fixture
def failure(pytester):
    return pytester.path / "tests/failures/it-picture.png"


def test_a_missing_reference_fails_and_shows_the_picture(outcome, reference, failure):
    result = outcome(7)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*there is no reference*it-picture.png*--renew-snapshots*"])
    assert not reference.exists()
    assert np.asarray(Image.open(failure))[0, 0].tolist() == [100, 7, 100]


def test_renewing_writes_the_reference_that_then_passes(outcome, reference, failure):
    outcome(7)
    outcome(7, "--renew-snapshots").assert_outcomes(passed=1)
    assert np.asarray(Image.open(reference))[0, 0].tolist() == [100, 7, 100]
    outcome(7).assert_outcomes(passed=1)
    assert not failure.exists()
    outcome(90).assert_outcomes(failed=1)
    outcome(90, "--renew-snapshots").assert_outcomes(passed=1)
    outcome(90).assert_outcomes(passed=1)


def test_a_difference_fails_in_words_and_as_a_picture(outcome, failure):
    outcome(7, "--renew-snapshots")
    result = outcome(17)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*largest difference 10 levels, 50.00% of the pixels differ*"])
    picture = np.asarray(Image.open(failure))
    assert picture.shape == (20, 3 * 30 + 2 * GAP, 3)
    actual, expected, apart = (picture[:, at : at + 30] for at in (0, 30 + GAP, 2 * (30 + GAP)))
    assert (actual[0, 0].tolist(), expected[0, 0].tolist()) == ([100, 17, 100], [100, 7, 100])
    assert apart[0, 0].tolist() == [0, 10 * AMPLIFY, 0]
    assert not apart[10:].any()


def test_outside_text_one_level_is_allowed():
    expected = np.full((20, 20, 3), 100, np.uint8)
    assert difference(expected + np.uint8(1), expected) is None
    actual = expected.copy()
    actual[3, 4, 2] = 98
    assert "outside text 2 levels" in difference(actual, expected)


def test_another_size_is_a_difference():
    expected = np.zeros((20, 20, 3), np.uint8)
    assert difference(expected[:, 1:], expected) == "the shape is (20, 19, 3), expected (20, 20, 3)"


def drawn_text(text, shift=0):
    image = Image.new("RGB", (80, 24), "#24252b")
    # The smallest text of a 640x360 page, in the brightest colour.
    ImageDraw.Draw(image).text((8 + shift, 6), text, fill="#f2f2f4", font=font(17 / 3))
    return np.asarray(image)


@pytest.mark.parametrize("digit", "012345679")
def test_another_digit_is_a_difference_in_text(digit):
    everywhere = np.ones((24, 80), bool)
    expected = drawn_text("step 5128")
    assert difference(expected, expected, everywhere) is None
    assert "in text" in difference(drawn_text(f"step 512{digit}"), expected, everywhere)


def test_text_that_moved_is_a_difference():
    expected = drawn_text("step 5128")
    moved = drawn_text("step 5128", shift=1)
    assert "in text" in difference(moved, expected, np.ones((24, 80), bool))


def test_a_letter_s_edge_may_differ_in_text_only():
    expected = drawn_text("step 5128")
    actual = expected.copy()
    actual[10, 20] ^= 0x2F
    assert difference(actual, expected, np.ones((24, 80), bool)) is None
    assert "outside text 47 levels" in difference(actual, expected)


@pytest.mark.parametrize("corner", [0, 5, 36])
def test_a_block_may_be_anywhere(corner):
    expected = np.zeros((40, 40, 3), np.uint8)
    actual = expected.copy()
    actual[corner : corner + 4, corner : corner + 4] = TEXT_LEVELS + 1
    assert "in text 5.0 levels" in difference(actual, expected, np.ones((40, 40), bool))
