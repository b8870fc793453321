"""Timelines: a dopesheet played, step by step.

Every property follows a course of moves. A move is a pure function of time, so a timeline can be
asked for any step, in any order.
"""

from __future__ import annotations

import copy
import math
import operator
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latentviz import Schedule
from latentviz.easing import MinimumJerk
from latentviz.errors import OptionError

from .dopesheet import Dopesheet, Easing, Property, Space

# Steps of a picture of a schedule; no screen has as many columns.
MOST_SHOWN = 20_001


@dataclass(frozen=True, slots=True)
class State:
    """What the timeline says of one step.

    Attributes:
        step: 0 to ``len(timeline) - 1``.
        phase: The phase's name; blank before the first phase starts.
        phase_starts: Whether this is the phase's first step.
        phase_ends: Whether this is the phase's last step.
        actions: Names of the actions due, in the order written.
        values: The value of every property.
    """

    step: int
    phase: str
    phase_starts: bool
    phase_ends: bool
    actions: tuple[str, ...]
    values: Mapping[str, float]


class Timeline:
    """The states of a run, one a step, ``0`` to the sheet's last STEP.

    Args:
        dopesheet: The sheet to play.
    """

    def __init__(self, dopesheet: Dopesheet) -> None:
        rows = dopesheet.rows
        self._length = rows[-1].step + 1
        self._actions = {row.step: row.actions for row in rows}
        self._phases: tuple[tuple[int, str], ...] = ()
        for row in rows:
            # Naming the running phase again starts it anew.
            if row.phase:
                self._phases += ((row.step, row.phase),)
        self._courses = {
            prop.name: _Course.through(
                prop, [(row.step, row.values[prop.name]) for row in rows if prop.name in row.values]
            )
            for prop in dopesheet.properties
        }

    @property
    def phases(self) -> tuple[tuple[int, str], ...]:
        """First step and name of every phase, in order."""
        return self._phases

    @property
    def actions(self) -> tuple[tuple[int, str], ...]:
        """Step and name of every action, in order."""
        return tuple((step, name) for step, names in self._actions.items() for name in names)

    @property
    def keyframes(self) -> dict[str, tuple[int, ...]]:
        """The steps at which each property is keyed, in order."""
        return {
            name: tuple(step for step, _ in course.keys) for name, course in self._courses.items()
        }

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[State]:
        return map(self.__getitem__, range(self._length))

    def __getitem__(self, step: int) -> State:
        """The state at ``step``.

        Raises:
            IndexError: ``step`` is not within the timeline; negative steps do not count back.
        """
        step = operator.index(step)
        if not 0 <= step < self._length:
            raise IndexError(f"step must be within 0..{self._length - 1}, got {step}")
        current = bisect_right(self._phases, step, key=operator.itemgetter(0)) - 1
        starts, phase = self._phases[current] if current >= 0 else (None, "")
        following = self._phases[current + 1 :]
        ends = following[0][0] - 1 if following else self._length - 1
        return State(
            step=step,
            phase=phase,
            phase_starts=step == starts,
            phase_ends=step == ends and current >= 0,
            actions=self._actions.get(step, ()),
            values={name: course.at(step) for name, course in self._courses.items()},
        )

    def schedule(self, name: str) -> Schedule:
        """What there is to draw of it, before there is a run.

        Args:
            name: What it is called in the picture.
        """
        steps = self._shown_steps()
        return Schedule(
            name=name,
            steps=steps,
            params={
                prop: np.array([course.at(step) for step in steps.tolist()])
                for prop, course in self._courses.items()
            },
            keyframes=self.keyframes,
            phases=self.phases,
            actions=self.actions,
        )

    def _shown_steps(self) -> NDArray[np.int64]:
        """All steps; of very many, enough of them, and those at which something begins or jumps."""
        if self._length <= MOST_SHOWN:
            return np.arange(self._length)
        even = np.linspace(0, self._length - 1, MOST_SHOWN).astype(np.int64)
        keyed = [step for steps in self.keyframes.values() for step in steps]
        marked = [step for step, _ in (*self.phases, *self.actions)]
        told = np.array([*keyed, *(step - 1 for step in keyed), *marked], dtype=np.int64)
        return np.unique(np.concatenate([even, told[told >= 0]]))

    def retarget(self, step: int, name: str, target: float, *, duration: int) -> Timeline:
        """The timeline in which a property leaves its course at ``step`` for another target.

        Up to ``step`` nothing changes. From there the property moves to ``target``, which it
        reaches at ``step + duration``; by minimum jerk it keeps the velocity and acceleration it
        had. Keys that it would have met on the way are dropped; from the target it travels on to
        the next key after that, if there is one.

        Args:
            step: When to leave, within the timeline.
            name: The property.
            target: Where to go; above 0 for a property that moves in log space.
            duration: Steps, at least 1; the move must end within the timeline.

        Raises:
            OptionError: An argument is out of range, or there is no such property.
        """
        if name not in self._courses:
            choices = ", ".join(self._courses) or "none"
            raise OptionError(f"unknown property {name!r}; this timeline's are: {choices}")
        if not (step >= 0 and duration >= 1 and step + duration < self._length):
            raise OptionError(
                f"a move must last 1 step or more within steps 0..{self._length - 1}, got "
                f"{duration} steps from step {step}"
            )
        course = self._courses[name]
        if not math.isfinite(target) or (course.property.space == "log" and target <= 0):
            positive = " above 0" if course.property.space == "log" else ""
            raise OptionError(f"the target of {name!r} must be finite{positive}, got {target:g}")
        timeline = copy.copy(self)
        timeline._courses = self._courses | {name: course.retarget(step, target, duration)}
        return timeline


