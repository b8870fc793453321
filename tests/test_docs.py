"""The pages of docs/ are right: code runs, commands are commands, and links lead somewhere."""

import inspect
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec

import click
import pytest
from click.testing import CliRunner
from pages import PAGES, README, ROOT, blocks, commands

import latentviz
from gallery.cli import main as gallery
from gallery.docs import find_docs, headings_of, links_of
from gallery.written import RENEW, renew, stale_pages, written_pages
from latentviz.cli import main
from trainers.cli import main as trainers

DOCS = ROOT / "docs"
# All that a reader of the repository may come to; the contributors' page has links, too.
LINKING = [*PAGES, ROOT / "CONTRIBUTING.md"]
GROUPS = {"latentviz": main, "python -m trainers": trainers}
EACH_COMMAND = [
    (called, name)
    for called, group in GROUPS.items()
    for name, command in group.commands.items()
    if not command.hidden  # those only say where something went
]
# Lightning's own code does this with recent PyTorch, and it advises this for small data.
LIGHTNINGS_WARNINGS = [
    "-Wignore:`isinstance(treespec, LeafSpec)` is deprecated",
    "-Wignore:The 'train_dataloader' does not have many workers",
]


def each_page(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.stem)


def of_recording(word):
    """The one example of recording.md that has a word."""
    (block,) = (b for b in blocks(DOCS / "recording.md", "python") if word in b)
    return block


