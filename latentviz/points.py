"""Which points a run shows: a layer's output at the probe, or the rows or columns of a tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import OptionError
from .text import listed, nearest_first, printable

LAYER, ROWS, COLUMNS = "layer", "rows", "columns"
KINDS = (LAYER, ROWS, COLUMNS)
MAX_LISTED = 12  # tensors in an error
LONGEST = 60  # characters of each
FORMS = "layer:NAME, rows:TENSOR or columns:TENSOR"


@dataclass(frozen=True)
class Points:
    """N points of D numbers at every step, by the name of what gives them."""

    kind: str
    """One of `KINDS`."""
    name: str
    """The layer's, or the tensor's."""

    @classmethod
    def parse(cls, text: object) -> Points:
        """The points that a text names, such as ``rows:embed.weight``.

        Raises:
            OptionError: It names none.
        """
        kind, colon, name = text.partition(":") if isinstance(text, str) else ("", "", "")
        if kind not in KINDS or not name:
            got = printable(repr(text), 60)
            hint = ""
            if isinstance(text, str) and text and not (colon and kind in KINDS):
                hint = f"; the layer of that name is layer:{printable(text, 60)}"
            raise OptionError(f"points must be {FORMS}, got {got}{hint}")
        return cls(kind, name)

    @property
    def text(self) -> str:
        """What `parse` reads."""
        return f"{self.kind}:{self.name}"

    @property
    def is_layer(self) -> bool:
        """Whether a layer gives them, so that they need a probe."""
        return self.kind == LAYER

    @property
    def words(self) -> str:
        """What they are, as a message or a title says it."""
        return printable(self.name if self.is_layer else self.text)


def checked_texts(name: str, value: Any) -> tuple[str, ...]:
    """Texts that name some of the points; one alone is a list of one.

    Args:
        name: The option that they are of, for the error.
        value: What was given.

    Raises:
        OptionError: They are no texts.
    """
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise OptionError(
            f"{name} must be texts such as '3,17', the name of a class, or 'all', got "
            f"{printable(repr(value), 60)}"
        )
    return tuple(texts)


Form = tuple[tuple[int, ...], str]  # a tensor's shape at each step, and its dtype's name


def has_points(form: Form) -> bool:
    """Whether a tensor has rows that can be drawn: it holds floats, and is no scalar."""
    shape, dtype = form
    return "float" in dtype and len(shape) > 0 and 0 not in shape


def matrices(forms: Mapping[str, Form]) -> dict[str, tuple[int, ...]]:
    """The tensors whose rows and columns are directions, and their shapes."""
    return {name: form[0] for name, form in forms.items() if has_points(form) and len(form[0]) > 1}


def points_shape(points: Points, forms: Mapping[str, Form], owner: str) -> tuple[int, int]:
    """How many points a tensor's rows or columns are, N, and of how many dimensions, D.

    Args:
        points: The rows or columns of a tensor, flattened after its first axis.
        forms: All tensors there are, by name.
        owner: Whose tensors they are, for the error, such as ``the run has``.

    Raises:
        OptionError: There is no such tensor, or it has no rows.
    """
    form = forms.get(points.name)
    if form is None:
        choices = [name for name, each in forms.items() if has_points(each)]
        names = [printable(name, LONGEST) for name in nearest_first(points.name, choices)]
        near = listed(names, MAX_LISTED)
        raise OptionError(
            f"{points.words!r}: there is no tensor {printable(points.name)!r}; {owner} "
            f"{near or 'none that could be drawn'}"
        )
    if not has_points(form):
        shape, dtype = form
        raise OptionError(
            f"{points.words!r}: a tensor whose rows are drawn holds floats, (R, ...), got {dtype} "
            f"{shape}"
        )
    n_rows, n_dims = form[0][0], math.prod(form[0][1:])
    return (n_dims, n_rows) if points.kind == COLUMNS else (n_rows, n_dims)
