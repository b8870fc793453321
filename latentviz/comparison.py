"""Whether two pictures look alike, and if they do not: how much they differ, and where.

The measure is CIEDE2000 (Sharma, Wu and Dalal, 2005) of the pictures in CIELAB, after a blur of one
pixel, which is about the eye's own in front of a screen (as in S-CIELAB: Zhang and Wandell, 1996).
Its unit is ΔE: 1 is about the least difference that is seen between two patches of color, 100 lies
between black and white. The largest of all pixels decides: in a mean over 1920x1080, a dot that is
missing would be lost.

scikit-image brings it, which is well kept and runs wherever we do. NVIDIA's FLIP tells no more of
our pictures apart, takes three times as long, and lacks wheels for Linux on Arm and Python 3.14.

Typical differences, in ΔE:

    one pixel at a letter's edge, by 32 levels of 255  0.4 to 2.4
    noise of 2 levels in all of 1920x1080 pixels       2.5
    4 levels more in all of them                       1.6 to 3.0
    a grid line that is missing, 1 px by 19 levels     4.1 and more
    a digit for another in the smallest text, 8 px     5.2 and more
    a dot that moved by 1 px; by 2 px                  5.3 and more; 11 and more
    a digit for another in a film's heading            12 and more at 640x360, 65 at 1920x1080
    letters as another FreeType draws them             14 to 24 at 640x360, 33 to 52 at 1920x1080

So no tolerance lets the last pass and finds all the others. Matplotlib's letters changed so from
3.10 to 3.11, with the FreeType in it. Where both must pass, 60 does, for text alone if need be, by
``tolerance=np.where(text, 60, 3)``; it still finds a digit in a large heading.

Differences of one level never count: a rounding may fall either way. Nor are lines found that were
fainter and are missing (of 13 levels on light ground, 2.2), or as faint as a grid line and shorter
than some 100 px: a tolerance that finds these fails for noise.
"""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .backend import import_matplotlib
from .errors import LatentvizError, OptionError
from .figures.picture import Picture
from .files import expanded, open_regular

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

TOLERANCE = 3.0  # ΔE
MOST_TOLERANCE = 100.0  # black is like white then
ROUNDING = 1  # levels
BLUR_PX = 1.0
JUST_SEEN = 1.0  # ΔE
RUN_PX = 129  # so far one sees a faint line run on
REACH_PX = 8  # twice that of the blur, so that what is cut out is blurred as if it were whole

GAP_PX = 8
GAP = (255, 255, 255)
BEYOND = (255, 64, 64)
WITHIN = (150, 120, 30)
FRAME = (255, 255, 255)
DIMMED = 3

# A picture is opened by what is in it, whatever its name says: Pillow would start Ghostscript for
# one, and has decoders of fifty more formats that nobody has looked through for our sake.
FORMATS = ("PNG", "GIF", "WEBP")  # Pillow's names
MODES = ("1", "L", "LA", "P", "RGB", "RGBA")  # Pillow's, of 8 bits or less
PNG_MAGIC, PNG_DEPTH_AT = b"\x89PNG\r\n\x1a\n", 24
MOST_PIXELS = 8192 * 8192

Pixels = NDArray[np.uint8]  # (H, W, 3)


