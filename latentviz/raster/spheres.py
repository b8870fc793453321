"""Points in space as lit spheres, drawn by PyVista in a process of its own.

A process of its own, because VTK ends the process in which it finds nothing to draw with, and says
so at length: here that becomes one line. Besides, it can start while the caller is still busy
evaluating its model.

A view is orthographic: x to the right, y up, z towards the viewer. A sphere is drawn as one point
of many pixels, each with a normal and a depth of its own, and not as a mesh: thousands take a tenth
of a second without a graphics card.
"""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GraphicsError

NO_PYVISTA = 'drawing spheres needs PyVista; pip install "latentviz[sphere]"'
NO_GRAPHICS = (
    "VTK finds no library to draw spheres with, neither EGL nor OSMesa; on Debian or Ubuntu: "
    "apt install libegl1 libgl1-mesa-dri"
)
OSMESA = ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so")  # what VTK looks for

SAMPLES = 2  # a pixel is the mean of so many by so many
# A picture that would need more is drawn as large as these allow, and scaled.
MAX_RENDER_PX = 4096
MAX_POINT_PX = 250  # Mesa draws points of up to 255 pixels
# A fill's middle, which faces the viewer, is lit with 1: there it has its own color.
LIGHT = (-0.35, 0.45, 1.0)
AMBIENT = 0.45
DIFFUSE = (1 - AMBIENT) * math.hypot(*LIGHT) / LIGHT[2]
FILL_SHARE = 0.74  # of a sphere's radius, as seen; around it is the rim
BALL = 0.9  # how much of a half ball the fill is: not its edge, which would be dark
RIM_SLOPE = 0.35
BULGE = 0.3  # of a sphere's
STOP_TIMEOUT_S = 3.0
# In units of what there is to show: how far spheres move to the front that others must not hide,
# and how far behind the middle the backdrop stands.
FORWARD, BACK = 2.5, 4.0
LINES_AT = 0.9  # of that
LINE_PX = 1.5
SEGMENTS = 256  # of a circle

# What is added to VTK's own shaders, after the lines that hold these tags. VTK makes of each point
# a disc of pixels with the normals and depths of a sphere. Here its inner part becomes a ball of
# its own and the rest a slanted rim; and it is flatter, or else the balls of a dense cloud would
# hide each other's rims.
VERTEX_SHADER = {
    "//VTK::Color::Dec": "in vec3 rimMC;\nout vec3 rimVSOutput;",
    "//VTK::Color::Impl": "rimVSOutput = rimMC;",
}
FRAGMENT_SHADER = {
    "//VTK::Color::Dec": "in vec3 rimVSOutput;",
    "//VTK::Depth::Impl": f"""
  gl_FragDepth = gl_FragCoord.z + {BULGE} * normalVCVSOutput.z * ZCalcS * ZCalcR;
  vec2 fromMiddle = vec2(xpos, ypos);
  bool isRim = len2 > {FILL_SHARE**2:.4f};
  vec2 slope = isRim ? {RIM_SLOPE} * normalize(fromMiddle) : {BALL / FILL_SHARE:.4f} * fromMiddle;
  float height = isRim ? 1.0 : sqrt(1.0 - dot(slope, slope));
  normalVCVSOutput = normalize(vec3(slope, height));
""",
    "//VTK::Color::Impl": """
  if (isRim)
  {
    ambientColor = ambientIntensity * rimVSOutput;
    diffuseColor = diffuseIntensity * rimVSOutput;
  }
""",
}


@dataclass(frozen=True, eq=False)
class Spheres:
    """What is to be drawn."""

    points: NDArray[np.float32]  # (N, 3): right, up, towards the viewer
    fill: NDArray[np.uint8]  # (N, 3), the color of each sphere's middle
    rim: NDArray[np.uint8]  # (N, 3), the color around it
    radius: float
    turn: float = 0.0
    """By how much of a full turn to turn all around the y axis, what is in front to the right."""
    front: NDArray[np.bool_] | None = None
    """(N,) the spheres that none of the others hides, however deep they lie."""


@dataclass(frozen=True)
class View:
    """A square picture of -limit..limit, in front of the unit sphere. Colors are ``#rrggbb``."""

    side_px: int
    limit: float
    background: str
    disc: str  # the unit sphere
    line: str  # its outline, and the circles on its far side where a coordinate is 0


