"""The README is short, and works as it stands."""

import re
import subprocess
import sys

import pytest
from pages import README, ROOT, blocks, commands

TEXT = README.read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the README's Python was run, block after block, in one go."""
    folder = tmp_path_factory.mktemp("readme")
    # Smaller frames: the README's own size is rendered elsewhere.
    code = "\n".join(blocks(README, "python")).replace("frames=300", "frames=12, size=(320, 180)")
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=folder, check=True)
    return folder


def test_the_python_runs_without_a_warning(folder):
    assert {path.name for path in folder.iterdir()} == {"run.npz", "film.mp4"}


def test_the_latentviz_commands_run(folder):
    run = [c.split()[1:] for c in commands(README) if c.startswith("latentviz ")]
    assert run
    for command in run:
        size = [] if command[0] == "view" else ["--size", "320x180"]
        smaller = [*command, *size, "--frames", "5"]
        subprocess.run([sys.executable, "-m", "latentviz", *smaller], cwd=folder, check=True)


def test_the_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`)make ([a-z]+)", TEXT, re.MULTILINE))
    assert {"demo", "gallery", "test"} <= targets
    assert targets <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_it_is_read_in_five_minutes():
    assert len(TEXT.splitlines()) <= 150
