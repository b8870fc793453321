"""The clock of a page, and how its panels show points, held against sums done by hand."""

import json
import math

import numpy as np
import pytest
from by_node import value_of

# Two runs: one has something after its last update, the other begins late and has every other step.
CLOCK = """new clock.Moments([
  { steps: Float64Array.of(0, 1, 2, 5), after: true },
  { steps: Float64Array.of(2, 4, 6), after: false },
], [0, 2, 5])"""


def run(script):
    """What a script gives that has the page's modules at hand."""
    return value_of(script, "clock=moments", "planes")


def cloud(**change):
    """A panel of 200 px at (100, 50), of components 1 and 0 about (10, 20), 4 to either side."""
    place = {
        "body": {"x": 100, "y": 50, "width": 200, "height": 200}, "projection": 0,
        "center": [10, 20], "limits": 4, "px_per_unit": 25,
    }  # fmt: skip
    return place | change


def points(*, framed=True, origin=False):
    """A row of four components."""
    centers, limits = [2, 3, 5, 7], [1, 2, 8, 4]
    return {
        "components": [
            {"center": c, "limits": n} for c, n in zip(centers, limits, strict=True)
        ],
        "projections": [{"right": 1, "up": 0}],
        "framed": framed, "origin": origin,
    }  # fmt: skip


def plane(dims, *, azimuth=0.0, elevation=0.0, tour=0.0, place=None, row=None):
    """How a panel shows some components."""
    panel = {"dims": dims, "azimuth": azimuth, "elevation": elevation}
    given = [place or cloud(), row or points(), panel, tour]
    return run(f"planes.planeOf(...{json.dumps(given)})")


def test_moments_are_the_steps_of_all_runs_and_what_followed():
    found = run(
        f"(() => {{ const m = {CLOCK}; const all = Array.from({{length: m.count}}, (_, i) => i);"
        "return { steps: all.map((i) => m.stepAt(i)), after: all.map((i) => m.isAfter(i)),"
        "first: all.map((i) => m.placeAt(0, i)), second: all.map((i) => m.placeAt(1, i)) }; })()"
    )
    assert found["steps"] == [0, 1, 2, 4, 5, 6, 6]
    assert found["after"] == [False] * 6 + [True]
    # At a step that a run has not recorded it stands where it was; before its first, there.
    assert found["first"] == [0, 1, 2, 2, 3, 3, 4]
    assert found["second"] == [0, 0, 0, 1, 1, 2, 2]


def test_a_frame_covers_the_moments_up_to_the_next():
    frames = run(f"[0, 1, 2, 3, 4, 5, 6].map((i) => {CLOCK}.frameOf(i))")
    assert frames == [0, 0, 1, 1, 1, 2, 2]
    # The last one has what followed the last update, too.
    assert run(f"[0, 1, 2].map((f) => {CLOCK}.endOf(f))") == [1, 4, 6]
    assert run(f"[0, 3, 6].map((i) => {CLOCK}.strideAt(i))") == [2, 3, 2]
    # Those of the last frame: of the first run its last step, and what followed.
    assert run(f"{CLOCK}.placesOf(0, 6, 2)") == [3, 5]
    assert run(f"{CLOCK}.placesOf(1, 6, 2)") == [2, 3]
    assert run(f"{CLOCK}.placesOf(0, 1, 99)") == [0, 2]
    assert run(f"[-1, 0, 3.5, 4, 99].map((s) => {CLOCK}.momentOf(s))") == [0, 0, 2, 3, 5]


def test_the_films_own_pair_is_where_the_film_has_it():
    own = plane([1, 0])
    assert (own["center"], own["limits"], own["pxPerUnit"]) == ([20, 10, 0, 0], 4, 25)
    places = [20, 10, 9, 9, 21, 10, 9, 9, 20, 12, 9, 9]
    found = run(f"planes.pagePlaces({json.dumps(own)}, Float32Array.from({places}))")
    # In the middle; one unit of component 0 higher; two of component 1 to the right.
    assert found == [200, 150, 200, 125, 250, 150]


def test_another_pair_has_its_components_centers_and_the_larger_limits():
    found = plane([2, 3])
    assert (found["center"], found["limits"]) == ([0, 0, 5, 7], 8)
    assert found["pxPerUnit"] == 25 * 4 / 8
    assert (found["right"], found["up"]) == ([0, 0, 1, 0], [0, 0, 0, 1])
    assert plane([2, 3], row=points(origin=True))["center"] == [0, 0, 0, 0]
    loose = plane([2, 3], row=points(framed=False))
    assert (loose["center"], loose["limits"], loose["pxPerUnit"]) == ([0, 0, 0, 0], 4, 25)


def test_a_cloud_is_turned_about_the_upright_axis_then_tipped():
    dims = [0, 1, 2]
    still = plane(dims)
    assert (still["right"], still["up"]) == ([1, 0, 0, 0], [0, 1, 0, 0])
    assert still["toward"] == [0, 0, 1, 0]
    # What was near comes to the right by a quarter of a turn.
    assert plane(dims, azimuth=math.pi / 2)["right"] == pytest.approx([0, 0, 1, 0])
    # Seen from above, what was up is near.
    assert plane(dims, elevation=math.pi / 2)["toward"] == pytest.approx([0, 1, 0, 0])
    turned = plane(dims, azimuth=0.7, elevation=-0.4)
    axes = np.array([turned["right"], turned["up"], turned["toward"]])
    assert axes @ axes.T == pytest.approx(np.eye(3))
    assert np.linalg.det(axes[:, :3]) == pytest.approx(1)
    place = [3, 4, 6, 0]
    depth = run(f"planes.depthsOf({json.dumps(turned)}, Float32Array.from({place}))")
    assert depth == pytest.approx([axes[2, :3] @ (1, 1, 1)], rel=1e-6)


@pytest.mark.parametrize("k", [3, 4, 20])
def test_a_tour_begins_at_the_panels_own_pair_and_nowhere_jumps(k):
    found = run(
        f"Array.from({{length: 140 * 50}}, (_, i) => planes.tourPlane({k}, [1, 0], i / 50))"
        ".map(([right, up]) => [[...right], [...up]])"
    )
    axes = np.array(found)  # (places, 2, k)
    assert axes[0].tolist() == np.eye(k)[[1, 0]].tolist()
    products = np.einsum("pik,pjk->pij", axes, axes)
    assert np.abs(products - np.eye(2)).max() < 1e-12
    assert np.linalg.norm(np.diff(axes, axis=0), axis=-1).max() < 0.25
    # It is a tour: it leaves the pair, and shows every component.
    assert (np.abs(axes[:3500]).max((0, 1)) > 0.4).all()


def test_a_tour_is_the_same_each_time_and_may_be_at_any_place():
    def axes(places, turn=""):
        shown = f"{places}{turn}.map((at) => planes.tourPlane(4, [1, 0], at)){turn}"
        return np.array(run(f"{shown}.map(([right, up]) => [[...right], [...up]])"))

    places = [12.25, 20000.5, 999999.75]
    found = axes(places)
    assert np.isfinite(found).all()
    # Whichever is asked for first.
    assert np.array_equal(found, axes(places, ".reverse()"))
    # It goes back the way that it came.
    there, back = axes([10.25, 2 * 63 - 10.25])
    assert there == pytest.approx(back)