class SphereRenderer:
    """Draws views of spheres, in another process. A context manager."""

    def __init__(self) -> None:
        """Start the process; it is ready when the first view is asked for.

        Raises:
            GraphicsError: PyVista is not installed.
        """
        from importlib.util import find_spec

        if find_spec("pyvista") is None:
            raise GraphicsError(NO_PYVISTA)
        code = f"import sys; sys.path[:] = {sys.path!r}; import {__name__} as it; it.serve()"
        # No display, even where there is one: else VTK would draw by whatever that display has. And
        # no backend's name, which matplotlib, that PyVista imports, may not know.
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env=environment,
            # Ctrl-C is ours to handle.
            start_new_session=True,
        )
        self._is_ready = False
        self._words_start = 0

    def draw(self, view: View, scenes: Sequence[Spheres]) -> Iterator[NDArray[np.uint8]]:
        """Have scenes drawn, while the caller does other things until it takes them.

        Args:
            view: Where and on what.
            scenes: All are to be taken before the next `draw`. An array that several share is sent
                over but once.

        Returns:
            Each scene's picture in turn, (side_px, side_px, 3) uint8; to take one raises a
            `GraphicsError` if VTK cannot draw here.
        """
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended; the first answer says why
            pickle.dump((view, list(scenes)), self.process.stdin)
            self.process.stdin.flush()
        return self._answers(len(scenes))

    def close(self) -> None:
        """End the process."""
        process = self.process
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not sent will not be
                    pipe.close()
        process.wait(STOP_TIMEOUT_S)
        self._words.close()

    def __enter__(self) -> SphereRenderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _answers(self, n: int) -> Iterator[NDArray[np.uint8]]:
        if not self._is_ready:
            self._answer()
            self._is_ready = True
            # What VTK has said so far was no trouble.
            self._words_start = os.fstat(self._words.fileno()).st_size
        for _ in range(n):
            yield self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        try:
            answer = pickle.load(self.process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise GraphicsError(self._last_words()) from None
        if isinstance(answer, str):
            raise GraphicsError(answer)
        return answer

    def _last_words(self) -> str:
        """Why the process has ended."""
        status = self.process.wait()
        if not self._is_ready and -status in (signal.SIGSEGV, signal.SIGABRT):
            return NO_GRAPHICS  # VTK's way of saying so is to crash
        self._words.seek(self._words_start)
        words = self._words.read().decode("utf-8", "replace")
        lines = re.sub(r"\x1b\[[0-9;]*m", "", words).strip().splitlines()  # VTK's are in color
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"VTK ended with {how} while it drew" + (f": {lines[-1]}" if lines else "")


def serve() -> None:
    """Draw what is asked for on standard input, until that ends. The other process's main."""
    # Whatever VTK prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        stage = _Stage()
    except ImportError as error:
        _reply(answers, f"PyVista cannot be imported: {error}; reinstall it, and what it needs")
        return
    except GraphicsError as error:
        _reply(answers, str(error))
        return
    _reply(answers, None)
    while True:
        try:
            view, scenes = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        for spheres in scenes:
            _reply(answers, stage.draw(view, spheres))


def _reply(answers: IO[bytes], answer: object) -> None:
    pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()


class _Stage:
    """PyVista's plotter, and what stands on it."""

    def __init__(self) -> None:
        import pyvista as pv

        self._pv = pv
        # The user's own theme must not change the picture.
        self._plotter = pv.Plotter(
            off_screen=True, window_size=(64, 64), lighting="none", theme=pv.themes.Theme()
        )
        _check_window(self._plotter.render_window)
        # `SAMPLES` smooths all edges; VTK's own way would leave those of spheres as they are.
        self._plotter.disable_anti_aliasing()
        light = pv.Light(position=LIGHT, light_type="camera light")
        light.positional = False
        self._plotter.add_light(light)
        self._plotter.enable_parallel_projection()
        self._actor = _sphere_actor()
        # Shaders are compiled now, while the caller is busy.
        black = np.zeros((1, 3), np.uint8)
        point = Spheres(np.zeros((1, 3), np.float32), black, black, 0.5)
        self.draw(View(16, 1.0, *["#000000"] * 3), point)

    def draw(self, view: View, spheres: Spheres) -> NDArray[np.uint8]:
        from PIL import Image

        share = spheres.radius / view.limit  # of the picture's half, which is also of its whole
        side = min(SAMPLES * view.side_px, MAX_RENDER_PX, int(MAX_POINT_PX / share))
        plotter = self._plotter
        plotter.clear_actors()
        if tuple(plotter.window_size) != (side, side):  # to set it draws
            plotter.window_size = (side, side)
        plotter.set_background(view.background)
        x, _, z = spheres.points.T
        reach = max(view.limit, float(np.hypot(x, z).max()))
        depth = BACK * reach
        self._add_backdrop(view, depth, spheres.turn, side / view.side_px)
        places = turned(spheres.points, spheres.turn)
        if spheres.front is not None:
            # There is no perspective: nothing but what hides what depends on it.
            places[spheres.front, 2] += np.float32(FORWARD * reach)
        points = self._pv.PolyData(places)
        points.point_data["fill"] = spheres.fill
        points.point_data["rim"] = spheres.rim.astype(np.float32) / np.float32(255)
        self._actor.mapper.SetInputData(points)
        self._actor.prop.point_size = share * side
        plotter.add_actor(self._actor, reset_camera=False, render=False)
        camera = plotter.camera
        camera.position, camera.focal_point, camera.up = (0, 0, 2 * depth), (0, 0, 0), (0, 1, 0)
        camera.parallel_scale = view.limit
        camera.clipping_range = (depth / 2, 4 * depth)
        plotter.render()
        pixels = plotter.screenshot(None, return_img=True)
        picture = Image.fromarray(pixels)
        smooth = Image.Resampling.BOX if side >= view.side_px else Image.Resampling.BICUBIC
        return np.asarray(picture.resize((view.side_px, view.side_px), smooth))

    def _add_backdrop(self, view: View, back: float, turn: float, scale: float) -> None:
        """The unit sphere, behind all points: a disc, circles on its far side, its outline."""
        pv = self._pv
        flat = {"lighting": False, "reset_camera": False, "render": False}
        disc = pv.Disc(center=(0, 0, -back), inner=0, outer=1, r_res=1, c_res=SEGMENTS)
        self._plotter.add_mesh(disc, color=view.disc, **flat)
        segments = far_circles(turn)
        segments[:, 2] = LINES_AT * -back  # in front of the disc, and behind all else
        lines = pv.line_segments_from_points(segments)
        self._plotter.add_mesh(lines, color=view.line, line_width=LINE_PX * scale, **flat)
        half = LINE_PX * view.limit / view.side_px
        outline = pv.Disc(
            center=(0, 0, LINES_AT * -back),
            inner=max(0, 1 - half),
            outer=1 + half,
            r_res=1,
            c_res=SEGMENTS,
        )
        self._plotter.add_mesh(outline, color=view.line, **flat)


def _sphere_actor() -> Any:
    """Points that look like spheres: a fill, and around it a rim of another color."""
    import pyvista as pv
    from vtkmodules.vtkRenderingCore import vtkPolyDataMapper

    mapper = vtkPolyDataMapper()
    mapper.SetScalarModeToUsePointFieldData()
    mapper.SelectColorArray("fill")
    mapper.SetColorModeToDirectScalars()
    mapper.MapDataArrayToVertexAttribute("rimMC", "rim", 0, -1)
    actor = pv.Actor(mapper=mapper)
    look = actor.prop
    look.style = "points"
    look.render_points_as_spheres = True
    look.ambient, look.diffuse, look.specular = AMBIENT, DIFFUSE, 0.0
    shader = actor.GetShaderProperty()
    for tag, code in VERTEX_SHADER.items():
        shader.AddVertexShaderReplacement(tag, True, f"{tag}\n{code}\n", False)
    for tag, code in FRAGMENT_SHADER.items():
        shader.AddFragmentShaderReplacement(tag, True, f"{tag}\n{code}\n", False)
    return actor


def _check_window(window: Any) -> None:
    """Find out that VTK has nothing to draw with, before it crashes for that.

    Raises:
        GraphicsError: It has not.
    """
    import ctypes

    if window.GetClassName() != "vtkOSOpenGLRenderWindow":
        return
    # VTK's last resort, which it takes whether or not the library is there.
    for name in OSMESA:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return
    raise GraphicsError(NO_GRAPHICS)


def far_circles(turn: float) -> NDArray[np.float32]:
    """The circles of the unit sphere where a coordinate is 0, as far as they lie behind.

    Args:
        turn: As `turned` takes it.

    Returns:
        (2 M, 3), the ends of M short lines in turn.
    """
    around = np.linspace(0, 2 * np.pi, SEGMENTS + 1)
    zero, cos, sin = np.zeros_like(around), np.cos(around), np.sin(around)
    segments = []
    for circle in ((cos, sin, zero), (zero, cos, sin), (cos, zero, sin)):
        points = turned(np.stack(circle, -1).astype(np.float32), turn)
        pairs = np.stack([points[:-1], points[1:]], 1)  # (SEGMENTS, 2, 3)
        segments.append(pairs[(pairs[..., 2] <= 0).all(1)].reshape(-1, 3))
    return np.concatenate(segments)


def turned(points: NDArray[np.float32], turn: float) -> NDArray[np.float32]:
    """Points (N, 3), turned around the y axis by a share of a full turn."""
    angle = 2 * np.pi * turn
    x, y, z = points.T
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], -1)
