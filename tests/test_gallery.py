"""The gallery: scripts become a site that anybody can read, and that holds what it says."""

import html
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from conftest import DOPESHEET
from PIL import Image

from gallery.build import build
from gallery.check import check_structure
from gallery.docs import find_docs
from gallery.entry import find_entries
from gallery.errors import GalleryError
from gallery.look import find_chromium, look_at
from latentviz.cli import main as latentviz
from trainers.cli import main as trainers

ROOT = Path(__file__).parents[1]

SCHEDULE = '''"""The schedule.

Every property, & <b>more</b>: as `code`. A second sentence.

    python -m trainers sparse-labels -o runs/short.npz --dopesheet {dopesheet}
    latentviz timeline runs/short.npz -o "schedule dark.png"
"""

import latentviz

for theme in ("dark", "light"):
    picture = latentviz.plot_timeline("runs/short.npz", size=(800, 450), theme=theme)
    picture.save(f"schedule-{{theme}}.png")

print(len(picture.data["groups"]), "groups")
'''
FILM = '''"""A film?

Twelve frames of it.

    python -m trainers sparse-labels -o runs/short.npz --dopesheet {dopesheet}
"""

import latentviz

latentviz.render("runs/short.npz", "film.mp4", size=(320, 180), frames=12)
latentviz.view("runs/short.npz", "viewer.html", frames=12)
'''


