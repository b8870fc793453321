"""Words made shorter."""

import pytest

from latentviz.text import fitted, listed, shortened, wrapped


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [("loss", 4, "loss"), ("losses", 4, "los…"), ("", 4, ""), ("ab", 1, "…")],
)
def test_a_text_of_so_many_characters(text, most, short):
    assert shortened(text, most) == short


@pytest.mark.parametrize(
    ("room", "short"), [(60, "losses"), (59, "loss…"), (20, "l…"), (19, "…"), (0, "…")]
)
def test_a_text_as_long_as_there_is_room(room, short):
    assert fitted("losses", room, lambda text: 10 * len(text)) == short


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more"),
    ],
)
def test_the_first_of_some_names(names, words):
    assert listed(names, 2) == words


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("one two", ["one two"]),
        ("one  two three", ["one two", "three"]),
        ("one two three four", ["one two", "three f…"]),
        ("a_long_word more", ["a_long_w", "ord more"]),
        ("one 日本語の文章です", ["one", "日本語の文章です"]),
        ("日本語の文章ですから", ["日本語の文章です", "から"]),
    ],
)
def test_a_text_in_two_lines(text, lines):
    assert wrapped(text, 80, lambda text: 10 * len(text), most=2) == lines
