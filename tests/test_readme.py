"""What the README says works."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

import latentviz
from latentviz.cli import main

# But those that only say where something went.
COMMANDS = sorted(name for name, command in main.commands.items() if not command.hidden)
README = (Path(__file__).parents[1] / "README.md").read_text()


# What Lightning's own code does with recent PyTorch, and what it advises for small data.
LIGHTNINGS_WARNINGS = [
    "-Wignore:`isinstance(treespec, LeafSpec)` is deprecated",
    "-Wignore:The 'train_dataloader' does not have many workers",
]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block_of(library):
    """The example with another library's trainer."""
    (block,) = (b for b in blocks("python") if f"latentviz.adapters.{library}" in b)
    return block


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the README's Python was run, block after block, in one go."""
    folder = tmp_path_factory.mktemp("readme")
    # Smaller frames: the README's own size is rendered elsewhere.
    own = [b for b in blocks("python") if "latentviz.adapters" not in b and "def test_" not in b]
    code = "\n".join(own).replace("frames=300", "frames=12, size=(320, 180)")
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=folder, check=True)
    return folder


def test_the_python_runs_without_a_warning(folder):
    assert {path.name for path in folder.iterdir()} == {"run.npz", "film.mp4", "words.npz"}


@pytest.mark.parametrize(
    ("library", "run"), [("lightning", "lightning.npz"), ("transformers", "bert.npz")]
)
def test_the_adapters_record(tmp_path, library, run):
    if find_spec(library) is None:
        pytest.skip(f'not installed: pip install ".[{library}]"')
    command = [sys.executable, "-W", "error", *LIGHTNINGS_WARNINGS, "-c", block_of(library)]
    # Threads of a model so small wait for each other more than they do.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, check=True, env=environment)
    with latentviz.open_run(tmp_path / run) as recorded:
        assert len(recorded) == 100


def test_the_tests_pass_once_they_have_references(folder, pytester):
    pytest.importorskip("skimage")
    (block,) = (block for block in blocks("python") if "def test_" in block)
    pytester.makeini("[pytest]")
    # Smaller frames, and fewer: the film that the README asks for is drawn elsewhere.
    smaller = "size=(320, 180), frames=12"
    pytester.makepyfile(test_drawn=block.replace("size=(640, 360)", smaller))
    (pytester.path / "run.npz").write_bytes((folder / "run.npz").read_bytes())
    pytester.runpytest_subprocess("--latentviz-renew").assert_outcomes(passed=2)
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_the_latentviz_commands_run(folder):
    commands = [
        line.split()[1:]
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("latentviz ")
    ]
    assert commands
    for command in commands:
        subprocess.run(
            [sys.executable, "-m", "latentviz", *command, "--size", "320x180", "--frames", "5"],
            cwd=folder,
            check=True,
        )


def test_the_make_targets_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test", "bench"} <= targets
    assert targets <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help_and_stands_in_the_readme(name):
    command = main.commands[name]
    assert command.help
    assert re.search(rf"^####? `latentviz {name} ", README, re.MULTILINE)
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert any(re.search(rf"{opt}(?![\w-])", README) for opt in option.opts), option.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_used_by_a_test(name):
    tests = "".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    assert f'"{name}"' in tests or f"'{name}" in tests
    for option in main.commands[name].params:
        if isinstance(option, click.Option):
            assert any(re.search(rf"{opt}(?![\w-])", tests) for opt in option.opts), option.opts


def test_the_pictures_exist():
    pictures = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", README)
    assert pictures
    for alt, path in pictures:
        assert len(alt) > 40
        assert (Path(__file__).parents[1] / path).is_file()
