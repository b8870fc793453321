"""What `doctor` says where all is there, and where something is missing or broken."""

import json
import re
import sys

import pytest
from graphics import hide_graphics
from imageio_ffmpeg import get_ffmpeg_exe

import latentviz
from latentviz.cli.doctor import Finding, print_findings
from latentviz.raster.spheres import NO_GRAPHICS, NO_PYVISTA
from latentviz.video.formats import CODECS

OPTIONAL = {
    "torch": 'pip install "latentviz[train]"',
    "isal": "pip install isal",
    "pyvista": NO_PYVISTA,
}


@pytest.fixture
def examined(invoke):
    def examine(*, status=0):
        done = invoke("doctor", "--json", status=status)
        about = json.loads(done.stdout)
        assert about["ok"] == (status == 0)
        return {finding.pop("name"): finding for finding in about["findings"]}

    return examine


@pytest.fixture
def bare(monkeypatch):
    """Without what is not needed, some of which takes seconds to start."""
    for name in OPTIONAL:
        monkeypatch.setitem(sys.modules, name, None)


def test_all_is_there(examined):
    found = examined()
    assert found["latentviz"]["found"].startswith(f"{latentviz.__version__} in ")
    assert found["python"]["found"].startswith(sys.version.split()[0])
    assert get_ffmpeg_exe() in found["ffmpeg"]["found"]
    assert {suffix for name in found for suffix in name.split() if suffix in CODECS} == set(CODECS)
    essential = {name for name, finding in found.items() if finding["essential"]}
    assert essential > {"ffmpeg", ".mp4 .mov .mkv", "numba", "numba's cache", "font"}
    assert {found[name]["status"] for name in essential} == {"ok"}


def test_what_is_not_needed_may_be_absent(invoke, examined, bare):
    found = examined()
    for name, advice in OPTIONAL.items():
        assert (found[name]["status"], found[name]["found"]) == ("absent", None)
        assert advice in found[name]["advice"]
    assert "3D" not in found
    lines = invoke("doctor").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [f["status"] for f in found.values()]
    for line, (name, finding) in zip(lines, found.items(), strict=True):
        assert line.endswith(f" {name:<14}  {finding['found'] or finding['advice']}")


def test_on_a_terminal_it_is_a_table_that_cuts_nothing_off(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    path = "/".join(f"folder-{i}" for i in range(20))
    print_findings(
        [Finding(name="ffmpeg", found=path), Finding(name="isal", found=None, advice="do so")]
    )
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert lines[0].split()[:2] == ["ok", "ffmpeg"]
    assert lines[-1].split() == ["absent", "isal", "do", "so"]
    assert "".join(line[16:].strip() for line in lines[:-1]) == path


@pytest.mark.skipif(sys.platform != "linux", reason="hides libraries as Linux finds them")
def test_nothing_to_draw_with_in_3d(examined, tmp_path, monkeypatch):
    pytest.importorskip("pyvista")
    monkeypatch.setitem(sys.modules, "torch", None)
    hide_graphics(tmp_path, monkeypatch)
    found = examined()
    assert found["pyvista"]["status"] == "ok"
    assert (found["3D"]["status"], found["3D"]["advice"]) == ("absent", NO_GRAPHICS)


def test_a_torch_that_does_not_load(examined, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise OSError('libtorch.so: no such file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    torch = examined()["torch"]
    assert torch["status"] == "absent"
    assert torch["advice"].startswith("OSError: libtorch.so: no such file; no run can be recorded")


def test_no_ffmpeg(examined, bare, tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    found = examined(status=1)
    assert (found["ffmpeg"]["status"], found["ffmpeg"]["found"]) == ("missing", None)
    assert "or name another with IMAGEIO_FFMPEG_EXE" in found["ffmpeg"]["advice"]
    assert ".gif" not in found


@pytest.mark.parametrize(
    ("encoder", "name", "status"),
    [("libx264", ".mp4 .mov .mkv", "missing"), ("libvpx-vp9", ".webm", "absent")],
)
def test_an_ffmpeg_that_lacks_an_encoder(
    examined, bare, tmp_path, monkeypatch, encoder, name, status
):
    own = tmp_path / "ffmpeg"
    own.write_text(f'#!/bin/sh\n"{get_ffmpeg_exe()}" "$@" | grep -v " {encoder} "\n')
    own.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(own))
    found = examined(status=1 if status == "missing" else 0)
    assert str(own) in found["ffmpeg"]["found"]
    amiss = {key for key, finding in found.items() if finding["status"] != "ok"}
    assert amiss == {name, *OPTIONAL}
    assert found[name]["status"] == status
    assert encoder in found[name]["advice"]


def test_a_library_that_does_not_load(examined, bare, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    found = examined(status=1)
    assert found["pillow"]["status"] == "missing"
    assert "reinstall latentviz" in found["pillow"]["advice"]
