"""Several runs' histories in one picture."""

import json

import numpy as np
import pytest
from PIL import Image

from latentviz import OptionError, Run, plot_histories

T, N = 40, 30


def walk(n_steps=T, *, seed=0, **known):
    latents = np.random.default_rng(seed).normal(size=(n_steps, N, 3)).cumsum(0) / 4
    known = {"classes": np.arange(N) % 3, "name": f"walk {seed}", **known}
    return Run.from_arrays(latents, **known)


def test_each_run_has_a_row_at_the_same_moments():
    picture = plot_histories([walk(), walk(seed=1)], dims=[(0, 1)])
    assert picture.pixels.shape == (900, 1600, 3)
    assert picture.data["runs"] == ["walk 0", "walk 1"]
    assert picture.data["moments"][0] == "step 0"
    assert picture.data["moments"][-1] == "step 39"
    assert len(picture.data["moments"]) == 6
    until = plot_histories([walk(), walk(seed=1)], step=20, theme="light")
    assert until.data["moments"][-1] == "step 20"


def test_a_moment_shows_one_state_alone():
    run = walk()
    still = Run.from_arrays(np.repeat(run.latents()[-1:], T, 0), classes=run.classes, name="still")
    picture = plot_histories([run, still], dims=[(0, 1)]).pixels
    # The last panel of either row shows the same state: those of the second row are all alike.
    top, bottom = picture[:450], picture[450:]
    assert (np.abs(top.astype(int) - bottom).max(-1) > 0).any()
    again = plot_histories([still, still], dims=[(0, 1)], run_names=["a", "b"]).pixels
    assert again.shape == picture.shape


def test_a_run_beside_itself_is_two_equal_rows_and_can_be_lines(tmp_path):
    run = walk()
    picture = plot_histories([run, run], align="fraction", project="pca", register="all")
    assert picture.data["moments"][-1] == "100 %"
    picture.save(tmp_path / "both.svg")
    assert b"<svg" in (tmp_path / "both.svg").read_bytes()[:1000]


def test_the_command_takes_several_runs(short_run, tmp_path, invoke):
    out = tmp_path / "h.png"
    told = invoke("history", short_run, short_run, "-o", out, "--dims", "0,1", "--json").output
    assert json.loads(told)["runs"] == ["run (1)", "run (2)"]
    assert np.asarray(Image.open(out)).shape[:2] == (900, 1600)
    refused = invoke("history", short_run, "-o", out, "--register", "final", status=2).output
    assert "register is of several runs" in refused


@pytest.mark.parametrize(
    ("runs", "options", "message"),
    [
        (1, {}, "histories are of two runs or more"),
        (2, {"step": 3, "align": "fraction"}, "are at different steps"),
        (6, {"size": (160, 160)}, "panels of 6 runs at 6 moments would be .* pixels wide"),
    ],
)
def test_what_cannot_be_drawn_is_refused(runs, options, message):
    with pytest.raises(OptionError, match=message):
        plot_histories([walk(seed=k) for k in range(runs)], **options)
