import pytest

from latentviz import OptionError
from latentviz.projection import DEFAULT_DIMS, Projection, parse_dims, projections, within


def bracketed(i, j):
    return f"[{i},{j}]"


@pytest.mark.parametrize(
    ("n_dims", "dims"),
    [
        (1, [(0, 0)]),
        (2, [(1, 0)]),
        (3, [(1, 0), (1, 2)]),
        (4, [(1, 0), (1, 2), (3, 2)]),
        (9, [(1, 0), (1, 2), (3, 2)]),
    ],
)
def test_the_default_is_as_much_as_the_latents_have(n_dims, dims):
    assert list(within(DEFAULT_DIMS, n_dims)) == dims


def test_names_are_given_out_in_order():
    hue, bare = projections([(1, 0), (2, 2)], ["hue"], 3, bracketed)
    assert hue == Projection(1, 0, "[1,0] hue")
    assert bare == Projection(2, 2, "[2,2]")


@pytest.mark.parametrize(
    ("dims", "names", "message"),
    [
        ([(0, 4)], [], "dims 0,4 are out of range: the latents have 4 dimensions, 0 to 3"),
        ([(0, 1), (-1, 0)], [], "dims -1,0 are out of range"),
        ([], [], "at least one pair"),
        ([(0, 1)], ["a", "b"], "got 2 names for 1 projections"),
    ],
)
def test_projections_refuse(dims, names, message):
    with pytest.raises(OptionError, match=message):
        projections(dims, names, 4, bracketed)


def test_parse_dims():
    assert parse_dims("1,0") == (1, 0)
    assert parse_dims("12, 3") == (12, 3)


@pytest.mark.parametrize("text", ["", "1", "1,", "1,2,3", "a,b", "-1,0", "1.5,0"])
def test_parse_dims_refuses(text):
    with pytest.raises(OptionError, match="two dimensions such as 1,0, got"):
        parse_dims(text)
