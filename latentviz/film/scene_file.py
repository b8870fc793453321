"""A film as a file: which runs, and all that the command line could say, in TOML."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..files import expanded
from ..runs.opening import open_run
from ..text import printable
from ..transforms.matrix import Matrix
from .encoding import EncodingSpec
from .film import Film
from .options import FLAG, WHOLE_NUMBER, Option, Plain, options_of
from .render import Progress, video_settings, write_film
from .spec import DRAFT_SIZE, FilmSpec
from .work import WorkSpec

SPECS: tuple[type[Plain], ...] = (FilmSpec, EncodingSpec, WorkSpec)
MATRIX = f"{Matrix.name}:"  # of a transform, before the path of a file
LONGEST_VALUE = 60


def _as_path(name: str, value: Any) -> Path:
    if not isinstance(value, str | os.PathLike) or not str(value):
        raise OptionError(f"{name} must be a path, got {printable(repr(value), LONGEST_VALUE)}")
    return Path(value)


def _as_paths(name: str, value: Any) -> tuple[Path, ...]:
    if not isinstance(value, list | tuple):
        raise OptionError(
            f"{name} must be a list of paths, got {printable(repr(value), LONGEST_VALUE)}"
        )
    return tuple(_as_path(name, item) for item in value)


def _as_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise OptionError(f"{name} must be text, got {printable(repr(value), LONGEST_VALUE)}")
    return value


# What a file has beside the options of the specs.
OTHERS: dict[str, Callable[[str, Any], Any]] = {
    "runs": _as_paths,
    "output": _as_path,
    "model": _as_text,
    "max_bytes": WHOLE_NUMBER,
    "draft": FLAG,
    "overwrite": FLAG,
    "frame_hashes": _as_path,
}
PATHS = ("output", "frame_hashes")


@dataclass(frozen=True)
class SceneFile:
    """A film as plain values. Made by `read_scene`, or of values by name."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """What was given: fields of `FilmSpec`, `EncodingSpec` and `WorkSpec`; and ``runs`` and
    ``output``, ``model``, ``max_bytes``, ``draft``, ``overwrite``, ``frame_hashes``."""

    @property
    def runs(self) -> tuple[Path, ...]:
        """The archives, one or several."""
        return tuple(self.values.get("runs", ()))

    @property
    def output(self) -> Path | None:
        """Where the film goes, if that was said."""
        return self.values.get("output")

    @property
    def reading(self) -> tuple[str | None, int | None]:
        """What makes the runs' models, if that was said; and to how many bytes they may unpack."""
        return self.values.get("model"), self.values.get("max_bytes")

    @property
    def overwrites(self) -> bool:
        """Whether frames of an earlier film may be replaced."""
        return bool(self.values.get("overwrite"))

    @property
    def frame_hashes(self) -> Path | None:
        """Where the hashes of the frames go, if that was said."""
        return self.values.get("frame_hashes")

    @property
    def is_draft(self) -> bool:
        """Whether it is a quick look."""
        return bool(self.values.get("draft"))

    @property
    def film(self) -> FilmSpec:
        """How it looks."""
        return FilmSpec(**({"size": DRAFT_SIZE} if self.is_draft else {}) | self._of(FilmSpec))

    @property
    def encoding(self) -> EncodingSpec:
        """How it is encoded; a draft as fast as its format can be."""
        spec = EncodingSpec(**self._of(EncodingSpec))
        if self.is_draft and spec.preset is None and self.output is not None:
            codec = video_settings(self.output, self.film, spec).codec
            return replace(spec, preset=codec.draft_preset)
        return spec

    @property
    def work(self) -> WorkSpec:
        """By whom it is made."""
        return WorkSpec(**self._of(WorkSpec))

    def _of(self, spec: type[Plain]) -> dict[str, Any]:
        return {name: self.values[name] for name in options_of(spec) if name in self.values}

    def but(self, given: Mapping[str, Any]) -> SceneFile:
        """The same with other values, where any are given."""
        return SceneFile({**self.values, **given})

    def render(self, *, progress: Progress | None = None) -> Film:
        """Render the film to `output`.

        Raises:
            LatentvizError: A run or an option is bad, or ffmpeg failed; nothing is written then.
        """
        if self.output is None:
            raise OptionError("the scene has no output; add output = 'film.mp4'")
        if not self.runs:
            raise OptionError("the scene has no runs; add runs = ['run.npz']")
        model, max_bytes = self.reading
        with ExitStack() as stack:
            runs = [
                stack.enter_context(open_run(path, model=model, max_bytes=max_bytes))
                for path in self.runs
            ]
            fps = float(video_settings(self.output, self.film, self.encoding).fps)
            film = Film(runs, self.film, fps=fps)
            write_film(
                film, self.output, self.encoding, self.work, overwrite=self.overwrites,
                frame_hashes=self.frame_hashes, progress=progress,
            )  # fmt: skip
            return film

    def dump(self) -> str:
        """All that it means, as TOML: `read_scene` of that gives the same film.

        What depends on something else, such as the limits, is left out where it was not given.

        Raises:
            OptionError: A pace or a transform is a function or an array of yours.
        """
        import tomli_w

        plain: dict[str, Any] = {}
        for name in OTHERS:
            value = self.values.get(name)
            if name == "runs":
                plain[name] = [str(path) for path in self.runs]
            elif value is not None:
                plain[name] = str(value) if isinstance(value, Path) else value
        for spec in (self.film, self.encoding, self.work):
            about = options_of(type(spec))
            for name, value in spec.to_dict().items():
                if value is not None and value not in ([], [None, None]):
                    plain[_key(name, about[name])] = _written(name, value)
        captions = plain.pop("caption", None)
        if captions is not None:  # tables come last
            plain["caption"] = captions
        return tomli_w.dumps(plain)


