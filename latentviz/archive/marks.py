"""Points' colors, classes and names: given by a user, and as members of an archive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classes import MAX_TEXT, are_names, checked_texts, classes_of, codes_of
from ..errors import ArchiveError, OptionError
from . import format as f
from . import schema as s
from .reader import ArchiveReader

# Each row's value for all of its points; given what it is of, for the error.
Spread = Callable[[str, NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Marks:
    """Everything known of N points, but where they are."""

    colors: NDArray[Any] | None = None
    """(N, 3) RGB in 0..1, (N,) integer labels or (N,) scalars."""
    classes: NDArray[np.int64] | None = None
    """(N,)"""
    class_names: tuple[str, ...] | None = None
    """The names that the classes number from 0 on."""
    point_names: tuple[str, ...] | None = None
    """N of them."""

    def of(self, n_points: int) -> Marks:
        """The same for that many points; nothing, if these are others."""
        given = (self.colors, self.classes, self.point_names)
        return self if all(each is None or len(each) == n_points for each in given) else Marks()

    def members(self) -> dict[str, NDArray[Any]]:
        """What an archive stores of them, by the members' names, but for `header_names`.

        Raises:
            ArchiveError: The names are too long.
        """
        found: dict[str, NDArray[Any]] = {}
        # `with_classes` made them the same array, which then is stored once.
        colored_by_class = self.colors is not None and self.colors is self.classes
        if self.colors is not None and not colored_by_class:
            found[s.PROBE_COLORS] = self.colors
        if self.classes is not None and not self._colors_are_classes:
            found[s.PROBE_CLASSES] = self.classes
            if self.class_names is not None:
                found[s.PROBE_CLASS_NAMES] = f.texts_array(self.class_names)
        if self.point_names is not None:
            found[s.PROBE_POINT_NAMES] = f.texts_array(self.point_names)
        return found

    @property
    def header_names(self) -> tuple[str, ...] | None:
        """The class names that the header has: where the colors are the classes."""
        return self.class_names if self._colors_are_classes else None

    @property
    def _colors_are_classes(self) -> bool:
        return (
            self.colors is not None and self.colors is not self.classes and is_labels(self.colors)
        )


def is_labels(colors: NDArray[Any]) -> bool:
    """Whether points' colors are the numbers of classes."""
    return colors.ndim == 1 and colors.dtype.kind in "iub"


def with_classes(colors: NDArray[Any] | None, **others: Any) -> Marks:
    """Marks of points whose colors are their classes, or that are colored by class.

    Args:
        colors: As `Marks` has them; None colors points that have classes by these.
        **others: The rest of `Marks`.
    """
    marks = Marks(colors, **others)
    if marks.classes is not None and colors is None:
        return replace(marks, colors=marks.classes)
    if marks.classes is None and colors is not None and is_labels(colors):
        return replace(marks, classes=colors.astype(np.int64))
    return marks


def checked_marks(
    *,
    colors: object,
    checked_colors: Callable[[object], NDArray[Any] | None],
    classes: object,
    class_names: object,
    point_names: object,
    n_points: int,
    spread: Spread | None = None,
) -> Marks:
    """The marks that a user gives.

    Args:
        colors: RGB, labels, names of classes, or scalars.
        checked_colors: Makes an array of colors that are no names, or of None.
        classes: (N,) whole numbers, or names of classes.
        class_names: The names that these, or labels among the colors, number from 0 on.
        point_names: (N,) texts.
        n_points: N.
        spread: Gives each row's class and name to all its points, if they are more than rows.

    Raises:
        OptionError: They are not such, or not of so many points.
    """
    names = None if class_names is None else checked_texts("class_names", class_names)
    if are_names(colors):
        if spread is None:
            codes_of(colors)  # refuses other than one name for each point
        if classes is not None:
            raise OptionError(_TWO_CLASSES)
        codes, names = classes_of("colors", colors, names)
        array = checked_colors(codes)
    else:
        array = checked_colors(None if classes is not None and colors is None else colors)
        if array is not None and is_labels(array):
            if classes is not None:
                raise OptionError(_TWO_CLASSES)
            if names is not None:
                array, names = classes_of("colors", array, names)
        elif classes is None and names is not None:
            raise OptionError(
                "class_names= name the classes of the points; give classes= too, (N,) of their "
                "numbers"
            )
    codes_given = None
    if classes is not None:
        codes_given, names = classes_of("classes", classes, names)
        codes_given = _of_points("classes", codes_given, n_points, spread)
    texts = None
    if point_names is not None:
        checked = checked_texts("point_names", point_names)
        given = np.array(checked, dtype=object).reshape(np.shape(np.asarray(point_names, object)))
        texts = tuple(_of_points("point_names", given, n_points, spread))
    whole = None if names is None else tuple(map(f.whole_text, names))
    return with_classes(
        array,
        classes=codes_given,
        class_names=whole,
        point_names=None if texts is None else tuple(map(f.whole_text, texts)),
    )


