"""The tools that latentviz finds: `doctor`."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import __version__
from ..errors import EncodeError, GraphicsError
from ..text import LONGEST_LINE, printable
from .group import examples, main

if TYPE_CHECKING:
    from ..raster.spheres import SphereRenderer

MISSING = 1  # the exit status
TIMEOUT_S = 30.0
ESSENTIAL = {"numpy": "numpy", "numba": "numba", "matplotlib": "matplotlib", "pillow": "PIL"}
COLORS = {"ok": "green", "absent": "yellow", "missing": "red"}

REINSTALL = "reinstall latentviz, which brings it"
NO_CACHE = (
    "films and frames take ten seconds longer to start; set NUMBA_CACHE_DIR to a folder that can "
    "be written to"
)
NO_ISAL = "archives are compressed by zlib, which takes longer; pip install isal"
NO_TORCH = (
    "no run can be recorded, and only one whose latents were recorded can be drawn; "
    'pip install "latentviz[train]"'
)
# In a process of its own: it takes longer than all else, and if its libraries do not fit may crash.
TORCH = """
import json, torch
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
print(json.dumps([torch.__version__, torch.version.cuda, gpu]))
"""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A thing that latentviz needs, or can make use of."""

    name: str
    found: str | None
    """The version or the place of it; None where it is missing or does not work."""
    essential: bool = False
    advice: str = ""
    """The loss without it, and how to install it."""

    @property
    def status(self) -> str:
        """``ok``; or else ``missing`` if it is essential, and ``absent`` if not."""
        return "ok" if self.found is not None else "missing" if self.essential else "absent"