def read_scene(path: str | os.PathLike[str]) -> SceneFile:
    """Read a film's file.

    Its keys are the options of ``latentviz render``, with ``_`` for ``-``, and ``runs`` and
    ``output``; a value is as in Python, or text as on the command line. Captions are tables
    ``[[caption]]`` with ``steps`` and ``text``. Relative paths are relative to the file.

    Args:
        path: A TOML file.

    Raises:
        OptionError: It is missing or no TOML, or a key or a value is bad.

    Example::

        scene = latentviz.read_scene("film.toml")
        scene.render()
    """
    path = expanded(path)
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise OptionError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise OptionError(f"{path} cannot be read: it is no text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{path} is no TOML: {error}") from None
    about = {
        _key(name, option): (name, option)
        for spec in SPECS
        for name, option in options_of(spec).items()
    }
    values = {}
    for key, value in content.items():
        try:
            if key in OTHERS:
                values[key] = OTHERS[key](key, value)
            elif key in about:
                name, option = about[key]
                values[name] = option.convert(name, _parsed(key, value, option))
            else:
                raise OptionError(_unknown(key, [*OTHERS, *about]))
        except OptionError as error:
            raise OptionError(f"{path}: {_said(key, str(error))}") from None
    values |= _beside(path.parent, values)
    scene = SceneFile(values)
    try:
        _ = scene.film, scene.encoding, scene.work
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from None
    return scene


def _key(name: str, option: Option) -> str:
    """What an option is called in a file."""
    return option.flag or name


def _said(key: str, error: str) -> str:
    """An error that names the key."""
    return error if key in error else f"{key}: {error}"


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key.replace("-", "_"), known, n=1, cutoff=0.6)
    said = f"unknown key {printable(repr(key), LONGEST_VALUE)}"
    return f"{said}; did you mean {near[0]}?" if near else f"{said}; known are {', '.join(known)}"


def _parsed(key: str, value: Any, option: Option) -> Any:
    """A value as Python has it, of one as Python or the command line has it."""
    if key == "caption":
        return [_caption(item, option) for item in (value if isinstance(value, list) else [value])]
    if option.is_repeated:
        items = value if isinstance(value, list) else [value]
        return [option.parse(item) if isinstance(item, str) else item for item in items]
    if isinstance(value, str) and option.parse not in (int, float, bool):
        return option.parse(value)
    return value


def _caption(item: Any, option: Option) -> Any:
    if isinstance(item, str):
        return option.parse(item)
    if not isinstance(item, dict) or not {"steps", "text"} >= item.keys() or "text" not in item:
        raise OptionError(
            "a caption is a table with steps = [0, 500] and text = '...', got "
            f"{printable(repr(item), LONGEST_VALUE)}"
        )
    steps = item.get("steps", ":")
    if isinstance(steps, str):
        (first, stop), _ = option.parse(f"{steps}:x")
        steps = first, stop
    return steps, item["text"]


def _beside(folder: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """The paths among some values, relative ones from a folder."""
    found: dict[str, Any] = {name: _from(folder, values[name]) for name in PATHS if name in values}
    if "runs" in values:
        found["runs"] = tuple(_from(folder, path) for path in values["runs"])
    project = values.get("project")
    if isinstance(project, str) and project.startswith(MATRIX):
        found["project"] = f"{MATRIX}{_from(folder, Path(project.removeprefix(MATRIX)))}"
    return found


def _from(folder: Path, path: Path) -> Path:
    return path if str(path).startswith("~") else folder / path


def _written(name: str, value: Any) -> Any:
    """A plain value as TOML has it, which has no None; pairs as on the command line."""
    match name, value:
        case "captions", list():
            return [{"steps": _range(steps), "text": text} for steps, text in value]
        case "dims", list():
            return [",".join(map(str, dims)) for dims in value]
        case "size", [width, height]:
            return f"{width}x{height}"
        case (("steps" | "segments"), list()):
            return _range(value)
    return value


def _range(ends: list[int | None]) -> str:
    return ":".join("" if end is None else str(end) for end in ends)
