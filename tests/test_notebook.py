import base64
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from viewers import find_chromium, launched

import latentviz
from latentviz import (
    IncompleteRunWarning,
    LatentvizError,
    OptionError,
    Picture,
    Run,
    open_run,
    render,
)
from latentviz.media import notebook_progress
from latentviz.notebook import html_of

ROOT = Path(__file__).parents[1]
SMALL = {"size": (240, 136), "frames": 5, "dims": [(0, 1)]}
PIXELS = np.zeros((4, 6, 3), np.uint8)


class Tags(HTMLParser):
    """All start tags of some HTML, each a name and its attributes."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def only_tag(html):
    ((name, attributes),) = Tags(html).found
    return name, attributes


def data_of(uri, media_type):
    head, _, data = uri.partition(",")
    assert head == f"data:{media_type};base64"
    return base64.b64decode(data)


def test_a_run_shows_what_is_in_it(short_run):
    with open_run(short_run) as run:
        html = run._repr_html_()
    assert "<caption" in html
    assert re.search(r"<th[^>]*>steps</th><td[^>]*>150 \(0 to 149\)</td>", html)
    assert re.search(r"<th[^>]*>model</th><td[^>]*>color-mlp</td>", html)
    # Shown by itself it can be looked at.
    tag, attributes = only_tag(html_of(short_run, width=500))
    assert tag == "iframe"
    assert "width:500px" in attributes["style"]
    assert attributes["title"] == "run"
    assert attributes["srcdoc"].startswith("<!doctype html>")


def test_a_run_that_is_closed_shows_itself_and_one_that_was_cut_off_by_its_path(
    short_run, tmp_path
):
    with open_run(short_run) as run:
        pass
    assert "150 (0 to 149)" in html_of(run)
    part = tmp_path / "run.npz.part"
    part.write_bytes(short_run.read_bytes()[:-100])
    with pytest.warns(IncompleteRunWarning):
        assert html_of(part).startswith("<iframe")


def test_names_from_a_file_are_text_and_nothing_else():
    run = Run.from_arrays(np.zeros((2, 5, 3)), name="<script>\x1b", phases=[(0, "<b>&\n")])
    html = run._repr_html_()
    assert "&lt;script&gt; " in html
    assert "&lt;b&gt;&amp;  from 0" in html
    assert "script" not in [tag for tag, _ in Tags(html).found]


def test_a_picture_shows_itself_with_its_words():
    picture = Picture(title="A", alt='Black & "white".', data={}, drawn=PIXELS)
    name, attributes = only_tag(picture._repr_html_())
    assert (name, attributes["alt"]) == ("img", picture.alt)
    assert data_of(attributes["src"], "image/png") == picture.png()
    _, sized = only_tag(html_of(picture, width=300))
    assert "width:300px" in sized["style"]
    assert "max-width:100%" in sized["style"]


def test_a_rendered_film_is_a_player_and_another_its_last_frame(short_run, tmp_path):
    path = tmp_path / "film.mp4"
    film = render(short_run, path, **SMALL)
    assert film.path == path
    assert repr(film) == f"<Film of run, written to {path}: 5 frames, 240x136, steps 0 to 149>"
    name, attributes = only_tag(film._repr_html_())
    assert name == "video"
    assert "controls" in attributes
    assert data_of(attributes["src"], "video/mp4") == path.read_bytes()
    assert data_of(attributes["poster"], "image/jpeg").startswith(b"\xff\xd8")
    assert attributes["aria-label"].startswith("The latents of run in the projections [0,1], in 5 ")
    assert only_tag(html_of(path))[1]["src"] == attributes["src"]
    with open_run(short_run) as run:
        plan = latentviz.Film(run, latentviz.FilmSpec(**SMALL))
        name, attributes = only_tag(plan._repr_html_())
    assert repr(plan) == "<Film of run, not written: 5 frames, 240x136, steps 0 to 149>"
    assert name == "img"
    (tmp_path / "last.png").write_bytes(data_of(attributes["src"], "image/png"))
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "last.png")), latentviz.render_frame(short_run, **SMALL)
    )


def test_a_large_film_is_linked_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("latentviz.media.MOST_EMBEDDED_BYTES", 3)
    (tmp_path / "film.gif").write_bytes(b"GIF8")
    assert only_tag(html_of(tmp_path / "film.gif"))[1]["src"] == "film.gif"
    odd = tmp_path / "a:b" / "run #3 at 50%20?.gif"
    odd.parent.mkdir()
    odd.write_bytes(b"GIF8")
    link = only_tag(html_of(odd))[1]["src"]
    assert link == "a%3Ab/run%20%233%20at%2050%2520%3F.gif"
    assert (tmp_path / unquote(link)).samefile(odd)
    bad = os.fsdecode(b"\xff.gif")  # a name that is no text
    (tmp_path / bad).write_bytes(b"GIF8")
    assert only_tag(html_of(tmp_path / bad))[1]["src"] == "%FF.gif"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "film.mp4")
    with pytest.raises(OptionError, match="it is no regular file"):
        html_of(tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("what", "error"),
    [
        (3, "takes a run, a film, a picture"),
        (np.zeros((4, 6)), r"must be \(H, W, 3\) uint8, got \(4, 6\) float64"),
        ("film.txt", "got 'film.txt'"),
        ("missing.mp4", "cannot show missing.mp4: No such file"),
    ],
)
def test_what_cannot_be_shown(what, error):
    with pytest.raises(OptionError, match=error):
        html_of(what)


def test_without_jupyter_there_is_no_bar_and_show_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    assert notebook_progress("frames") is None
    with pytest.raises(LatentvizError, match="show\\(\\) needs Jupyter"):
        latentviz.show(PIXELS)


def test_the_example_notebook_runs_and_shows_everything(tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(ROOT / "gallery" / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=resources).execute()
    shown = [
        Tags(output["data"]["text/html"]).found
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    # The run, the history, the frame, the film's progress (a bar, done), the film, and the same of
    # the page with every step.
    names = ["table", "img", "img", "progress", "video", "progress", "iframe"]
    assert [tags[0][0] for tags in shown] == names
    for number in (3, 5):
        _, bar = shown[number][0]
        assert bar["value"] == bar["max"] != "0"
    nbconvert = pytest.importorskip("nbconvert")
    exported, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    (tmp_path / "notebook.html").write_text(exported, "utf-8")
    if find_chromium() is None:
        pytest.skip("no Chromium is installed: the exported page is not opened")
    with launched() as browser:
        page = browser.new_page()
        page.goto((tmp_path / "notebook.html").as_uri(), wait_until="domcontentloaded")
        frame = page.locator("iframe").element_handle().content_frame()
        frame.wait_for_selector("#count-number")
        frame.evaluate("latentviz.ready.then(() => latentviz.set({moment: 250, playing: false}))")
        assert frame.inner_text("#count-number") == "250"
