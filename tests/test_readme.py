"""What the README says works."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from latentviz.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the README's Python was run, block after block, in one go."""
    folder = tmp_path_factory.mktemp("readme")
    # Smaller frames: the README's own size is rendered elsewhere.
    code = "\n".join(blocks("python")).replace("frames=300", "frames=12, size=(320, 180)")
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=folder, check=True)
    return folder


def test_the_python_runs_without_a_warning(folder):
    assert {path.name for path in folder.iterdir()} == {"run.npz", "film.mp4"}


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


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_and_option_has_help_and_stands_in_the_readme(name):
    command = main.commands[name]
    assert command.help
    assert re.search(rf"^####? `latentviz {name} ", README, re.MULTILINE)
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert any(re.search(rf"{opt}(?![\w-])", README) for opt in option.opts), option.opts


def test_the_pictures_exist():
    pictures = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", README)
    assert pictures
    for alt, path in pictures:
        assert len(alt) > 40
        assert (Path(__file__).parents[1] / path).is_file()
