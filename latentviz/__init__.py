"""latentviz: films of a neural network's latent space, at every training step.

Record a run with `Recorder`, open it with `open_run`, and `render` its film.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .archive.recovery import Recovery, recover
    from .color import ColorCube, hsv_cube, hsv_from_rgb, rgb_cube, rgb_from_hsv, rgb_grid
    from .comparison import Comparison, compare
    from .easing import MinimumJerk, cubic_bezier
    from .errors import (
        ArchiveError,
        EncodeError,
        GraphicsError,
        LatentvizError,
        LatentvizWarning,
        ModelError,
        OptionError,
        RecordingWarning,
    )
    from .figures.errors import plot_errors
    from .figures.history import plot_history
    from .figures.orbit import render_orbit
    from .figures.picture import Picture
    from .figures.slices import plot_slices
    from .figures.sphere import plot_sphere
    from .figures.timeline import plot_timeline
    from .film.encoding import EncodingSpec
    from .film.film import Film
    from .film.histories import plot_histories
    from .film.render import render
    from .film.scene_file import SceneFile, read_scene
    from .film.spec import FilmSpec
    from .film.stills import plot_frame, render_frame
    from .film.work import WorkSpec
    from .importing.importer import Imported, import_run
    from .logistic import DoseEstimate, LogisticFit, Separated, fit_logistic, wilson_interval
    from .notebook import show
    from .pacing import BezierPace, GeometricPace, LinearPace
    from .recording import ChunkLimits, Recorder
    from .runs.batches import Batch
    from .runs.evaluate import Evaluation
    from .runs.opening import IncompleteRunWarning, open_run
    from .runs.run import Run
    from .runs.schedule import Schedule
    from .viewing.spec import PageSpec
    from .viewing.viewer import Viewer, view

__version__ = "0.1.0"

# Where each public name lives. They are imported when first used: `latentviz --help` need not wait
# for torch, and reading a run need not wait for matplotlib.
_HOME = {
    "ArchiveError": "errors",
    "Batch": "runs.batches",
    "BezierPace": "pacing",
    "ChunkLimits": "recording",
    "ColorCube": "color",
    "Comparison": "comparison",
    "DoseEstimate": "logistic",
    "EncodeError": "errors",
    "EncodingSpec": "film.encoding",
    "Evaluation": "runs.evaluate",
    "Film": "film.film",
    "FilmSpec": "film.spec",
    "GeometricPace": "pacing",
    "GraphicsError": "errors",
    "Imported": "importing.importer",
    "IncompleteRunWarning": "runs.opening",
    "LatentvizError": "errors",
    "LatentvizWarning": "errors",
    "LinearPace": "pacing",
    "LogisticFit": "logistic",
    "MinimumJerk": "easing",
    "ModelError": "errors",
    "OptionError": "errors",
    "PageSpec": "viewing.spec",
    "Picture": "figures.picture",
    "Recorder": "recording",
    "RecordingWarning": "errors",
    "Recovery": "archive.recovery",
    "Run": "runs.run",
    "SceneFile": "film.scene_file",
    "Schedule": "runs.schedule",
    "Separated": "logistic",
    "Viewer": "viewing.viewer",
    "WorkSpec": "film.work",
    "compare": "comparison",
    "cubic_bezier": "easing",
    "fit_logistic": "logistic",
    "hsv_cube": "color",
    "hsv_from_rgb": "color",
    "import_run": "importing.importer",
    "open_run": "runs.opening",
    "plot_errors": "figures.errors",
    "plot_frame": "film.stills",
    "plot_histories": "film.histories",
    "plot_history": "figures.history",
    "plot_slices": "figures.slices",
    "plot_sphere": "figures.sphere",
    "plot_timeline": "figures.timeline",
    "read_scene": "film.scene_file",
    "recover": "archive.recovery",
    "render": "film.render",
    "render_frame": "film.stills",
    "render_orbit": "figures.orbit",
    "rgb_cube": "color",
    "rgb_from_hsv": "color",
    "rgb_grid": "color",
    "show": "notebook",
    "view": "viewing.viewer",
    "wilson_interval": "logistic",
}

# What had its place here, and knew an experiment by heart; the old name leads there for now.
_MOVED = {"plot_coverage": "trainers.coverage"}

__all__ = [
    "ArchiveError",
    "Batch",
    "BezierPace",
    "ChunkLimits",
    "ColorCube",
    "Comparison",
    "DoseEstimate",
    "EncodeError",
    "EncodingSpec",
    "Evaluation",
    "Film",
    "FilmSpec",
    "GeometricPace",
    "GraphicsError",
    "Imported",
    "IncompleteRunWarning",
    "LatentvizError",
    "LatentvizWarning",
    "LinearPace",
    "LogisticFit",
    "MinimumJerk",
    "ModelError",
    "OptionError",
    "PageSpec",
    "Picture",
    "Recorder",
    "RecordingWarning",
    "Recovery",
    "Run",
    "SceneFile",
    "Schedule",
    "Separated",
    "Viewer",
    "WorkSpec",
    "__version__",
    "compare",
    "cubic_bezier",
    "fit_logistic",
    "hsv_cube",
    "hsv_from_rgb",
    "import_run",
    "open_run",
    "plot_errors",
    "plot_frame",
    "plot_histories",
    "plot_history",
    "plot_slices",
    "plot_sphere",
    "plot_timeline",
    "read_scene",
    "recover",
    "render",
    "render_frame",
    "render_orbit",
    "rgb_cube",
    "rgb_from_hsv",
    "rgb_grid",
    "show",
    "view",
    "wilson_interval",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    if name in _MOVED:
        return _moved(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _moved(name: str) -> Any:
    import warnings
    from importlib import import_module

    home = _MOVED[name]
    try:
        module = import_module(home)
    except ModuleNotFoundError:
        raise AttributeError(f"{name} is {home}.{name} now, and trainers are not here") from None
    warnings.warn(f"{name} is {home}.{name} now", DeprecationWarning, stacklevel=3)
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__
