"""Options, each declared once: what is made of the table, and what a spec is as plain data."""

import json
import pickle
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from latentviz import EncodingSpec, Film, FilmSpec, LinearPace, Run
from latentviz.cli import main
from latentviz.errors import OptionError
from latentviz.film.options import options_of

SPECS = [FilmSpec, EncodingSpec]
FULL = FilmSpec(
    dims=[(0, 1), (3, 2)],
    names=["hue", "tint"],
    size=[320, 180],
    frames=np.int64(4),
    pace=LinearPace(40),
    steps=[10, None],
    alpha=1,
    dot_radius=np.float32(0.25),
    limits=2,
    theme="light",
    colormap="magma",
    layer="encoder",
)
ENCODED = EncodingSpec(fps=Fraction(30000, 1001), crf=30, preset="fast", hold=2)


@pytest.mark.parametrize("kind", SPECS)
def test_each_field_is_an_option_of_the_command_and_no_other_has_its_name(kind):
    assert list(options_of(kind)) == [field.name for field in fields(kind)]
    for command in ("render", "frame") if kind is FilmSpec else ("render",):
        offered = {p.name: p for p in main.commands[command].params}
        for name, about in options_of(kind).items():
            assert offered[name].help == about.help_text
            assert offered[name].multiple == about.is_repeated


@pytest.mark.parametrize("kind", SPECS)
def test_every_value_is_checked(kind):
    for name in options_of(kind):
        with pytest.raises(OptionError, match=name.replace("_", ".")):
            kind(**{name: object()})


@pytest.mark.parametrize("spec", [FilmSpec(), FULL, EncodingSpec(), ENCODED])
def test_a_spec_is_plain_data(spec):
    assert pickle.loads(pickle.dumps(spec)) == spec
    values = json.loads(json.dumps(spec.to_dict()))
    assert type(spec).from_dict(values) == spec
    assert list(values) == list(options_of(type(spec)))


def test_values_that_mean_the_same_are_the_same():
    assert FULL.pace == "linear:40"
    assert FULL.size == (320, 180)
    assert FilmSpec(pace="bezier") == FilmSpec(pace="bezier:0.42,0,0.95,1") == FilmSpec()
    assert ENCODED.fps == "30000/1001"
    assert EncodingSpec(fps="29.97") == EncodingSpec(fps=29.97)


def test_a_pace_of_ones_own_draws_but_cannot_be_written_down():
    def every_other(n_steps, n_frames):
        return np.arange(0, n_steps, 2)

    spec = FilmSpec(pace=every_other, size=(320, 180))
    assert len(Film(Run.from_arrays(np.zeros((6, 4, 2))), spec)) == 3
    with pytest.raises(OptionError, match="pace is function, which cannot be written down"):
        spec.to_dict()


def test_a_spec_of_an_unknown_option_is_refused():
    with pytest.raises(OptionError, match="unknown option dmis; its options are dims, names"):
        FilmSpec.from_dict({"dmis": [[0, 1]]})


@pytest.mark.parametrize(
    ("options", "message"),
    [({"colormap": "nosuch"}, "no colormap 'nosuch'"), ({"limits": 0}, "limits must lie within")],
)
def test_what_an_option_can_get_wrong_is_found_while_planning(options, message):
    with pytest.raises(OptionError, match=message):
        replace(FilmSpec(), **options)


def test_colors_that_cannot_be_drawn_are_found_before_ffmpeg_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nosuch"))
    run = replace(Run.from_arrays(np.zeros((6, 4, 2))), colors=np.zeros((5, 3)))
    with pytest.raises(OptionError, match="colors must be"):
        Film(run, FilmSpec()).page  # noqa: B018 - it is made when it is asked for
    from latentviz import render

    with pytest.raises(OptionError, match="colors must be"):
        render(run, tmp_path / "film.mp4")
    assert list(Path(tmp_path).iterdir()) == []
