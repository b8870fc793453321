"""A film's frames drawn ahead by several threads, as raw bytes."""

from __future__ import annotations

import hashlib
import queue
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ..raster.page import interleaved
from ..video.formats import VideoSettings
from ..video.writer import packer
from .film import Film


def drawn_frames(
    film: Film, order: Sequence[int], settings: VideoSettings, threads: int, *, hashed: bool
) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Each frame's raw bytes and, if wanted, its hash, in order, drawn by several threads.

    A frame is only good until the next one is asked for: its memory is used again.
    """
    page = film.page
    pack = packer(settings.pixel_format)
    # One frame a thread, one that waits for its turn, one that is being written.
    n_buffers = threads + 2
    canvases: queue.SimpleQueue[NDArray[np.uint8]] = queue.SimpleQueue()
    for _ in range(threads):
        canvases.put(page.new_canvas())
    outputs = deque(np.empty(settings.frame_bytes, np.uint8) for _ in range(n_buffers))

    def draw(index: int, output: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], str]:
        canvas = canvases.get()
        try:
            film.draw(index, canvas)
            pack(canvas, output)
            digest = hashlib.sha256(interleaved(canvas).data).hexdigest() if hashed else ""
        finally:
            canvases.put(canvas)
        return output, digest

    pending: deque[Future[tuple[NDArray[np.uint8], str]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="latentviz-draw") as pool:
        try:
            for index in order:
                pending.append(pool.submit(draw, index, outputs.popleft()))
                if not outputs:
                    output, digest = pending.popleft().result()
                    yield output, digest
                    outputs.append(output)
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