@dataclass(frozen=True, eq=False)
class Comparison:
    """How much two pictures differ; as text, in one line. Made by `compare`."""

    alike: bool
    """Whether no pixel differs by more than was tolerated."""
    largest: float
    """The largest difference in ΔE; infinite where the sizes differ. Where the tolerance is not the
    same everywhere, the one farthest beyond it."""
    tolerance: float
    """The tolerance there, in ΔE."""
    share: float
    """How many of the pixels differ by more than was tolerated, 0 to 1."""
    where: tuple[int, int, int, int] | None
    """The box around these, (left, top, width, height) in pixels; None where there are none."""
    shapes: tuple[tuple[int, int], tuple[int, int]]
    """Both pictures' (height, width)."""
    pixels: tuple[Pixels, Pixels] = field(repr=False)
    """Both pictures, (H, W, 3) uint8."""
    differences: NDArray[np.float32] | None = field(repr=False)
    """Each pixel's, (H, W), in ΔE; None where the sizes differ."""
    beyond: NDArray[np.bool_] | None = field(repr=False)
    """Which of them are more than was tolerated, (H, W)."""

    def __str__(self) -> str:
        a, b = (f"{width}x{height}" for height, width in self.shapes)
        if self.differences is None:
            return f"the sizes differ: {a} and {b}"
        how_far = (
            f"the largest difference is {self.largest:.3g} delta E, tolerated {self.tolerance:g}"
        )
        if self.where is None:
            return f"alike: {how_far}"
        left, top, width, height = self.where
        return f"they differ within {width}x{height} pixels at ({left}, {top}): {how_far}" + (
            f"; {100 * self.share:.2g}% of the pixels are beyond it"
        )

    def picture(self) -> Pixels:
        """Both pictures side by side, then their difference, (H, W, 3) uint8.

        The difference is the second picture, dimmed, with marks: bright and in a frame where a
        difference is beyond the tolerance, darker where it can be seen at all. It is left out
        where the sizes differ.
        """
        height = max(height for height, _ in self.shapes)
        gap = np.full((height, GAP_PX, 3), GAP, np.uint8)
        parts = [_padded(pixels, height) for pixels in self.pixels]
        if self.differences is not None:
            parts.append(self._marked(self.differences))
        return np.concatenate([part for one in parts for part in (gap, one)][1:], 1)

    def _marked(self, differences: NDArray[np.float32]) -> Pixels:
        from PIL import Image, ImageDraw

        marked = np.repeat(self.pixels[1].mean(-1, keepdims=True) / DIMMED, 3, -1).astype(np.uint8)
        marked[differences > JUST_SEEN] = WITHIN
        marked[self.beyond] = BEYOND
        if self.where is None:
            return marked
        left, top, width, height = self.where
        image = Image.fromarray(marked)
        corners = (left - GAP_PX, top - GAP_PX, left + width + GAP_PX, top + height + GAP_PX)
        ImageDraw.Draw(image).rectangle(corners, outline=FRAME)
        return np.asarray(image)


def compare(
    a: Picture | Figure | Pixels | str | os.PathLike[str],
    b: Picture | Figure | Pixels | str | os.PathLike[str],
    *,
    tolerance: float | NDArray[Any] = TOLERANCE,
) -> Comparison:
    """Compare two pictures as the eye does.

    Args:
        a: A picture, as `Picture`, a matplotlib figure, (H, W, 3) uint8 or the path of a file.
        b: The picture that it should look like.
        tolerance: The largest difference that a pixel may have, in ΔE, 0 to 100; or one for each
            pixel, (H, W): 0 where all must be as it was, infinity where anything may be, as long
            as something is compared.

    Raises:
        OptionError: A picture cannot be read, or the tolerance is out of range.
        LatentvizError: scikit-image is not installed.
    """
    check_installed()
    x, y = pixels_of(a), pixels_of(b)
    shapes = (x.shape[0], x.shape[1]), (y.shape[0], y.shape[1])
    tolerated = np.asarray(tolerance, np.float64)
    if not (tolerated >= 0).all():
        raise OptionError(f"tolerance must be 0 or more, got {tolerated.min():g}")
    if not (tolerated <= MOST_TOLERANCE).any():
        raise OptionError(
            f"tolerance must be at most {MOST_TOLERANCE:g}, as far as black is from white, or "
            f"nothing is compared; got {tolerated.min():g}"
        )
    if tolerated.shape not in ((), *shapes):
        raise OptionError(
            f"tolerance must be a number, or one for each pixel, {shapes[1]}; "
            f"got the shape {tolerated.shape}"
        )
    if shapes[0] != shapes[1]:
        return Comparison(
            alike=False, largest=math.inf, tolerance=float(tolerated.min()), share=1.0, where=None,
            shapes=shapes, pixels=(x, y), differences=None, beyond=None,
        )  # fmt: skip
    differences = _differences(x, y)
    tolerated = np.broadcast_to(tolerated, differences.shape)
    beyond = ~(differences <= tolerated)  # what is not a number is not alike
    worst = np.unravel_index(np.argmax(differences - tolerated), differences.shape)
    return Comparison(
        alike=not beyond.any(),
        largest=float(differences[worst]),
        tolerance=float(tolerated[worst]),
        share=float(beyond.mean()),
        where=_box(beyond),
        shapes=shapes,
        pixels=(x, y),
        differences=differences,
        beyond=beyond,
    )


def check_installed() -> None:
    """Find out that scikit-image is missing.

    Raises:
        LatentvizError: It is.
    """
    if find_spec("skimage") is None:
        raise LatentvizError(
            "comparing pictures needs scikit-image, which is not installed; "
            'run: pip install "latentviz[testing]"'
        )


