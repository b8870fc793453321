"""How long a shutter sees each sub-step of a frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..pacing import Frame
from .clock import end_of

WHOLE_DEG = 360.0


def open_shares(steps: NDArray[np.int64], frame: Frame, shutter_deg: float) -> NDArray[np.float32]:
    """Each sub-step's share of the time that the shutter is open.

    A sub-step lasts until the next one begins. The shutter is open for the last part of the frame:
    so the frame ends with the step that its heading names.

    Args:
        steps: (T,) the recorded steps.
        frame: What it covers.
        shutter_deg: 360 for all of the frame's time.

    Returns:
        (n,) float32, 1 in all.
    """
    begins, end = frame_times(steps, frame)
    if len(begins) == 1:
        return np.ones(1, np.float32)
    ends = np.append(begins[1:], end)
    opened = end - (end - begins[0]) * min(shutter_deg, WHOLE_DEG) / WHOLE_DEG
    lasting = np.maximum(ends - np.maximum(begins, opened), 0.0)
    return np.asarray(lasting / lasting.sum(), np.float32)


def frame_times(steps: NDArray[np.int64], frame: Frame) -> tuple[NDArray[np.float64], float]:
    """When each sub-step of a frame begins, (n,), and when the last one ends, in steps."""
    known = np.append(steps, end_of(steps)).astype(np.float64)
    stride = float(known[-1] - known[-2])
    if frame.between is None:
        begins, end = known[frame.start : frame.stop], known[frame.stop]
    else:
        places = np.arange(len(known))
        begins = np.interp(frame.between, places, known)
        end = float(np.interp(frame.end, places, known))
    if frame.after:
        begins, end = np.append(begins, known[-1]), known[-1] + stride
    return begins, float(end)
