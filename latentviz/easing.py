"""How a value gets from one place to another: minimum jerk, and the cubic Bézier.

Both are pure functions of time. The experiments' schedules move by minimum jerk; a film's pacing
eases by the Bézier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import OptionError

Point = tuple[float, float]

# The curve is sampled at this many parameters and read off by linear interpolation. The published
# films were paced with such a table; with another number, frames start at other steps.
BEZIER_SAMPLES = 200


def cubic_bezier(time: ArrayLike, cp1: Point, cp2: Point) -> NDArray[np.float64]:
    """Ease by the cubic Bézier (0,0), ``cp1``, ``cp2``, (1,1), as CSS's ``cubic-bezier`` does.

    Args:
        time: Times in 0..1, any shape.
        cp1: First control point, (time, progress).
        cp2: Second control point, (time, progress).

    Returns:
        Progress at each time, the shape of ``time``, float64.

    Raises:
        OptionError: The curve runs backwards in time, so progress would not be a function of it.
    """
    (x1, y1), (x2, y2) = cp1, cp2
    u = np.linspace(0.0, 1.0, BEZIER_SAMPLES)

    def curve(a: float, b: float) -> NDArray[np.float64]:
        return 3 * (1 - u) ** 2 * u * a + 3 * (1 - u) * u**2 * b + u**3

    if not np.isfinite([x1, y1, x2, y2]).all() or _least_slope(x1, x2) < -1e-12:
        raise OptionError(
            f"the Bézier's control points must keep time monotonic, got ({x1:g}, {y1:g}) and "
            f"({x2:g}, {y2:g}); keep both first coordinates within 0..1"
        )
    return np.interp(np.asarray(time, dtype=np.float64), curve(x1, x2), curve(y1, y2))


def _least_slope(a: float, b: float) -> float:
    """The least value on 0..1 of the derivative of a cubic Bézier's coordinate 0, a, b, 1."""
    # x'(u)/3 = a(1-u)² + 2(b-a)(1-u)u + (1-b)u², a parabola.
    quadratic, linear = 1 + 3 * a - 3 * b, 2 * (b - 2 * a)
    ends = [a, quadratic + linear + a]
    if quadratic > 0 and 0 < (u := -linear / (2 * quadratic)) < 1:
        ends.append((quadratic * u + linear) * u + a)
    return 3 * min(ends)


@dataclass(frozen=True)
class MinimumJerk:
    """A move along the fifth-degree polynomial that keeps the integral of squared jerk least.

    It leaves ``value`` at ``start`` with the given velocity and acceleration and arrives at
    ``target`` after ``duration``, at rest; before ``start`` it extrapolates nothing (it stays at
    ``value``), and after its end it stays at ``target``.

    Source: T. Flash and N. Hogan, "The coordination of arm movements", J. Neurosci. 5 (1985).
    """

    start: float
    duration: float
    value: float
    target: float
    velocity: float = 0.0
    acceleration: float = 0.0

    def at(self, time: float) -> tuple[float, float, float]:
        """Position, velocity and acceleration at ``time``."""
        T = self.duration
        if time >= self.start + T:
            return self.target, 0.0, 0.0
        if time <= self.start:
            return self.value, self.velocity, self.acceleration
        # The position is a polynomial in the normalised time u, 0..1.
        c0, c1, c2 = self.value, self.velocity * T, self.acceleration * T * T / 2
        # What is left to cover when the initial conditions have had their say; the three upper
        # coefficients bring position to the target, and velocity and acceleration to 0, at u = 1.
        gap = self.target - c0 - c1 - c2
        slope = -c1 - 2 * c2
        bend = -2 * c2
        c3 = 10 * gap - 4 * slope + bend / 2
        c4 = -15 * gap + 7 * slope - bend
        c5 = 6 * gap - 3 * slope + bend / 2
        u = (time - self.start) / T
        # Horner's scheme, by hand: a schedule asks this at every step of a training.
        return (
            c0 + u * (c1 + u * (c2 + u * (c3 + u * (c4 + u * c5)))),
            (c1 + u * (2 * c2 + u * (3 * c3 + u * (4 * c4 + u * 5 * c5)))) / T,
            (2 * c2 + u * (6 * c3 + u * (12 * c4 + u * 20 * c5))) / (T * T),
        )

    def retarget(self, time: float, target: float, duration: float) -> MinimumJerk:
        """The move that takes over at ``time``, with this one's velocity and acceleration."""
        value, velocity, acceleration = self.at(time)
        return MinimumJerk(time, duration, value, target, velocity, acceleration)
