"""The transforms, by the names that the command line gives them."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import OptionError
from .classes import Classes
from .matrix import Custom, Matrix
from .pca import PCA
from .rows import Rows
from .transform import Transform
from .umap import UMAP

TRANSFORMS: Mapping[str, type[Transform]] = {
    "pca": PCA,
    "classes": Classes,
    "matrix": Matrix,
    "rows": Rows,
    "umap": UMAP,
}


def transform_of(text: str) -> Transform:
    """The transform that a text names, such as ``pca@final``.

    Raises:
        OptionError: There is none of that name, or what follows it is wrong.
    """
    name = text.split(":", 1)[0].split("@", 1)[0]
    found = TRANSFORMS.get(name)
    if found is None:
        raise OptionError(f"there is no transform {text!r}; there are {', '.join(TRANSFORMS)}")
    return found.parse(text[len(name) :])


def as_transform(value: object) -> Transform:
    """The transform that a user means.

    Args:
        value: Its text; a transform; an array (D, k), or what NumPy takes for one; or a function
            that makes (n, N, k) of (n, N, D).

    Raises:
        OptionError: It is none of these.
    """
    if isinstance(value, str):
        return transform_of(value)
    if isinstance(value, PCA | Classes | Matrix | Custom | Rows | UMAP):
        return value
    if callable(value):
        return Custom(value)
    from ..arrays import numbers_of

    return Matrix(array=numbers_of("project", value))
