"""The error of the gallery."""

from latentviz.errors import LatentvizError


class GalleryError(LatentvizError):
    """An entry, a site or what is needed to look at it is not as it must be."""