def pixels_of(what: object) -> Pixels:
    """A picture's pixels, (H, W, 3) uint8.

    Raises:
        OptionError: It is no picture, or its file cannot be read.
    """
    if isinstance(what, str | os.PathLike):
        return _read(expanded(what))
    if isinstance(what, Picture):
        return what.pixels
    if isinstance(what, np.ndarray):
        if what.ndim != 3 or what.shape[2] != 3 or what.dtype != np.uint8 or what.size == 0:
            raise OptionError(f"pixels must be (H, W, 3) uint8, got {what.shape} {what.dtype}")
        return what
    import_matplotlib()
    from matplotlib.figure import Figure

    from .raster.chrome import figure_pixels

    if not isinstance(what, Figure):
        raise OptionError(
            "a picture must be a Picture, a matplotlib figure, (H, W, 3) uint8 pixels or a path, "
            f"got {type(what).__name__}"
        )
    canvas = what.canvas
    try:
        return figure_pixels(what)
    finally:
        what.set_canvas(canvas)  # the caller's, who may show it yet


def _read(path: Path) -> Pixels:
    from PIL import Image, UnidentifiedImageError

    try:
        with open_regular(path) as file, warnings.catch_warnings():
            # What Pillow warns of is refused by its size.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            head = file.read(PNG_DEPTH_AT + 1)
            file.seek(0)
            with Image.open(file, formats=FORMATS) as image:
                _check_can_be_compared(path, image, head)
                # A color that is not seen would be compared, and how far it is seen would not.
                if (np.asarray(image.convert("RGBA"))[..., 3] < 255).any():
                    raise OptionError(f"{path} is transparent in places; save it without that")
                return np.asarray(image.convert("RGB"))
    except OptionError:
        raise
    except UnidentifiedImageError:
        raise OptionError(
            f"{path} cannot be read as a picture: it holds no PNG, GIF or WebP"
        ) from None
    except Exception as error:  # decoders raise what they like about a file that is damaged
        why = getattr(error, "strerror", None) or error or type(error).__name__
        raise OptionError(f"{path} cannot be read as a picture: {why}") from None


def _check_can_be_compared(path: Path, image: Image, head: bytes) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise OptionError(
            f"{path} has {width}x{height} pixels; pictures of up to {MOST_PIXELS} are compared"
        )
    if getattr(image, "is_animated", False):
        raise OptionError(f"{path} holds several pictures; name a file that holds one")
    # Pillow leaves out the lower half of a color's 16 bits, and does not say so.
    is_deep = head.startswith(PNG_MAGIC) and head[PNG_DEPTH_AT] == 16
    if is_deep or image.mode not in MODES:
        depth = "16" if is_deep else f"mode {image.mode}"
        raise OptionError(f"{path} must be of 8 bits a channel, got {depth}")


def _differences(a: Pixels, b: Pixels) -> NDArray[np.float32]:
    """How far each pixel differs, (H, W), in ΔE."""
    from scipy.ndimage import uniform_filter1d  # type: ignore[import-untyped]  # scikit-image brings it
    from skimage.color import deltaE_ciede2000, rgb2lab
    from skimage.filters import gaussian

    differences = np.zeros(a.shape[:2], np.float32)
    apart = np.abs(a.astype(np.int16) - b).max(-1) > ROUNDING
    box = _box(apart)
    if box is None:
        return differences
    left, top, width, height = box
    # All else is alike, and looking at it would take most of the time.
    part = (
        slice(max(0, top - REACH_PX), top + height + REACH_PX),
        slice(max(0, left - REACH_PX), left + width + REACH_PX),
    )
    rounded = np.where(apart[..., None], a, b)
    lab_a, lab_b = (
        gaussian(  # type: ignore[no-untyped-call]  # scikit-image's own gap
            rgb2lab(pixels[part] / np.float32(255)), BLUR_PX, mode="nearest", channel_axis=-1
        )
        for pixels in (rounded, b)
    )
    seen = (lab_a != lab_b).any(-1)
    delta_e = single = deltaE_ciede2000(lab_a[seen], lab_b[seen])  # type: ignore[no-untyped-call]  # as above
    apart_by = lab_a - lab_b
    for axis in (0, 1):
        # Of each row or column, all that lies beyond this part is alike.
        steady = uniform_filter1d(apart_by, RUN_PX, axis=axis, mode="constant")[seen]
        runs_on = deltaE_ciede2000(lab_b[seen] + steady, lab_b[seen])  # type: ignore[no-untyped-call]  # as above
        delta_e = np.maximum(delta_e, 2 * np.minimum(single, runs_on))
    differences[part][seen] = delta_e
    return differences


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """The box around what is set, (left, top, width, height)."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return None
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def _padded(pixels: Pixels, height: int) -> Pixels:
    return np.pad(pixels, ((0, height - pixels.shape[0]), (0, 0), (0, 0)))
