"""A run as a page: from the command line, from Python, and what the page holds."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

import latentviz
from latentviz import ArchiveError, OptionError, Run
from latentviz.packing.unpacking import unpack_places
from latentviz.web.page import viewer_file

PANEL_PX = 760
MB = 1_000_000


def script(page, id):
    return re.search(rf'<script type="[^"]+" id="{id}">(.*?)</script>', page, re.DOTALL)[1]


def document(page):
    return json.loads(script(page, "document"))


def held(page, row=0):
    """The places that a page holds, (T, N, k)."""
    import base64

    return unpack_places(
        document(page)["rows"][row]["places"], base64.b64decode(script(page, "data"))
    )


def farthest_px(true, page, row=0):
    """The largest error in any plane, in pixels of the panel that shows a component largest."""
    plain = document(page)["rows"][row]
    limits = [component["limits"] for component in plain["components"]]
    for panel in (p for layout in document(page)["layouts"] for p in layout["panels"]):
        if panel["kind"] == "cloud" and panel["row"] == row:
            view = plain["projections"][panel["projection"]]
            for k in (view["right"], view["up"]):
                limits[k] = min(limits[k], panel["limits"])
    px = (held(page, row).astype(float) - true) * (PANEL_PX / (2 * np.array(limits)))
    return float(np.sqrt((px**2).sum(-1)).max())


def walk(T=30, N=20, D=6, **more):
    rng = np.random.default_rng(1)
    return Run.from_arrays(rng.normal(size=(T, N, D)).cumsum(0).astype(np.float32), **more)


def test_a_page_of_a_real_run(short_run, tmp_path, invoke):
    out = tmp_path / "run.html"
    said = invoke("view", short_run, "-o", out, "--names", "hue").output
    page = out.read_text("utf-8")
    assert re.search(r"run\.html: [\d.]+ MB, 151 steps of 512 points in 4 components", said)
    with latentviz.open_run(short_run) as run:
        true = np.concatenate([run.latents(), run.final_latents()[None]]).astype(float)
    error = farthest_px(true, page)
    stated = document(page)["rows"][0]["error_px"]
    assert 0 < error <= stated * (1 + 1e-6) < 0.5
    assert f"{stated:.2f} px" in said
    assert document(page)["rows"][0]["projections"][0]["name"] == "hue"
    assert document(page)["runs"][0]["after"]
    # It names nothing that a browser would fetch.
    assert re.findall(r"(?:src|href)=\"(?!data:,)", page) == []
    assert "https://" not in page.replace("https://jfly", "")


def test_the_same_page_each_time(short_run):
    pages = [latentviz.view(short_run).page for _ in range(2)]
    assert pages[0] == pages[1]


def test_from_python(short_run, tmp_path):
    with latentviz.open_run(short_run) as run:
        viewer = run.view(tmp_path / "run.html", dims=[(0, 1)], components=3)
    assert viewer.path == tmp_path / "run.html"
    assert viewer.path.stat().st_size == viewer.size
    assert viewer.words in repr(viewer)
    assert len(document(viewer.page)["rows"][0]["components"]) == 3
    assert latentviz.view(short_run).path is None


@pytest.mark.parametrize(
    ("latents", "options"),
    [
        (np.ones((1, 5, 2)), {}),
        (np.random.default_rng(0).normal(size=(9, 1, 3)), {}),
        (np.full((4, 6, 3), 2.5), {}),
        (np.random.default_rng(0).normal(size=(7, 5, 40)), {"components": 16}),
        (np.random.default_rng(0).normal(size=(7, 5, 1)), {}),
    ],
    ids=["one step", "one point", "all equal", "many components", "one dimension"],
)
def test_hostile_shapes(latents, options):
    run = Run.from_arrays(latents.astype(np.float32))
    page = latentviz.view(run, **options).page
    indices = [component["index"] for component in document(page)["rows"][0]["components"]]
    assert farthest_px(latents[..., indices].astype(np.float32), page) <= 0.5


def test_an_outlier_is_where_it_is():
    latents = np.random.default_rng(0).normal(size=(400, 30, 3)).astype(np.float32)
    latents[200, 4, 1] = 1e6
    page = latentviz.view(Run.from_arrays(latents)).page
    assert max(c["limits"] for c in document(page)["rows"][0]["components"]) < 100
    assert farthest_px(latents, page) <= 0.5
    assert held(page)[200, 4, 1] == pytest.approx(1e6)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A classifier of handwritten digits, by directions: 60 steps, of 200 points on a sphere."""
    torch = pytest.importorskip("torch")
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    images, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(images[:200], dtype=torch.float32) / 16, torch.tensor(labels[:200])

    class Direction(torch.nn.Module):
        def forward(self, vectors):
            return torch.nn.functional.normalize(vectors)

    torch.manual_seed(0)
    encoder = torch.nn.Sequential(
        torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3), Direction()
    )
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    return _trained(torch, path, torch.nn.Sequential(encoder, torch.nn.Linear(3, 10)), x, y, "0")


