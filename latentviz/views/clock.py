"""What stands above a frame: its step and its speed, in words."""

from __future__ import annotations

from ..pacing import Frame
from ..runs.run import Run
from ..scene import AFTER_LAST, AFTER_STEP, Heading
from ..text import counted


def heading(run: Run, frame: Frame, n_left_out: int, note: str = "") -> Heading:
    """A frame's words.

    Args:
        run: The run.
        frame: What the frame shows of it.
        n_left_out: Points that are not finite at some of its sub-steps.
        note: More to say of the points.
    """
    words, number = "step", str(run.steps[frame.stop - 1])
    if frame.after:
        # Where not every step was recorded, nobody knows which one was the last.
        words, number = (AFTER_STEP, number) if is_dense(run) else (AFTER_LAST, "")
    covered = steps_covered(run, frame)
    left_out = f"{counted(n_left_out, 'point')} not finite" if n_left_out else ""
    return Heading(
        words,
        number,
        # Of a run that was not recorded at every step, a frame a recorded step is no speed.
        speed="" if frame.stride == 1 < covered else speed_words(covered),
        note=", ".join(filter(None, [note, left_out])),
    )


def speed_words(speed: int) -> str:
    """The playback speed, in steps a frame; one step a frame is no fast-forward."""
    return f"▸▸{speed}x" if speed > 1 else f"▸{speed}x"


def steps_covered(run: Run, frame: Frame) -> int:
    """How many steps of training a frame stands for: more than it shows if not all were recorded.

    The last recorded step stands for as many as the one before it.
    """
    steps = run.steps
    if frame.stop < len(steps):
        return int(steps[frame.stop] - steps[frame.start])
    last = int(steps[-1] - steps[-2]) if len(steps) > 1 else 1
    return int(steps[-1] - steps[frame.start]) + last


def is_dense(run: Run) -> bool:
    """Whether the last steps that were recorded follow each other: nothing came between them."""
    return len(run) < 2 or bool(run.steps[-1] - run.steps[-2] == 1)
