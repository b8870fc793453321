import numpy as np
import pytest

from latentviz.raster.marks import edge_marks

BOX = {
    "reach": (1.5, 1.0),
    "center": (400.0, 300.0),
    "half_px": (150.0, 100.0),
    "px_per_unit": 100.0,
    "mark_px": 18.0,
    "color": (1, 2, 3),
}


def marks_of(*points, **options):
    return edge_marks(np.array(points, np.float32), **BOX | options)


def test_points_within_have_no_marks():
    assert marks_of((1.5, 1.0), (-1.5, -1.0), (0, 0)) == []


# The mark's box lies within the edge, or outside, at the height of the point; its tip points out.
@pytest.mark.parametrize(
    ("point", "x", "y", "tip"),
    [
        ((3, 0), 550, 300, (0, 1)),
        ((-3, 0), 250, 300, (0, -1)),
        ((0, 1.2), 400, 200, (-1, 0)),
        ((0, -1.2), 400, 400, (1, 0)),
    ],
)
@pytest.mark.parametrize("outside", [False, True])
def test_a_mark_stands_at_the_edge_that_the_point_is_beyond(point, x, y, tip, outside):
    [mark] = marks_of(point, outside=outside)
    h, w = mark.mask.shape
    assert (h, w, mark.color) == (18, 18, (1, 2, 3))
    away = 9 if outside else -9
    assert mark.x + 9 == pytest.approx(x + away * np.sign(x - 400), abs=1)
    assert mark.y + 9 == pytest.approx(y + away * np.sign(y - 300), abs=1)
    rows, columns = np.mgrid[:h, :w] - 8.5
    middle = np.array([(mark.mask * rows).sum(), (mark.mask * columns).sum()]) / mark.mask.sum()
    # The center of a triangle's area lies toward its base.
    assert (np.sign(np.round(middle, 1)) == -np.array(tip)).all()


def test_many_points_are_few_marks():
    along = np.linspace(-9, 9, 20_000)
    marks = marks_of(*np.stack([along, np.full(20_000, 4.0)], 1))
    assert len({(m.x, m.y) for m in marks}) == len(marks)
    assert 10 < len(marks) < 40


def test_marks_of_two_sides_do_not_meet_in_a_corner():
    marks = marks_of((9, 0.99), (1.49, 9), (9, -9), (-9, 9))
    for n, a in enumerate(marks):
        for b in marks[:n]:
            assert abs(a.x - b.x) >= 17 or abs(a.y - b.y) >= 17


def test_any_sub_step_counts():
    points = np.zeros((5, 3, 2), np.float32)
    points[2, 1] = [0, 7]
    assert len(edge_marks(points, **BOX)) == 1


def test_absurd_distances_are_marked():
    with np.errstate(over="raise"):
        assert len(marks_of((1e38, 0), (-1e38, 1e38))) == 2
