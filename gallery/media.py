"""The films and pictures of an entry, and smaller pictures of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
from PIL import Image

from .errors import GalleryError

THEMES = ("dark", "light")
POSTER_AT = 0.6  # of a film's length: late enough for something to have happened
THUMBNAIL_SIZE = (720, 405)
QUALITY = 85


@dataclass(frozen=True)
class Film:
    """A film.

    Attributes:
        file: The film.
        size: (width, height) in pixels.
        duration_s: How long it plays.
    """

    file: Path
    size: tuple[int, int]
    duration_s: float


@dataclass(frozen=True)
class Still:
    """A picture, in one theme or in both.

    Attributes:
        files: Dark and light; the same twice if there is one.
        size: (width, height) in pixels.
        title: Its title.
        alt: The picture in words.
    """

    files: tuple[Path, Path]
    size: tuple[int, int]
    title: str
    alt: str


def media_in(folder: Path) -> list[Film | Still]:
    """The films and pictures in a folder, films first, by name.

    ``NAME-dark.png`` and ``NAME-light.png`` are one picture in both themes.

    Raises:
        GalleryError: There is none; or a picture says nothing of itself, or lacks a theme.
    """
    films = [_film(path) for path in sorted(folder.glob("*.mp4"))]
    pictures = sorted(folder.glob("*.png"))
    dark = [path for path in pictures if path.stem.endswith("-dark")]
    light = [path.with_name(path.name.replace("-dark.", "-light.")) for path in dark]
    alone = [path for path in pictures if path not in {*dark, *light}]
    if missing := [path for path in light if path not in pictures]:
        raise GalleryError(f"{missing[0]} is missing beside its dark counterpart")
    stills = [
        _still(pair) for pair in sorted([*zip(dark, light, strict=True), *((p, p) for p in alone)])
    ]
    if not films and not stills:
        raise GalleryError(f"{folder} holds neither a film nor a picture")
    return [*films, *stills]


def viewer_in(folder: Path) -> Path | None:
    """The page in a folder in which every step of a run can be looked at, if there is one.

    Raises:
        GalleryError: There are several.
    """
    found = sorted(folder.glob("*.html"))
    if len(found) > 1:
        raise GalleryError(f"{folder} holds {len(found)} viewers; one is enough")
    return found[0] if found else None


def _film(path: Path) -> Film:
    frames = imageio_ffmpeg.read_frames(str(path))
    about = next(frames)
    frames.close()
    return Film(path, tuple(about["size"]), about["duration"])


def _still(files: tuple[Path, Path]) -> Still:
    with Image.open(files[-1]) as picture:
        words = picture.info
        size = picture.size
    if not words.get("Title") or not words.get("Description"):
        raise GalleryError(f"{files[-1]} has no title or no description; save it with Picture.save")
    return Still(files, size, words["Title"], words["Description"])


def poster_of(film: Film) -> Image.Image:
    """A frame of a film, to be seen before it plays."""
    at = ["-ss", f"{POSTER_AT * film.duration_s:.3f}"]
    frames = imageio_ffmpeg.read_frames(str(film.file), input_params=at)
    next(frames)
    poster = Image.frombytes("RGB", film.size, next(frames))
    frames.close()
    return poster


def write_thumbnail(picture: Image.Image, path: Path) -> None:
    """Write a picture, made to fit into `THUMBNAIL_SIZE`."""
    small = picture.convert("RGB")
    small.thumbnail(THUMBNAIL_SIZE, Image.Resampling.LANCZOS)
    small.save(path, quality=QUALITY)


def all_files(media: Iterable[Film | Still]) -> list[Path]:
    """Every file of them, once."""
    return list(
        dict.fromkeys(
            file for m in media for file in ([m.file] if isinstance(m, Film) else m.files)
        )
    )