class _Move(Protocol):
    """A stretch of a property's course, in the property's own space."""

    @property
    def start(self) -> float: ...

    def at(self, time: float) -> tuple[float, float, float]:
        """Position, velocity and acceleration at a time at or after ``start``."""


@dataclass(frozen=True)
class _Straight:
    """Steady speed from ``value`` to ``target``."""

    start: float
    duration: float
    value: float
    target: float

    def at(self, time: float) -> tuple[float, float, float]:
        if time >= self.start + self.duration:
            return self.target, 0.0, 0.0
        velocity = (self.target - self.value) / self.duration
        return self.value + velocity * (time - self.start), velocity, 0.0


@dataclass(frozen=True)
class _Jump:
    """Holds ``value``, then is at ``target``."""

    start: float
    duration: float
    value: float
    target: float

    def at(self, time: float) -> tuple[float, float, float]:
        held = time < self.start + self.duration
        return self.value if held else self.target, 0.0, 0.0


def _move(
    easing: Easing,
    start: float,
    duration: float,
    value: float,
    target: float,
    velocity: float = 0.0,
    acceleration: float = 0.0,
) -> _Move:
    if easing == "linear":
        return _Straight(start, duration, value, target)
    # A minimum-jerk move from rest to where it already is stands still; a jump says the same for a
    # hundredth of the time, and most stretches of a schedule are like that.
    if easing == "step-end" or (value == target and velocity == acceleration == 0.0):
        return _Jump(start, duration, value, target)
    return MinimumJerk(start, duration, value, target, velocity, acceleration)


def _into(space: Space, value: float) -> float:
    return math.log(value) if space == "log" else value


def _out_of(space: Space, value: float) -> float:
    return math.exp(value) if space == "log" else value


@dataclass(frozen=True)
class _Course:
    """All that one property does.

    Attributes:
        property: Its name, space and easing.
        initial: Where it is before the first move, in its own space.
        keys: Step and value (as written) of every key, in order; at least one.
        moves: In order of their start; each holds until the next one starts.
    """

    property: Property
    initial: float
    keys: tuple[tuple[int, float], ...]
    moves: tuple[_Move, ...]

    @classmethod
    def through(cls, prop: Property, keys: Sequence[tuple[int, float]]) -> _Course:
        """The course that passes through all ``keys``, at rest by minimum jerk."""
        moves = (
            _move(
                prop.easing, start, end - start, _into(prop.space, value), _into(prop.space, target)
            )
            for (start, value), (end, target) in pairwise(keys)
        )
        return cls(prop, _into(prop.space, keys[0][1]), tuple(keys), tuple(moves))

    def at(self, step: int) -> float:
        return _out_of(self.property.space, self._motion(step)[0])

    def _motion(self, step: int) -> tuple[float, float, float]:
        """Position, velocity (a step) and acceleration (a step²), in the property's space."""
        current = bisect_right(self.moves, step, key=operator.attrgetter("start")) - 1
        if current < 0:
            return self.initial, 0.0, 0.0
        return self.moves[current].at(step)

    def retarget(self, step: int, target: float, duration: int) -> _Course:
        space, easing, end = self.property.space, self.property.easing, step + duration
        value, velocity, acceleration = self._motion(step)
        away = _move(easing, step, duration, value, _into(space, target), velocity, acceleration)
        after = self.through(
            self.property, [(end, target), *(key for key in self.keys if key[0] > end)]
        )
        before = tuple(key for key in self.keys if key[0] <= step)
        return _Course(
            self.property,
            self.initial,
            before + after.keys,
            (*(move for move in self.moves if move.start < step), away, *after.moves),
        )
