"""Films and pictures of latents that come through a transform, from Python and the command line."""

import json

import numpy as np
import pytest

from latentviz import Film, FilmSpec, OptionError, Run, open_run, plot_history, render_frame

RNG = np.random.default_rng(3)
T, N, D = 12, 50, 8
SMALL = {"size": (240, 160), "frames": 6}
# Each PCA component of these has one loading far larger than all others, before and after the
# permutations and small turns below: so the pinned signs agree.
WIDTHS = np.array([0.3, 0.02, 2, 0.6, 0.05, 0.1, 1.1, 0.01])
LATENTS = (RNG.normal(size=(N, D)) * WIDTHS + RNG.normal(size=(T, N, D)) * 0.02 * WIDTHS).astype(
    np.float32
)
CLASSES = np.arange(N) % 3


def run_of(latents=LATENTS):
    losses = {"loss": np.linspace(1, 0.1, len(latents))}
    return Run.from_arrays(latents, colors=CLASSES, losses=losses, name="wide")


def frames(run, **options):
    film = Film(run, FilmSpec(**{**SMALL, **options}))
    return [film.draw(k).copy() for k in range(len(film))]


def turned(seed):
    """A permutation of the dimensions, and a turn by a few degrees in each of some planes."""
    rng = np.random.default_rng(seed)
    matrix = np.eye(D)[rng.permutation(D)]
    for _ in range(6):
        i, j = rng.choice(D, 2, replace=False)
        c, s = np.cos(0.1), np.sin(0.1)
        turn = np.eye(D)
        turn[[i, i, j, j], [i, j, i, j]] = c, -s, s, c
        matrix = turn @ matrix
    return matrix


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_that_is_turned_gives_the_same_film(seed):
    one = frames(run_of(), project="pca")
    other = frames(run_of((LATENTS @ turned(seed).T).astype(np.float32)), project="pca")
    assert len(one) == len(other) > 3
    for a, b in zip(one, other, strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1


def test_many_dimensions_are_shown_along_the_widest(invoke):
    titles = "[2,6], [2,3], [6,3]"
    assert Film(run_of(), FilmSpec(**SMALL)).titles == titles
    assert Film(run_of(), FilmSpec(**SMALL, dims="auto")).titles == titles
    few = run_of(LATENTS[..., :4])
    assert Film(few, FilmSpec(**SMALL)).titles == "[1,0], [1,2], [3,2]"
    assert Film(few, FilmSpec(**SMALL, dims="auto")).titles == "[2,3], [2,0], [3,0]"
    assert Film(run_of(LATENTS[..., :2]), FilmSpec(**SMALL, dims="auto")).titles == "[0,1]"


def test_titles_name_components_their_shares_and_names():
    film = Film(run_of(), FilmSpec(**SMALL, project="pca", names=["main"]))
    first = film.titles.split(", ")[0]
    shares = film.figures["shares"]
    expected = f"PC1 {100 * shares[0]:.0f} % · PC2 {100 * shares[1]:.0f} % main"
    assert first == expected
    assert Film(run_of(), FilmSpec(**SMALL, project="classes")).titles.count("CM") == 2


def test_a_spec_keeps_a_transform_as_text_where_there_is_one():
    spec = FilmSpec(project="rows:w", show="explained", dims=["auto"], center="step")
    values = spec.to_dict()
    assert values["project"] == "rows:w@final"
    assert (values["dims"], values["show"], values["center"]) == ("auto", ["explained"], "step")
    assert FilmSpec.from_dict(json.loads(json.dumps(values))) == spec
    with pytest.raises(OptionError, match="project is Matrix, which cannot be written down"):
        FilmSpec(project=np.eye(3)).to_dict()


def test_what_planes_hold_is_a_curve_from_0_to_1():
    spec = FilmSpec(project="pca", show=["explained"])
    charts = [panel.chart for panel in Film(run_of(), spec).stage.panels if hasattr(panel, "chart")]
    chart = charts[-1]
    assert [curve.name for curve in chart.curves] == ["PC1 · PC2", "PC1 · PC3", "PC2 · PC3"]
    assert chart.shares
    assert all(((curve.values > 0) & (curve.values < 1)).all() for curve in chart.curves)
    own = Film(run_of(), FilmSpec(show=["explained"], dims=[(1, 0)])).stage.panels[-1].chart
    assert [curve.name for curve in own.curves] == ["[1,0]"]


def test_long_runs_are_measured_at_some_steps(monkeypatch):
    monkeypatch.setattr("latentviz.views.explained.MOST_STATES", 3)
    chart = Film(run_of(), FilmSpec(project="pca", show=["explained"])).stage.panels[-1].chart
    assert chart.curves[0].measured.tolist() == [0, 6, 11]
    assert np.isfinite(chart.curves[0].values).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": lambda z: z[..., :2], "show": ["explained"]}, "of a linear transform alone"),
        ({"project": lambda z: z[..., :2], "center": "step"}, "has no use for a center"),
        ({"center": "step"}, "a center is of a transform; add --project"),
        ({"project": "pca", "dims": [(0, 8)]}, "the transform gives 8 dimensions, 0 to 7"),
        ({"dims": "all"}, "dims must be pairs of dimensions, .* or auto alone"),
        ({"dims": ["auto", (0, 1)]}, "dims must be pairs of dimensions, .* or auto alone"),
        ({"show": ["all"]}, "show must be one of explained"),
        ({"center": "mean"}, "center must be one of run, step"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Film(run_of(), FilmSpec(**options))


def test_history_of_components():
    picture = plot_history(run_of(), project="pca", size=(800, 450))
    assert "PC1" in picture.alt
    assert "PC3" in picture.alt
    assert picture.data["project"] == "pca"
    run = run_of(10 * LATENTS)  # so large that the unit disc is no scale to them
    as_they_are = plot_history(run, dims=[(3, 0)], size=(800, 450)).pixels
    columns = np.eye(D)[:, [3, 0]]
    same = plot_history(run, project=columns, names=[""], size=(800, 450)).pixels
    assert (as_they_are != same).any()  # the titles
    assert (as_they_are[90:] != same[90:]).mean() < 0.01  # and nothing else


def test_points_that_are_not_finite_are_counted_beside_what_the_transform_says():
    from latentviz.pacing import Frame
    from latentviz.views import heading

    said = heading(run_of().steps, Frame(0, 0, 1), 2, "between 12 key steps on straight lines")
    assert said.note == "between 12 key steps on straight lines, 2 points not finite"


def test_the_command_line(short_run, tmp_path, invoke):
    picture = tmp_path / "f.png"
    options = ["--project", "pca@final", "--center", "run", "--show", "explained", "--draft"]
    invoke("frame", short_run, "-o", picture, "--step", 40, *options, "--dims", "auto")
    from PIL import Image

    with open_run(short_run) as run:
        same = render_frame(
            run, step=40, project="pca@final", center="run", show=["explained"], size=(1280, 720)
        )
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), same)
    about = json.loads(
        invoke("info", short_run, "--project", "pca", "--dims", "0,1", "--json").stdout
    )
    assert about["project"]["fitted_to"][0]["states"] == 151
    (plane,) = about["planes"]
    assert plane["name"] == "PC1 · PC2"
    assert [share["step"] for share in plane["shares"]] == [0, 38, 75, 112, None]
    lines = invoke("info", short_run, "--project", "pca").stdout
    assert "all of 151 states, steps 0 to 149 and after the last update" in lines
    assert "PC1 · PC2:" in lines
    history = tmp_path / "h.png"
    done = invoke("history", short_run, "-o", history, "--project", "pca", "--json")
    assert json.loads(done.stdout)["center"] == "run"
    for project, message in [
        ("pac", "there is no transform 'pac'"),
        ("classes", "classes needs points with classes"),
        ("rows:w", "the state has no tensor 'w'; it has "),
        ("rows:decoder.0.bias", "must have 4 numbers each"),
    ]:
        done = invoke("frame", short_run, "-o", picture, "--project", project, status=2)
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
