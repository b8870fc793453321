import pytest

from latentviz.views import default_alpha, default_radius_px

SIDE = 640  # a panel's, in 1080p


@pytest.mark.parametrize(
    ("n_points", "radius_px"), [(500, 8.0), (2000, 4.0), (20_000, 1.3), (1, 16.0), (10**7, 0.7)]
)
def test_dots_are_the_smaller_the_more_there_are(n_points, radius_px):
    assert default_radius_px(n_points, SIDE) == pytest.approx(radius_px, abs=0.05)


def test_dots_grow_with_their_panel():
    assert default_radius_px(500, 2 * SIDE) == 2 * default_radius_px(500, SIDE)


def test_many_dots_are_fainter_unless_they_are_colors():
    alphas = [default_alpha(n, of_colors=False) for n in (1, 1000, 2000, 20_000, 10**9)]
    assert alphas[:2] == [0.9, 0.9]
    assert alphas == sorted(alphas, reverse=True)
    assert alphas[3] == pytest.approx(0.494, abs=1e-3)
    assert alphas[4] == 0.3
    assert default_alpha(10**9, of_colors=True) == 0.9
