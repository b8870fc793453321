"""A finished picture: what it shows in words and numbers, and how it is saved."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OptionError
from ..files import atomic, check_folder, expanded
from ..markup import data_uri, image_html
from ..raster.chrome import figure_pixels, plain_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RASTER = (".png",)
VECTOR = (".svg", ".pdf")
PNG_LEVEL = 4  # two thirds of the time that 6 takes, for 2 % more bytes

# The dates and random names that these formats would carry: the same picture gives the same file.
_UNDATED: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a run. Made by the functions ``plot_*``."""

    title: str
    alt: str
    """The picture in words, for those who cannot see it; written from the data."""
    data: Mapping[str, Any]
    """The figures behind it, as plain values that JSON can hold."""
    drawn: Figure | NDArray[np.uint8] = field(repr=False)
    """A matplotlib figure, or (H, W, 3) uint8 pixels, (H, W, 4) if the ground is transparent."""

    as_lines: Callable[[], Figure] | None = field(default=None, repr=False)
    """Draws pixels anew as a matplotlib figure, for SVG and PDF; None where nothing can."""

    @property
    def is_vector(self) -> bool:
        """Whether the picture can be saved as SVG and PDF."""
        return not isinstance(self.drawn, np.ndarray) or self.as_lines is not None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8; (H, W, 4), with alpha, where the ground is transparent."""
        if isinstance(self.drawn, np.ndarray):
            return self.drawn
        with plain_style():
            return figure_pixels(self.drawn)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture, whole or not at all, with its title and alt text inside.

        Args:
            path: ``.png``; or ``.svg`` or ``.pdf`` where the picture is made of lines.

        Raises:
            OptionError: The extension is another one, or the folder is missing or not writable.
        """
        path = expanded(path)
        check_picture_path(path, vector=self.is_vector)
        suffix = path.suffix.lower()
        with atomic(path) as part, part.open("wb") as file:
            if suffix == ".png":
                file.write(self.png())
                return
            # No writer of matplotlib's takes an open file and a description alike for both.
            words = {
                ".svg": {"Title": self.title, "Description": self.alt},
                ".pdf": {"Title": self.title, "Subject": self.alt},
            }
            with plain_style():
                figure = self.drawn
                if isinstance(figure, np.ndarray):
                    assert self.as_lines is not None
                    figure = self.as_lines()
                figure.savefig(
                    file,
                    format=suffix[1:],
                    facecolor=figure.get_facecolor(),
                    metadata=words[suffix] | _UNDATED[suffix],
                )

    def html(self, *, width: int | None = None) -> str:
        """HTML that shows the picture, which it holds.

        Args:
            width: In pixels of the page; by default its own, or the page's if that is narrower.
        """
        return image_html(data_uri(self.png(), "image/png"), self.alt, width=width)

    def _repr_html_(self) -> str:
        """The picture in a notebook, with its alt text."""
        return self.html()

    def png(self) -> bytes:
        """The picture as a PNG, with its title and alt text as text chunks."""
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        words = PngInfo()
        words.add_itxt("Title", self.title)
        words.add_itxt("Description", self.alt)
        file = io.BytesIO()
        Image.fromarray(self.pixels).save(file, "PNG", pnginfo=words, compress_level=PNG_LEVEL)
        return file.getvalue()


def check_picture_path(path: Path, *, vector: bool) -> None:
    """Find out before anything is drawn that a picture cannot go to ``path``.

    Raises:
        OptionError: Its extension is not one for such a picture, or its folder is missing.
    """
    extensions = RASTER + VECTOR if vector else RASTER
    if path.suffix.lower() not in extensions:
        raise OptionError(
            f"the picture's extension must be {' or '.join(extensions)}, got {path.name!r}"
        )
    check_folder(path)