class Built:
    """A small gallery, and what the builder said."""

    def __init__(self, folder):
        self.folder, self.site, self.scripts = folder, folder / "site", folder / "scripts"
        self.said = []

    def build(self, **options):
        self.said.clear()
        runs, cache = self.folder / "runs", self.folder / "cache"
        build(
            self.site, runs=runs, cache=cache, processes=2, scripts=self.scripts,
            say=self.said.append, **options,
        )  # fmt: skip

    def page(self, name):
        return (self.site / name).read_text()

    def folders(self):
        return {path.name for path in (self.folder / "cache").iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Made of nothing: the run that both entries share is trained first."""
    built = Built(tmp_path_factory.mktemp("gallery"))
    dopesheet = built.folder / "short.csv"
    dopesheet.write_text(DOPESHEET)
    built.scripts.mkdir()
    for name, script in (("1_film.py", FILM), ("20_schedule.py", SCHEDULE)):
        (built.scripts / name).write_text(script.format(dopesheet=dopesheet))
    built.build()
    return built


def test_a_site_of_nothing_but_scripts(built):
    made = [line.split(":")[0] for line in built.said]
    assert made[0] == str(built.folder / "runs" / "short.npz")
    assert set(made[1:]) == {"film", "schedule", "reference", str(built.site / "index.html")}
    assert sum("python -m trainers sparse-labels" in line for line in built.said) == 1
    assert [path.name for path in (built.folder / "runs").iterdir()] == ["short.npz"]
    assert check_structure(built.site) == []
    # A server that is another user's can show that too.
    assert (built.site / "reference").stat().st_mode == built.site.stat().st_mode


def test_every_page_of_a_run_offers_its_viewer(built):
    assert (built.site / "film" / "viewer.html").stat().st_size > 100_000
    for name in ("film.html", "schedule.html"):  # whose run is the same
        assert '<a class="viewer" href="film/viewer.html">' in built.page(name)


def test_a_page_says_what_is_to_be_seen_and_how_it_was_made(built):
    page = built.page("schedule.html")
    assert "<h1>The schedule</h1>" in page
    assert "&amp; &lt;b&gt;more&lt;/b&gt;: as <code>code</code>." in page
    with Image.open(built.site / "schedule" / "schedule-light.png") as picture:
        assert f'alt="{picture.info["Description"]}" width="800" height="450"' in page
    assert (
        '<source srcset="schedule/schedule-dark.png" media="(prefers-color-scheme: dark)">' in page
    )
    assert '<span class="kn">import</span>' in page
    text = html.unescape(re.sub("<[^>]*>", "", page))
    assert 'latentviz timeline runs/short.npz -o "schedule dark.png"\n' in text
    assert 'for theme in ("dark", "light"):\n' in text
    assert re.search(r"<pre[^>]*>\d groups</pre>", page)
    script = built.site / "schedule" / "schedule.py"
    assert script.read_text() == (built.scripts / "20_schedule.py").read_text()


def test_a_film_has_a_poster_and_controls(built):
    (video,) = re.findall(r"<video [^>]*>", built.page("film.html"))
    assert {"controls", "muted", 'poster="film/film.webp"', 'height="180"'} <= set(video.split())
    with Image.open(built.site / "film" / "film.webp") as poster:
        assert poster.size == (320, 180)


def test_the_index_shows_all_in_the_order_of_their_numbers(built):
    index = built.page("index.html")
    assert re.findall(r"<h2>(.*)</h2>", index) == ["A film?", "The schedule"]
    assert "second sentence" not in index
    for shown in ("film/card-dark", "schedule/card-dark", "schedule/card-light"):
        assert f'"{shown}.webp"' in index


def test_the_documentation_is_on_the_site_and_every_part_leads_to_the_others(built):
    docs = find_docs()
    assert {f"{doc.name}" for doc in docs} == {p.name for p in (built.site / "docs").glob("*.html")}
    page = built.page("docs/recording.html")
    assert page.count("<h1") == 1
    assert '<h2 id="with-lightning-or-hugging-face">' in page
    assert '<a href="performance.html">' in page
    assert '<span class="kn">import</span>' in page
    for address in ("../index.html", "index.html", "../reference/latentviz.html"):
        assert f'href="{address}"' in page
    assert '<a href="../docs/index.html" aria-current="page">Docs</a>' in page
    # A picture, and a file that is no page, come along.
    assert (built.site / "docs" / "sphere.png").is_file()
    assert 'href="sparse-labels.csv"' in built.page("docs/experiments.html")
    for name, root in (("index.html", ""), ("schedule.html", "")):
        assert f'<a href="{root}docs/index.html">Docs</a>' in built.page(name)
    for name, root in (("latentviz", "../"), ("latentviz/figures", "../../")):
        assert f'href="{root}docs/index.html"' in built.page(f"reference/{name}.html")


def test_text_in_a_page_is_no_markup(built):
    page = built.page("docs/commands.html")
    assert "&lt;!--" not in page
    assert "<td>Label coverages, such as 0,0.1,1; 1 is the base setting" in page
    assert "<code>dark|light</code>" in page
    assert "bezier[:X1,Y1,X2,Y2]" in page


def test_the_reference_knows_every_public_name(built):
    import latentviz
    import latentviz.figures

    figures = built.page("reference/latentviz/figures.html")
    for name in latentviz.figures.__all__:
        assert f'<section id="{name}">' in figures
    page = built.page("reference/latentviz.html")
    names = set(latentviz.__all__) - {"__version__"}
    assert {name for name in names if f'<section id="{name}">' not in page} == set()
    assert 'href="../reference/latentviz/figures.html"' in page
    assert "::</p>" not in page
    assert "NDArray[numpy.float32]" in re.sub("<[^>]*>", "", page)
    assert "numpy.ndarray[" not in re.sub("<[^>]*>", "", page)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import latentviz\n", "must begin with a docstring"),
        ('"""A title.\n\nText."""\n', "holds neither a film nor a picture"),
        ('"""A title.\n\nText."""\n1 / 0\n', "ZeroDivisionError: division by zero"),
        (
            '"""A title.\n\nText.\n\n    python -m trainers sparse-labels -o run.npz\n"""\n',
            "must make a run in runs/",
        ),
        (
            '"""A title.\n\nText."""\nfrom PIL import Image\n'
            'Image.new("RGB", (9, 9)).save("a.png")\n',
            "has no title or no description",
        ),
    ],
)
def test_what_is_wrong_with_a_script_is_said_and_nothing_is_replaced(tmp_path, script, message):
    built = Built(tmp_path)
    built.scripts.mkdir()
    built.site.mkdir()
    (built.site / "index.html").write_text('<meta name="generator" content="latentviz gallery">')
    (built.scripts / "odd.py").write_text(script)
    with pytest.raises(GalleryError, match=re.escape(message)):
        built.build(only=["odd"])
    assert [path.name for path in built.site.iterdir()] == ["index.html"]
    assert not any(path.name.startswith(".") for path in tmp_path.rglob("*"))


def test_what_is_no_gallery_is_not_replaced(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(GalleryError, match="is not a gallery that could be replaced"):
        build(tmp_path, runs=tmp_path, cache=tmp_path, processes=1)
    with pytest.raises(GalleryError, match=r"no entry 'nothing'; there are film, history"):
        find_entries(only=["nothing"])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_nothing_behind(tmp_path, how):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "slow.py").write_text(
        '"""Slow.\n\nText."""\nimport os, time\nopen("begun", "w").write(str(os.getpid()))\n'
        "time.sleep(60)\n"
    )
    options = ["-o", "site", "--only", "slow", "--runs", "runs", "--cache", "cache"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gallery", "build", *options, "--entries", "scripts"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while not (begun := [p for p in tmp_path.glob("cache/.*/begun") if p.read_text()]):
            assert time.monotonic() < until
            time.sleep(0.02)
        worker = int(begun[0].read_text())
        process.send_signal(how)
        _, complaint = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + how
    assert b"Traceback" not in complaint
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert list((tmp_path / "cache").iterdir()) == []
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("element", "fault"),
    [
        ('<img src="a.png">', "a.png has no alt text"),
        ('<video controls aria-label="b" src="a.png"></video>', "the film 'a.png' has no poster"),
        ('<video poster="a.png" aria-label="b"></video>', "the film 'b' has no controls"),
        ('<script src="https://a.b/c.js"></script>', "https://a.b/c.js would be fetched"),
        ('<link rel="stylesheet" href="//a.b/c.css">', "//a.b/c.css would be fetched"),
        ('<img alt="" srcset="a.png 1x, http://a.b/c.png 2x">', "http://a.b/c.png would be"),
        ("<style>@import 'http://a.b/c.css';</style>", "http://a.b/c.css would be fetched"),
        ('<p style="background: url(http://a.b/c)">', "http://a.b/c would be fetched"),
        ('<img alt="" src="missing.png">', "missing.png is missing"),
        ('<a href="missing.html">a</a>', "the link to missing.html leads nowhere"),
        ('<a href="index.html#b">a</a>', "leads to no part of that page"),
        ('<p id="a"><p id="a">', "2 elements have the id 'a'"),
        ("<html>", "no language"),
        ("", None),
    ],
)
def test_the_check_finds_what_is_wrong(tmp_path, element, fault):
    (tmp_path / "a.png").touch()
    (tmp_path / "index.html").write_text(
        f'<html lang="en"><title>A</title><a href="https://a.b">elsewhere</a>{element}'
    )
    found = check_structure(tmp_path)
    assert len(found) == (fault is not None)
    assert all(fault in problem for problem in found)


needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")


@needs_chromium
def test_a_browser_shows_and_plays_it_all_and_finds_nothing_that_keeps_readers_out(built, tmp_path):
    # The reference is long, and so are most pages of docs/; `make gallery` looks at them.
    pages = ["*.html", "docs/recording.html", "docs/testing.html"]
    assert look_at(built.site, find_chromium(), pages=pages, screenshots=tmp_path) == []
    assert {p.name for p in tmp_path.glob("*-phone-dark.png")} >= {
        "film-phone-dark.png",
        "docs-recording-phone-dark.png",
    }


@needs_chromium
def test_the_browser_finds_what_is_wrong(tmp_path):
    (tmp_path / "index.html").write_text(
        '<html lang="en"><meta name="viewport" content="width=device-width"><title>A</title>'
        "<main><h1>A</h1>"
        '<p style="color: #ddd; background: #fff">pale</p><div style="width: 2000px">wide</div>'
        '<img alt="" src="http://127.0.0.1:9/a.png"><video src="b.mp4" aria-label="B"></video>'
        '<script>throw new Error("in the script")</script></main>'
    )
    found = "\n".join(look_at(tmp_path, find_chromium()))
    for fault in (
        "axe: color-contrast (serious, 1)",
        "1618 pixels wider than the page",
        "requests http://127.0.0.1:9/a.png",
        "a.png does not load",
        "B does not play",
        "error in the script",
    ):
        assert fault in found


def test_what_has_not_changed_is_not_made_again(built):
    built.build()  # another test may have changed a script
    before = (built.site / "index.html").stat()
    built.build()
    assert set(built.said[:-1]) == {
        "film: as before",
        "schedule: as before",
        "reference: as before",
    }
    assert (built.site / "index.html").stat().st_ino == before.st_ino


def test_what_has_changed_is_made_again_and_nothing_else(built, short_run):
    folders = built.folders()
    script = built.scripts / "20_schedule.py"
    script.write_text(script.read_text().replace('groups")', 'groups of properties")'))
    built.build()
    (made,) = (line for line in built.said[:-1] if "as before" not in line)
    assert made.startswith("schedule: ")
    assert "groups of properties" in built.page("schedule.html")
    # Of each name there is one folder, and none is half-made.
    assert len(built.folders()) == len(folders) == 3
    assert len(built.folders() & folders) == 2

    shutil.copyfile(short_run, built.folder / "runs" / "short.npz")
    built.build(only=["film"])
    assert "as before" not in built.said[0]
    assert {path.name for path in built.site.glob("*.html")} == {"index.html", "film.html"}


ENTRIES = {entry.name: entry for entry in find_entries()}


@pytest.mark.parametrize("name", ["history", "timeline", "slices"])
def test_the_commands_make_what_the_scripts_make(name, short_run, tmp_path, monkeypatch, invoke):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "sparse-labels.npz").symlink_to(short_run)
    runpy.run_path(str(ENTRIES[name].path))
    pictures = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert len(pictures) == 2
    for command in ENTRIES[name].commands[1:]:
        program, *arguments = shlex.split(command)
        assert program == "latentviz"
        invoke(*arguments)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.png")} == pictures


@pytest.mark.parametrize("name", ENTRIES)
def test_the_commands_of_an_entry_are_commands(name):
    for command in ENTRIES[name].commands:
        program, *arguments = shlex.split(command)
        group = latentviz
        if (program, *arguments[:2]) == ("python", "-m", "trainers"):
            group, arguments = trainers, arguments[2:]
        elif program != "latentviz":
            continue  # a shell's own
        command = group.commands[arguments[0]]
        assert not command.hidden
        # As in its group: a command that is tried without one keeps that it has no -h.
        with click.Context(group, **group.context_settings) as parent:
            command.make_context(arguments[0], arguments[1:], parent=parent)


def test_recording_ones_own_model_is_what_the_readme_says():
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"```python\n(import torch\n.*?)```", readme, re.DOTALL)[1]
    imports, rest = block.split("\n\n", 1)
    code = ENTRIES["own-model"].code
    assert rest in code
    assert set(imports.splitlines()) <= set(code.splitlines())
