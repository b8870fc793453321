"""Triples of latent dimensions: right, up, and towards the viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import OptionError

Triple = tuple[int, int, int]

DEFAULT_DIMS = ((1, 0, 2), (1, 2, 0), (3, 2, 0))


def parse_triple(text: str) -> Triple:
    """Three dimensions as the command line spells them, ``I,J,K``.

    Raises:
        OptionError: They are not three whole numbers of 0 or more.
    """
    try:
        i, j, k = (int(part) for part in text.split(","))
    except ValueError:
        i = j = k = -1
    if min(i, j, k) < 0:
        raise OptionError(f"dims must be three dimensions such as 1,0,2, got {text!r}")
    return i, j, k


def triples_of(
    dims: Sequence[Triple] | None,
    n_dims: int,
    *,
    widest: Callable[[], Sequence[int]] | None = None,
    what: str = "latents have",
) -> list[Triple]:
    """The triples to show of latents with ``n_dims`` dimensions.

    Args:
        dims: What was asked for.
        n_dims: How many there are.
        widest: Gives the three dimensions to choose where none were asked for; by default those of
            the published pictures.
        what: Has these dimensions, for errors.

    Raises:
        OptionError: There is none, or one is out of range.
    """
    if dims is None:
        if n_dims < 3:
            raise OptionError(f"the {what} {n_dims} dimensions, and a sphere needs three")
        if widest is not None:
            a, b, c = widest()
            return [(a, b, c), (a, c, b), (b, c, a)]
        return [triple for triple in DEFAULT_DIMS if max(triple) < n_dims]
    if len(dims) == 0:
        raise OptionError("dims must name at least one triple, got none")
    for triple in dims:
        if len(triple) != 3 or not all(0 <= d < n_dims for d in triple):
            raise OptionError(
                f"dims {','.join(map(str, triple))} are out of range: the {what} {n_dims} "
                f"dimensions, 0 to {n_dims - 1}, of which a triple names three"
            )
    return list(dims)


def named(triple: Triple) -> str:
    """A view's name, such as ``[1,0,2]``."""
    return f"[{','.join(map(str, triple))}]"


def views_in_words(triples: Sequence[Triple], names: Sequence[str] | None = None) -> str:
    """A sentence on what the views show.

    Args:
        triples: The views.
        names: The components' names; by default they are the latents' dimensions.
    """
    views = "; ".join(
        f"dimension {i} to the right, {j} up, {k} toward the viewer"
        if names is None
        else f"{names[i]} to the right, {names[j]} up, {names[k]} toward the viewer"
        for i, j, k in triples
    )
    return f"{'Views' if len(triples) > 1 else 'The view'}: {views}."