@main.command(epilog=examples("latentviz doctor"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Say which tools latentviz finds, which are missing, and how to install them.

    It looks for ffmpeg and the formats that it writes, fonts, PyTorch, and PyVista and whether that
    can draw. The exit status is 1 if something is missing that every film needs.
    """
    found = findings()
    is_well = all(finding.status != "missing" for finding in found)
    if as_json:
        rows = [{"status": finding.status, **asdict(finding)} for finding in found]
        click.echo(json.dumps({"ok": is_well, "findings": rows}, indent=2))
    else:
        print_findings(found)
    ctx.exit(0 if is_well else MISSING)


def findings() -> list[Finding]:
    """All that there is to look for."""
    with ExitStack() as stack:
        # Both take seconds to start, and meanwhile the rest is looked at.
        torch = _start_torch(stack)
        renderer = _start_renderer(stack)
        return [
            Finding(name="latentviz", found=f"{__version__} in {Path(__file__).parents[1]}"),
            Finding(name="python", found=f"{platform.python_version()}, {sys.executable}"),
            *_ffmpeg(),
            *(_library(name, module) for name, module in ESSENTIAL.items()),
            _numba_cache(),
            _font(),
            _isal(),
            _torch(torch),
            *_graphics(renderer),
        ]


def _ffmpeg() -> Iterator[Finding]:
    """The binary, and which formats it can write."""
    from ..video.ffmpeg import ffmpeg_path
    from ..video.formats import CODECS, H264

    try:
        path = ffmpeg_path()
        words, encoders = (
            subprocess.run(
                [path, "-hide_banner", option],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_S,
                check=True,
            ).stdout
            for option in ("-version", "-encoders")
        )
    except (EncodeError, OSError, subprocess.SubprocessError) as error:
        advice = f"{error}; reinstall imageio-ffmpeg, or name another with IMAGEIO_FFMPEG_EXE"
        yield Finding(name="ffmpeg", found=None, essential=True, advice=advice)
        return
    number = words.split()[2] if words.startswith("ffmpeg version ") else "of an unknown version"
    yield Finding(name="ffmpeg", found=f"{number}, {path}", essential=True)
    there = {line.split()[1] for line in encoders.splitlines() if len(line.split()) > 1}
    for codec in dict.fromkeys(CODECS.values()):
        suffixes = " ".join(suffix for suffix, kind in CODECS.items() if kind is codec)
        yield Finding(
            name=suffixes,
            found=f"by {codec.encoder}" if codec.encoder in there else None,
            essential=codec is H264,
            advice=f"this ffmpeg lacks {codec.encoder}; the one of imageio-ffmpeg has it",
        )


def _library(name: str, module: str) -> Finding:
    try:
        import_module(module)
    except Exception as error:  # whatever goes wrong in it while it loads
        advice = f"{_in_one_line(error)}; {REINSTALL}"
        return Finding(name=name, found=None, essential=True, advice=advice)
    return Finding(name=name, found=_version(name), essential=True)


def _version(name: str) -> str:
    from ..archive.versions import versions

    return versions(name).get(name, "of an unknown version")  # it was not installed as a package


def _numba_cache() -> Finding:
    """Where compiled code is kept, without which a film would take ten seconds longer to start."""
    name = "numba's cache"
    try:
        from ..raster.yuv import yuv420_from_rgb
    except Exception as error:  # whatever goes wrong in numba while it loads
        advice = f"{_in_one_line(error)}; {REINSTALL}"
        return Finding(name=name, found=None, essential=True, advice=advice)
    path = yuv420_from_rgb.stats.cache_path
    if path is None:
        return Finding(name=name, found=None, advice=NO_CACHE)
    return Finding(name=name, found=str(path), essential=True)


def _font() -> Finding:
    """The font of a film's letters."""
    try:
        from ..raster.lettering import font

        face = font(12.0)
    except Exception as error:
        advice = f"{_in_one_line(error)}; reinstall matplotlib, which brings it"
        return Finding(name="font", found=None, essential=True, advice=advice)
    return Finding(name="font", found=f"{face.getname()[0]}, matplotlib's", essential=True)


def _isal() -> Finding:
    found = _version("isal") if find_spec("isal") is not None else None
    return Finding(name="isal", found=found, advice=NO_ISAL)


def _start_torch(stack: ExitStack) -> subprocess.Popen[str] | None:
    if find_spec("torch") is None:
        return None
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", TORCH],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stack.callback(process.communicate)
    stack.callback(process.kill)
    return process


def _torch(process: subprocess.Popen[str] | None) -> Finding:
    if process is None:
        return Finding(name="torch", found=None, advice=NO_TORCH)
    try:
        answer, words = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        words = f"it takes more than {TIMEOUT_S:g} s to load"
        return Finding(name="torch", found=None, advice=f"{words}; {NO_TORCH}")
    if process.returncode != 0:
        last = words.strip().splitlines()[-1:] or [f"its import ends with {process.returncode}"]
        return Finding(name="torch", found=None, advice=f"{printable(last[0])}; {NO_TORCH}")
    number, cuda, gpu = json.loads(answer)
    on = f"CUDA {cuda} on {gpu}" if gpu else f"CUDA {cuda}, no GPU" if cuda else "no CUDA"
    return Finding(name="torch", found=f"{number}, {on}")


def _start_renderer(stack: ExitStack) -> SphereRenderer | None:
    from ..raster.spheres import SphereRenderer

    try:
        return stack.enter_context(SphereRenderer())
    except GraphicsError:
        return None


def _graphics(renderer: SphereRenderer | None) -> Iterator[Finding]:
    """PyVista, and whether it finds something to draw with: it draws a sphere."""
    import numpy as np

    from ..raster.spheres import NO_PYVISTA, Spheres, View

    if renderer is None:
        yield Finding(name="pyvista", found=None, advice=NO_PYVISTA)
        return
    yield Finding(name="pyvista", found=f"{_version('pyvista')}, VTK {_version('vtk')}")
    black = np.zeros((1, 3), np.uint8)
    sphere = Spheres(np.zeros((1, 3), np.float32), black, black, 0.5)
    try:
        next(renderer.draw(View(16, 1.0, *["#000000"] * 3), [sphere]))
    except GraphicsError as error:
        yield Finding(name="3D", found=None, advice=str(error))
        return
    yield Finding(name="3D", found="draws without a display")


def _in_one_line(error: Exception) -> str:
    return printable(" ".join(f"{type(error).__name__}: {error}".split()), LONGEST_LINE)


def print_findings(found: list[Finding]) -> None:
    """A table on a terminal, and lines where there is none."""
    rows = [(f.status, f.name, f.found if f.found is not None else f.advice) for f in found]
    if not sys.stdout.isatty():
        width = max(len(name) for _, name, _ in rows)
        for status, name, said in rows:
            click.echo(f"{status:<7}  {name:<{width}}  {said}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for _ in rows[0]:
        table.add_column(overflow="fold")  # a long path is shown whole
    for status, name, said in rows:
        table.add_row(Text(status, COLORS[status]), Text(name, "bold"), Text(said))
    Console().print(table)
