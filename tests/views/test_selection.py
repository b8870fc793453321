import numpy as np
import pytest

from latentviz import OptionError, Run
from latentviz.views.selection import point_labels, selected_points

LATENTS = np.zeros((2, 6, 3))
NAMES = ["king", "queen", "a, b", "7", "apple", "king"]


def run(**given):
    return Run.from_arrays(LATENTS, **given)


def selected(texts, of):
    return selected_points("label", texts, of).tolist()


@pytest.mark.parametrize(
    ("texts", "points"),
    [
        (["all"], [0, 1, 2, 3, 4, 5]),
        (["3, 0", "0"], [0, 3]),
        (["queen,4"], [1, 4]),
        (["a, b"], [2]),
        (["king"], [0, 5]),
        (["royal"], [0, 1, 5]),
        (["class:3"], [2]),
        (["name:7"], [3]),
        (["3"], [3]),
        ([], []),
    ],
)
def test_points_are_named_by_number_name_and_class(texts, points):
    classes = ["royal", "royal", "3", "fruit", "fruit", "royal"]
    assert selected(texts, run(classes=classes, point_names=NAMES)) == points


def test_classes_without_names_are_named_by_number():
    assert selected(["class:7"], run(colors=[7, 8, 7, 9, 7, 7])) == [0, 2, 4, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("6", "label names no point: '6'; there are the points 0 to 5, or names such as king"),
        ("quen", "label names no point: 'quen'; .* such as queen, and all"),
        ("0,-1", "label names no point: '-1'"),
        ("", "label names no point: ''"),
    ],
)
def test_texts_that_name_no_point(text, message):
    with pytest.raises(OptionError, match=message):
        selected([text], run(point_names=NAMES))


def test_labels_are_names_or_numbers():
    assert point_labels(np.array([1, 4]), run(point_names=NAMES)) == ("queen", "apple")
    assert point_labels(np.array([1, 4]), run()) == ("1", "4")


def test_a_name_of_a_blank_is_a_name():
    assert selected([" "], run(point_names=[" ", "\n", "a", "b", "c", "d"])) == [0]
