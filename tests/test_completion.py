"""Completion as a shell asks for it."""

import shlex
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete

from latentviz.cli import main

SHELLS = {"bash": 'eval "$(', "zsh": 'eval "$(', "fish": "> ~/.config/fish/completions/"}
TRIES = {
    "latentviz ti": ["timeline"],
    "latentviz render ": ["run.npz", "short.npz.part"],
    "latentviz info runs/": ["runs/a.npz"],
    "latentviz info ~/ru": ["~/run.npz"],
    "latentviz info none/": [],
    "latentviz render run.npz --lo": ["--loop"],
    "latentviz render run.npz --theme ": ["dark", "light"],
    "latentviz render run.npz --colormap virid": ["viridis", "viridis_r"],
    "latentviz render run.npz --preset ver": ["veryfast", "veryslow"],
    "latentviz frame run.npz --pace g": ["geometric"],
    "latentviz completion ": ["bash", "zsh", "fish"],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("run.npz", "short.npz.part", "notes.txt", "runs/a.npz", "runs/b.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    # The shell must find the command.
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "latentviz"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m latentviz "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=":")
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_says_how_to_install_it(invoke, shell):
    lines = invoke("completion", shell).output.splitlines()
    assert lines[1].startswith("# To install: ")
    assert SHELLS[shell] in lines[1]
    assert any("_LATENTVIZ_COMPLETE=" in line for line in lines)
    if shell == "zsh":
        assert lines[0] == "#compdef latentviz"
    if shutil.which(shell):
        script = "\n".join(lines)
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes(folder):
    # What bash does when Tab is pressed, as far as it is ours.
    script = ['eval "$(latentviz completion bash)"', "compopt() { :; }"]
    for words in TRIES:
        before, _, last = words.rpartition(" ")
        script += [
            f"COMP_WORDS=({before} {shlex.quote(last)})",
            "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()",
            "_latentviz_completion latentviz",
            'echo "${COMPREPLY[*]}"',
        ]
    done = subprocess.run(["bash", "-c", "\n".join(script)], capture_output=True, text=True)
    assert done.stderr == ""
    found = [line.split() for line in done.stdout.splitlines()]
    assert dict(zip(TRIES, found, strict=True)) == TRIES


def test_what_needs_quotes_is_left_to_the_shell(folder):
    complete = BashComplete(main, {}, "latentviz", "_LATENTVIZ_COMPLETE")

    def offered(start):
        return [(item.type, item.value) for item in complete.get_completions(["info"], start)]

    assert offered("run") == [("dir", "run"), ("plain", "run.npz")]
    (folder / "my run.npz").touch()
    assert offered("run") == [("dir", "run"), ("plain", "run.npz")]
    assert offered("m") == [("file", "m")]