@pytest.fixture(scope="module")
def transformer(tmp_path_factory):
    """A transformer that adds modulo 13: 60 steps, of 169 points in 32 dimensions."""
    torch = pytest.importorskip("torch")

    class Adder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(13, 32)
            self.block = torch.nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
            self.out = torch.nn.Linear(32, 13)
            self.last = torch.nn.Identity()

        def forward(self, pairs):
            return self.out(self.last(self.block(self.embed(pairs)).mean(1)))

    pairs = torch.cartesian_prod(torch.arange(13), torch.arange(13))
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("adder") / "adder.npz"
    return _trained(torch, path, Adder(), pairs, pairs.sum(1) % 13, "last")


def _trained(torch, path, model, x, y, layer):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with latentviz.Recorder(path, model, layer=layer, probe=x, classes=y, latents=True) as recorder:
        for _ in range(60):
            loss = torch.nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            recorder.step(batch=x, losses={"loss": loss})
            optimizer.step()
    return path


@pytest.mark.parametrize(("name", "options"), [("digits", {}), ("transformer", {"project": "pca"})])
def test_places_of_real_models_are_within_the_bound(name, options, request):
    from latentviz.runs.run import source_of
    from latentviz.views import fitted_of

    with latentviz.open_run(request.getfixturevalue(name)) as run:
        viewer = run.view(**options)
        plain = document(viewer.page)["rows"][0]
        fitted = fitted_of([run], options.get("project"), None)
        source = source_of(run, fitted.take(tuple(c["index"] for c in plain["components"])))
        true = np.concatenate([source.positions(np.arange(len(run))), source.final()[None]])
    assert held(viewer.page).shape == true.shape
    assert farthest_px(true, viewer.page) <= plain["error_px"] * (1 + 1e-4) <= 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_points_that_are_nowhere_are_refused(bad, tmp_path, invoke):
    latents = np.random.default_rng(0).normal(size=(10, 5, 2)).astype(np.float32)
    latents[6:, 2] = bad
    run = Run.from_arrays(latents, steps=np.arange(10) * 100)
    with pytest.raises(OptionError, match=r"finite.*step 600"):
        latentviz.view(run)
    assert latentviz.view(run, steps=(None, 600)).packing[0].shape == (6, 5, 2)
    run.save(tmp_path / "run.npz")
    done = invoke("view", tmp_path / "run.npz", "-o", tmp_path / "x.html", status=2)
    assert "step 600" in done.output
    assert not (tmp_path / "x.html").exists()


def test_a_page_keeps_to_its_size(tmp_path, invoke):
    rng = np.random.default_rng(0)
    jumps = Run.from_arrays(rng.normal(size=(250, 400, 3)).astype(np.float32))
    whole = latentviz.view(jumps)
    viewer = latentviz.view(jumps, max_size="500kB")
    assert whole.size > 500_000 >= viewer.size
    ((T, _, _),) = {packing.shape for packing in viewer.packing}
    assert T + viewer.packing[0].n_left_out == 250
    assert f"{T} of 250 steps" in viewer.words
    assert document(viewer.page)["runs"][0]["left_out"] == 250 - T
    assert T > 40
    jumps.save(tmp_path / "jumps.npz")
    for size, words in (("100kB", "500kB or more"), ("much", "such as 20MB")):
        done = invoke(
            "view", tmp_path / "jumps.npz", "-o", tmp_path / "x.html", "--max-size", size, status=2
        )
        assert words in done.output


def test_several_runs_share_a_clock(tmp_path, invoke):
    steps = [np.arange(30) * 2, np.arange(20) * 3]
    for k, (given, name) in enumerate(zip(steps, ("a", "b"), strict=True)):
        run = walk(T=len(given), steps=given, losses={"loss": np.exp(-given / 9)}, name=name)
        run.save(tmp_path / f"{k}.npz")
    runs = [tmp_path / "0.npz", tmp_path / "1.npz"]
    invoke("view", *runs, "-o", tmp_path / "both.html", "--project", "pca")
    page = (tmp_path / "both.html").read_text("utf-8")
    plain = document(page)
    assert [run["name"] for run in plain["runs"]] == ["0", "1"]
    assert [row["run"] for row in plain["rows"]] == [0, 1]
    assert [row["name"] for row in plain["rows"]] == ["0", "1"]
    # One transform for both, which they share.
    names = [[component["name"] for component in row["components"]] for row in plain["rows"]]
    assert names[0] == names[1]
    assert [curve["name"] for curve in plain["charts"][0]["curves"]] == ["0", "1"]
    assert [word for word in plain["command"] if word.endswith(".npz")] == [
        str(run) for run in runs
    ]
    with pytest.raises(OptionError, match="1 to 6 of them, got 7"):
        latentviz.view([runs[0]] * 7)