_TWO_CLASSES = (
    "colors= that are labels are the classes of the points, and so are classes=; give one of them"
)


def _of_points(
    what: str, given: NDArray[Any], n_points: int, spread: Spread | None
) -> NDArray[Any]:
    if spread is not None:
        given = spread(what, given)
    if given.shape != (n_points,):
        raise OptionError(f"{what} must be ({n_points},), one of each point, got {given.shape}")
    return given


def read_marks(reader: ArchiveReader, header_names: Sequence[str] | None) -> Marks:
    """The marks that an archive has.

    Args:
        reader: The archive.
        header_names: The names of the classes that the colors number, as its header has them.

    Raises:
        ArchiveError: They are malformed.
    """
    colors = reader.read(s.PROBE_COLORS) if s.PROBE_COLORS in reader else None
    classes = reader.read(s.PROBE_CLASSES) if s.PROBE_CLASSES in reader else None
    path = reader.path
    if classes is not None and (classes.ndim != 1 or classes.dtype != np.int64):
        raise ArchiveError(
            f"{path}: member {s.PROBE_CLASSES!r} should be (N,) int64, got {classes.dtype} "
            f"{classes.shape}"
        )
    class_names = None
    if header_names is not None:
        if colors is None or not is_labels(colors) or not _number(colors, header_names):
            raise ArchiveError(
                f"{path}: its colors must be (N,) numbers of the {len(header_names)} classes that "
                "are named"
            )
        class_names = tuple(header_names)
    if classes is not None and (
        header_names is not None or (colors is not None and is_labels(colors))
    ):
        raise ArchiveError(
            f"{path}: its colors are classes, and it has others in {s.PROBE_CLASSES!r}"
        )
    if s.PROBE_CLASS_NAMES in reader:
        class_names = tuple(_texts(reader, s.PROBE_CLASS_NAMES))
        if classes is None or not _number(classes, class_names):
            raise ArchiveError(
                f"{path}: its classes must be (N,) numbers of the {len(class_names)} that are named"
            )
    point_names = (
        tuple(_texts(reader, s.PROBE_POINT_NAMES)) if s.PROBE_POINT_NAMES in reader else None
    )
    counts = {
        len(each) for each in (colors, classes, point_names) if each is not None and np.ndim(each)
    }
    if len(counts) > 1:
        raise ArchiveError(
            f"{path}: its colors, classes and names must be of as many points, got "
            f"{', '.join(map(str, sorted(counts)))}"
        )
    return with_classes(colors, classes=classes, class_names=class_names, point_names=point_names)


def _texts(reader: ArchiveReader, member: str) -> list[str]:
    try:
        return f.texts_value(reader.read(member), member, longest=MAX_TEXT)
    except ArchiveError as error:
        raise ArchiveError(f"{reader.path}: {error}") from None


def _number(codes: NDArray[Any], names: Sequence[str]) -> bool:
    return bool(((codes >= 0) & (codes < len(names))).all())
