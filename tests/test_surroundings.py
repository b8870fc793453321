"""Commands where something is missing around them, or odd: the work still gets done."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from graphics import needs_graphics

import latentviz
from latentviz import Run, plot_sphere

ROOT = Path(latentviz.__file__).parents[1]
SMALL = ["--size", "320x180", "--frames", "3"]


def latentviz_command(*arguments, shell="", **environment):
    """Run a command in a process of its own; ``shell`` is what a shell is told after it."""
    command = [sys.executable, "-m", "latentviz", *map(str, arguments)]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    return subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
    )


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_without_standard_streams(drawn_run, tmp_path, closed):
    video = tmp_path / "film.mp4"
    done = latentviz_command("render", drawn_run, "-o", video, *SMALL, shell=closed)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    whole = video.read_bytes()
    latentviz.render(drawn_run, video, size=(320, 180), frames=3)
    assert video.read_bytes() == whole  # nothing was written into it by who wrote to a stream


def test_a_backend_that_matplotlib_does_not_know(drawn_run, tmp_path):
    done = latentviz_command("history", drawn_run, "-o", tmp_path / "h.png", MPLBACKEND="nonsense")
    assert (done.returncode, done.stderr) == (0, b"")


FROM_PYTHON = """
import os, sys, latentviz
run, folder = sys.argv[1:]
any = {"dims": [(0, 1)], "theme": "light"}
CALL
assert os.environ["MPLBACKEND"] == "nonsense"
from matplotlib.figure import Figure
latentviz.compare(Figure(), Figure())
"""


@pytest.mark.parametrize(
    "call",
    [
        "latentviz.render(run, folder + '/f.mp4', size=(640, 360), frames=2, **any)",
        "latentviz.plot_history(run, **any).save(folder + '/h.png')",
        "latentviz.plot_timeline(latentviz.Schedule('s', [0, 1], {'lr': [1, 2]})).pixels",
    ],
)
def test_a_backend_that_matplotlib_does_not_know_in_python(drawn_run, tmp_path, call):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "nonsense"}
    done = subprocess.run(
        [sys.executable, "-c", FROM_PYTHON.replace("CALL", call), drawn_run, tmp_path],
        env=environment,
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_spheres_are_drawn_in_a_process_without_a_backend(monkeypatch):
    needs_graphics()
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    picture = plot_sphere(Run.from_arrays(np.eye(3)[None]), size=(320, 320), dims=[(0, 1, 2)])
    assert picture.pixels.shape == (320, 320, 3)


def test_the_backend_is_still_the_one_that_the_environment_names():
    code = "from latentviz.backend import import_matplotlib; import_matplotlib(); "
    code += "import matplotlib; print(matplotlib.rcParams['backend'])"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "svg"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.stdout == b"svg\n"


def test_names_that_are_no_text(drawn_run, tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    done = latentviz_command("frame", drawn_run, "-o", f"{odd}.png", *SMALL, **strict)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"/\\udcff\\udcfe.png: 320x180\n")
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [b"\xff\xfe.png"]
    for arguments in (["info", f"{odd}.npz"], [odd], ["info", drawn_run, f"--{odd}"]):
        done = latentviz_command(*arguments, **strict)
        assert done.returncode == 2
        assert done.stderr.startswith(b"Error: ")
        assert done.stderr.count(b"\n") == 1


def test_a_package_whose_folder_cannot_be_written(monkeypatch):
    """As where it was installed by root, and the user has no folder of their own."""
    from latentviz.raster import compiled as module

    real = module.njit

    def njit(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")
        return real(**options)

    monkeypatch.setattr(module, "njit", njit)
    assert module.compiled(lambda x: x + 1)(2) == 3