def test_runs_of_one_name_are_told_apart(tmp_path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        walk().save(tmp_path / folder / "run.npz")
    viewer = latentviz.view([tmp_path / "first/run.npz", tmp_path / "second/run.npz"])
    assert viewer.title == "first/run · second/run" or "first/run" in viewer.page
    same = latentviz.view([walk(), walk()])
    assert [run["name"] for run in document(same.page)["runs"]] == ["run (1)", "run (2)"]


def test_rows_of_one_run_hold_the_same_steps(short_run):
    viewer = latentviz.view(short_run, points=["rows:encoder.0.weight", "rows:decoder.0.weight"])
    rows = document(viewer.page)["rows"]
    assert [row["name"] for row in rows] == ["rows:encoder.0.weight", "rows:decoder.0.weight"]
    assert len({packing.shape[0] for packing in viewer.packing}) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": (640, 360)}, "unknown option size; the options of a page are dims"),
        ({"components": 2}, "components must lie within 3 to 16"),
        ({"components": "4"}, "components must be a whole number"),
        ({"max_size": 3.5}, "max_size must be 500kB or more"),
        ({"dims": [(0, 9)]}, "9"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises(OptionError, match=re.escape(words)):
        latentviz.view(walk(), **options)


def test_bad_paths(tmp_path, invoke, short_run):
    with pytest.raises(OptionError, match=r"extension must be \.html"):
        latentviz.view(walk(), tmp_path / "run.mp4")
    with pytest.raises(ArchiveError, match=r"missing\.npz"):
        latentviz.view(tmp_path / "missing.npz", tmp_path / "x.html")
    done = invoke("view", short_run, "-o", tmp_path / "no/x.html", status=2)
    assert len(done.output.strip().splitlines()) == 1
    truncated = tmp_path / "cut.npz"
    truncated.write_bytes(short_run.read_bytes()[:5000])
    assert invoke("view", truncated, "-o", tmp_path / "x.html", status=2).output.startswith(
        "Error:"
    )
    assert not (tmp_path / "x.html").exists()


def test_long_runs_have_few_points_a_curve():
    T = 50_000
    losses = {"loss": np.exp(-np.arange(T) / 9000)}
    losses["loss"][30_001] = 50.0  # a spike of one step stays
    run = Run.from_arrays(np.zeros((T, 2, 2), np.float32), losses=losses)
    page = latentviz.view(run).page
    (chart,) = document(page)["charts"]
    assert chart["steps"]["shape"][0] <= 16_384
    assert len(page) < MB


def test_a_notebook_keeps_it(short_run, tmp_path):
    from latentviz.notebook import html_of

    html = html_of(short_run, dims=[(0, 1)])
    assert html.startswith("<iframe srcdoc=")
    assert "latentviz" in html
    with latentviz.open_run(short_run) as run:
        assert html_of(run, dims=[(0, 1)]) == html
    with pytest.raises(OptionError, match="options are for a run"):
        html_of(np.zeros((4, 6, 3), np.uint8), dims=[(0, 1)])


def test_the_template_has_every_part_once():
    places = re.findall(r"\{\{(\w+)\}\}", viewer_file("page.html"))
    assert sorted(places) == [
        "connect",
        "data",
        "document",
        "script",
        "style",
        "theme",
        "title",
        "title",
    ]


def test_a_disk_that_is_full_leaves_nothing(short_run, tmp_path):
    # A limit on a file's size is a disk's end, to whoever writes.
    command = f"ulimit -f 40; {sys.executable} -m latentviz view {short_run} -o {tmp_path}/x.html"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []


def test_runs_can_be_aligned_by_their_fractions(tmp_path):
    long, short = walk(T=30, name="long"), walk(T=15, name="short")
    plain = document(latentviz.view([long, short], align="fraction").page)
    assert plain["parts"] == 10**9
    assert [chart["parts"] for chart in plain["charts"]] == [10**9] * len(plain["charts"])
    by_step = document(latentviz.view([long, short], register="final").page)
    assert by_step["parts"] is None
    # Of arrays nobody knows what followed the last update.
    assert [run["end"] for run in by_step["runs"]] == [None, None]
    assert [row["name"] for row in by_step["rows"]] == ["long", "short"]


def test_a_page_offers_no_panels_that_turn_by_themselves(invoke):
    assert "I,J[,K]" in invoke("render", "--help").output
    for name in ("view", "watch"):
        told = " ".join(invoke(name, "--help").output.split())
        assert "--dims I,J Draw dimension" in told
        assert "Each can be turned in the page" in told
