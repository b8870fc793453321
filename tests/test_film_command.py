"""A film's options as words, read back by the command line."""

import click
import numpy as np
import pytest
from click.testing import CliRunner

from latentviz import FilmSpec
from latentviz.cli.options import spec_options
from latentviz.film.command import option_words
from latentviz.film.options import parsed


def read_back(words):
    """The spec that the command line makes of some words."""
    found = []

    @click.command()
    @spec_options(FilmSpec)
    def command(**options):
        found.append(FilmSpec(**parsed(FilmSpec, options)))

    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return found[0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dims": [(0, 1), (2, 0)], "names": ["hue", "value of it"]},
        {"dims": "auto", "project": "pca@final", "center": "step"},
        {"titles": ["a", "", "c"], "title": "A film's title", "theme": "light"},
        {"titles": "off", "title": "", "charts": "off", "heading": "on"},
        {"captions": [((None, 5), "it: begins"), ((5, 10), "-"), ((10, None), "ends")]},
        {"size": (640, 360), "frames": 7, "pace": "geometric:3", "steps": (None, 40)},
        {"steps": (3, None), "alpha": 0.25, "dot_radius": 0.5, "limits": 2.0, "plate": "off"},
        {"label": ["all"], "highlight": ["1,2", "class:3"], "trail": 4, "colormap": "magma"},
        {"points": ["rows:embed.weight", "columns:head.weight"], "show": ["explained"]},
        {"layer": "encoder.3", "ground": "white"},
    ],
)
def test_words_mean_what_the_spec_says(options):
    spec = FilmSpec(**options)
    assert read_back(option_words(spec)) == spec


def test_some_are_left_out():
    spec = FilmSpec(dims=[(0, 1)], theme="light", trail=3, highlight=["1"])
    assert option_words(spec, without=("dims", "theme")) == ["--highlight", "1", "--trail", "3"]


def test_what_no_text_says_is_left_out():
    assert option_words(FilmSpec(project=np.eye(2))) == []
