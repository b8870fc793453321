"""Pairs of dimensions that are drawn against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .errors import OptionError

Pairs = Sequence[tuple[int, int]]
Dims = tuple[int, int] | tuple[int, int, int]

DEFAULT_DIMS = ((1, 0), (1, 2), (3, 2))
HISTORY_DIMS = ((1, 0), (1, 2), (1, 3))
LONGEST_NAME = 200


@dataclass(frozen=True)
class Projection:
    """Dimension ``i`` to the right, ``j`` up; and where it turns, ``k`` towards the viewer."""

    i: int
    j: int
    title: str
    """What stands above it."""
    k: int | None = None

    @property
    def dims(self) -> tuple[int, ...]:
        """Its dimensions, two or three."""
        return (self.i, self.j) if self.k is None else (self.i, self.j, self.k)


AUTO = "auto"


def parse_dims(text: str) -> tuple[int, int]:
    """Two dimensions as the command line spells them, ``I,J``.

    Raises:
        OptionError: They are not two whole numbers of 0 or more.
    """
    try:
        i, j = (int(part) for part in text.split(","))
    except ValueError:
        i = j = -1
    if min(i, j) < 0:
        raise OptionError(f"dims must be two dimensions such as 1,0, got {text!r}")
    return i, j


def parse_panel(text: str) -> Dims:
    """Two or three dimensions as the command line spells them, ``I,J`` or ``I,J,K``.

    Raises:
        OptionError: They are not as many whole numbers of 0 or more.
    """
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) not in (2, 3) or min(found) < 0:
        raise OptionError(
            f"dims must be two dimensions such as 1,0, or three such as 1,0,2, got {text!r}"
        )
    return found  # type: ignore[return-value]  # of two or three


def parse_planes(texts: Sequence[str]) -> Pairs | str | None:
    """Planes as the command line spells them, each ``I,J``; or ``auto`` alone; None of nothing.

    Raises:
        OptionError: One is neither, or ``auto`` is not alone.
    """
    if list(texts) == [AUTO]:
        return AUTO
    if AUTO in texts:
        raise OptionError("dims are auto or pairs of dimensions, not both")
    return [parse_dims(text) for text in texts] or None


def split_names(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",")]


def checked_names(names: object) -> tuple[str, ...]:
    """The names of projections.

    Raises:
        OptionError: They are one string in place of several, or no text.
    """
    if isinstance(names, str):
        apart = split_names(names)
        raise OptionError(f"names must be a list of names such as {apart!r}, got {names!r}")
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise OptionError(f"names must be a list of names, got {names!r}")
    return tuple(names)


def within(dims: Pairs, n_dims: int) -> Pairs:
    """Those of some pairs that there are among ``n_dims`` dimensions; else the first two."""
    return [pair for pair in dims if max(pair) < n_dims] or [(0, min(1, n_dims - 1))]


def projections(
    dims: Sequence[Sequence[int]],
    names: Sequence[str],
    n_dims: int,
    title: Callable[..., str],
    *,
    what: str = "latents have",
    turning: bool = False,
) -> tuple[Projection, ...]:
    """The projections to draw of ``n_dims`` dimensions.

    Args:
        dims: Which pairs; or with ``turning`` three dimensions each.
        names: Follow the titles, in order; there may be fewer.
        n_dims: How many dimensions there are.
        title: The title of two or three.
        what: Has these dimensions, for errors.
        turning: Whether a projection may be of three dimensions.

    Raises:
        OptionError: A dimension is out of range, or there are more names than projections, or one
            string in place of names.
    """
    if len(dims) == 0:
        raise OptionError("dims must name at least one pair, got none")
    for each in dims:
        if len(each) != 2 and not turning:
            raise OptionError(
                f"dims must be pairs, got {','.join(map(str, each))}; films alone turn panels of "
                "three"
            )
        if not all(0 <= dim < n_dims for dim in each):
            raise OptionError(
                f"dims {','.join(map(str, each))} are out of range: the {what} {n_dims} "
                f"dimensions, 0 to {n_dims - 1}"
            )
    names = checked_names(names)
    if len(names) > len(dims):
        raise OptionError(f"got {len(names)} names for {len(dims)} projections")
    padded = [*names, *[""] * (len(dims) - len(names))]
    found = []
    for (i, j, *near), name in zip(dims, padded, strict=True):
        own = title(i, j, *near)
        said = f"{own} {name[:LONGEST_NAME]}" if name else own
        found.append(Projection(i, j, said, *near))
    return tuple(found)
