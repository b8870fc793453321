"""The captions of a film: lines of text, each at a range of steps."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property, partial
from typing import ClassVar

from ..errors import LatentvizWarning
from ..pacing import Frame
from ..raster.captions import caption_height
from ..raster.layout import Layout, page_scale
from ..raster.squares import KeyHeight
from ..scene import Caption, CaptionPanel, Cell, Panel
from ..text import printable
from .panels import Plan


class FilmCaptions:
    """The band of captions; none where no frame has one."""

    kind: ClassVar[type[Panel]] = CaptionPanel

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @cached_property
    def _by_frame(self) -> tuple[str, ...]:
        """What each frame says."""
        if not self._plan.spec.captions:
            return ()
        by_frame = tuple(map(self._caption_of, self._plan.clock.frames))
        shown = set(by_frame)
        for (first, stop), text in self._plan.spec.captions:
            if text not in shown:
                ends = ":".join("" if end is None else str(end) for end in (first, stop))
                warnings.warn(
                    f"the caption {printable(text, 60)!r} is in no frame; the film has no steps "
                    f"{ends} that another caption does not take",
                    LatentvizWarning,
                    stacklevel=2,
                )
        return by_frame if any(by_frame) else ()

    def _caption_of(self, frame: Frame) -> str:
        """The last caption that the frame's last step has; else any of its steps."""
        steps = self._plan.clock.moments
        begin, end = int(steps[frame.start]), int(steps[frame.stop - 1])
        found = ""
        for since in (end, begin):
            for (first, stop), text in self._plan.spec.captions:
                if (first or 0) <= end and (stop is None or stop > since):
                    found = text
            if found:
                break
        return found

    @property
    def height(self) -> KeyHeight | None:
        """How high the band is, for `page_layout`."""
        if not self._by_frame:
            return None
        texts = sorted(set(filter(None, self._by_frame)))
        return partial(caption_height, texts, scale=page_scale(self._plan.spec.size))

    def __len__(self) -> int:
        return int(bool(self._by_frame))

    def panels(self, cells: Sequence[Cell], layout: Layout) -> tuple[CaptionPanel, ...]:
        """The band."""
        return tuple(map(CaptionPanel, cells))

    def parts(self, index: int) -> tuple[Caption, ...]:
        """What it says."""
        return (Caption(self._by_frame[index]),) if self._by_frame else ()