def python(code, folder, *options):
    # Threads of a model so small wait for each other more than they do.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", *options, "-c", code]
    subprocess.run(command, cwd=folder, check=True, env=environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the README's model, and those of recording.md, were recorded."""
    folder = tmp_path_factory.mktemp("docs")
    names = ("short.npz", "words.npz", "rows.npz")
    recorded = [blocks(README, "python")[0], *map(of_recording, names)]
    python("\n".join(recorded), folder)
    return folder


def test_the_recorder_records(folder):
    for name, points in (
        ("run.npz", 400),
        ("short.npz", 400),
        ("words.npz", 480),
        ("rows.npz", 12),
    ):
        with latentviz.open_run(folder / name) as run:
            assert run.n_points == points


@pytest.mark.parametrize(
    ("library", "run"), [("lightning", "lightning.npz"), ("transformers", "bert.npz")]
)
def test_the_adapters_record(tmp_path, library, run):
    if find_spec(library) is None:
        pytest.skip(f'not installed: pip install ".[{library}]"')
    python(of_recording(f"latentviz.adapters.{library}"), tmp_path, *LIGHTNINGS_WARNINGS)
    with latentviz.open_run(tmp_path / run) as recorded:
        assert len(recorded) == 100


@each_page([DOCS / "archive.md", DOCS / "pictures.md", DOCS / "python.md"])
def test_the_python_of_a_page_runs(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    exec(compile("\n".join(blocks(page, "python")), page.name, "exec"), {})


def test_the_tests_pass_once_they_have_references(folder, pytester):
    pytest.importorskip("skimage")
    (block,) = blocks(DOCS / "testing.md", "python")
    pytester.makeini("[pytest]")
    # Smaller frames, and fewer: the film that the page asks for is drawn elsewhere.
    smaller = "size=(320, 180), frames=12"
    pytester.makepyfile(test_drawn=block.replace("size=(640, 360)", smaller))
    (pytester.path / "run.npz").write_bytes((folder / "run.npz").read_bytes())
    pytester.runpytest_subprocess("--latentviz-renew").assert_outcomes(passed=2)
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


@each_page(PAGES)
def test_the_commands_of_a_page_are_commands(page):
    for line in commands(page):
        # In a shell's own words: `eval "$(latentviz completion bash)"`.
        words = shlex.split(line.removeprefix('eval "$(').removesuffix(')"'))
        words = words[: words.index(">")] if ">" in words else words
        if words[:3] == ["python", "-m", "trainers"]:
            group, words = trainers, words[3:]
        elif words[0] == "latentviz":
            group, words = main, words[1:]
        else:
            assert words[0] in ("make", "pip", "pytest"), line
            continue
        if "--help" in words:
            assert words[0] == "--help" or words[0] in group.commands
            continue
        command = group.commands[words[0]]
        assert not command.hidden
        with click.Context(group, **group.context_settings) as parent:
            command.make_context(words[0], words[1:], parent=parent)


@pytest.mark.parametrize(("called", "name"), EACH_COMMAND)
def test_a_command_and_its_options_have_help_and_an_example(called, name):
    command = GROUPS[called].commands[name]
    assert command.help
    assert f"  {called} {name}" in command.epilog.replace('eval "$(', "  ")
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name


def test_the_written_pages_are_current():
    stale = stale_pages(DOCS)
    assert not stale, f"{', '.join(stale)} of docs/ is not current; renew with: {RENEW}"


def test_the_pages_do_not_depend_on_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert stale_pages(DOCS) == []


def test_a_page_that_is_not_current_is_told_in_a_line(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr("gallery.cli.ROOT", tmp_path)
    done = CliRunner().invoke(gallery, ["docs", "--check"])
    assert done.exit_code == 1
    assert done.stderr == f"docs/commands.md, docs/archive.md: not current; renew with: {RENEW}\n"
    assert not any((tmp_path / "docs").iterdir())
    assert CliRunner().invoke(gallery, ["docs"]).exit_code == 0
    assert CliRunner().invoke(gallery, ["docs", "--check"]).exit_code == 0
    assert "gallery docs --check" in (ROOT / "Makefile").read_text()


def test_only_pages_that_are_not_current_are_renewed(tmp_path):
    for name, text in written_pages().items():
        (tmp_path / name).write_text(text)
    assert stale_pages(tmp_path) == []
    (tmp_path / "commands.md").write_text("# Commands\n")
    (tmp_path / "archive.md").unlink()
    assert stale_pages(tmp_path) == ["commands.md", "archive.md"]
    assert renew(tmp_path) == ["commands.md", "archive.md"]
    assert stale_pages(tmp_path) == []


def test_every_option_stands_under_its_own_command():
    page = (DOCS / "commands.md").read_text()
    for called, name in EACH_COMMAND:
        section = page.split(f"### `{called} {name}`\n")[1].split("\n### ")[0]
        for option in GROUPS[called].commands[name].params:
            if isinstance(option, click.Option):
                assert all(re.search(rf"\| .*`{o}`", section) for o in option.opts), option.opts


def test_every_option_of_the_recorder_and_its_step_is_explained():
    page = (DOCS / "recording.md").read_text()
    recorder = inspect.signature(latentviz.Recorder).parameters
    step = inspect.signature(latentviz.Recorder.step).parameters
    for name in {*recorder, *step} - {"path", "model", "self"}:
        assert f"`{name}=`" in page, name


@each_page(LINKING)
def test_every_link_leads_somewhere(page):
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in [heading.anchor for heading in headings_of(target)], link


def test_every_page_is_in_the_index_and_in_the_readme():
    found = {doc.source for doc in find_docs()}
    assert {*DOCS.glob("*.md"), ROOT / "CONTRIBUTING.md"} == found
    linked = {(ROOT / link.split("#")[0]).resolve() for link in links_of(README)}
    assert found - {DOCS / "README.md"} <= linked


@each_page(PAGES)
def test_pictures_are_described(page):
    for alt in re.findall(r"!\[([^\]]*)\]", page.read_text()):
        assert len(alt) > 40


def test_figures_of_speed_stand_in_one_table():
    """Elsewhere they are said again only as that table has them."""
    speed = re.compile(r"[\d.]+ times (?:faster|the (?:time|memory))")
    table = {*speed.findall((DOCS / "performance.md").read_text())}
    assert len(table) >= 8
    for page in {*PAGES} - {DOCS / "performance.md"}:
        assert {*speed.findall(page.read_text())} <= table, page.name
        assert not re.search(r"\b(?:two|three|ten|thirty) times faster", page.read_text())


# Sentences that begin so seldom have a subject that does something.
BEGINS_WITH_WHAT = re.compile(r"(?:^|[.!?:|] +|^- )What (?!is\b.*\?)\w", re.MULTILINE)


@each_page(PAGES)
def test_no_sentence_begins_with_what(page):
    assert BEGINS_WITH_WHAT.findall(page.read_text()) == []


def test_color_is_spelled_in_one_way():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a checkout")
    other = re.compile(b"colo" + b"ur", re.IGNORECASE)
    spelled = []
    for name in tracked.stdout.decode().split("\0")[:-1]:
        path = ROOT / name
        if path.is_file() and b"\0" not in (text := path.read_bytes()) and other.search(text):
            spelled.append(name)
    assert spelled == []
