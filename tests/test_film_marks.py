import numpy as np
import pytest

from latentviz import Film, FilmSpec, LatentvizWarning, LinearPace, OptionError, Run
from latentviz.raster.clouds import CloudPainter
from latentviz.raster.labels import FAINT
from latentviz.raster.page import interleaved
from latentviz.theme import THEMES

T, N = 40, 12
SMALL = {"size": (640, 360), "pace": LinearPace(2), "dims": [(0, 1)]}
NAMES = [f"word {n}" for n in range(N)]


def moving():
    """Points on a circle that turns and grows, (T, N, 3)."""
    at = 2 * np.pi * np.arange(N) / N
    t = np.linspace(0, 1, T)[:, None]
    return np.stack([(1 + t) * np.cos(at + t), (1 + t) * np.sin(at + t), 0 * at + 0 * t], -1)


def film(run=None, **options):
    if run is None:
        classes = np.arange(N) % 3
        run = Run.from_arrays(
            moving(), classes=classes, class_names=["a", "b", "c"], point_names=NAMES
        )
    return Film(run, FilmSpec(**(SMALL | options)))


def painter_of(film):
    return next(p for p in film.page.painters if isinstance(p, CloudPainter))


def test_a_name_follows_its_point_at_the_same_distance():
    shown = film(label=["word 3,word 7"], steps=(0, 30))
    painter = painter_of(shown)
    offsets = []
    for k in range(len(shown)):
        cloud = shown.scene(k).parts[0]
        _, boxes = seen_names(painter, cloud)
        window = painter.window
        for corner, point in zip(boxes[:, :2], [3, 7], strict=True):
            xy = (cloud.xy[point, -1] - painter.panel.center) * (1, -1)
            offsets.append(corner - (xy * window.px_per_unit + window.center))
    offsets = np.array(offsets).reshape(len(shown), 2, 2)
    assert np.ptp(offsets, axis=0).max() < 1e-3


def test_a_frame_with_names_is_the_same_whichever_was_drawn_before():
    first = film(label="all", highlight="a", trail=6)
    for k in range(len(first)):
        first.draw(k)
    np.testing.assert_array_equal(
        first.draw(11), film(label="all", highlight="a", trail=6).draw(11)
    )


@pytest.mark.parametrize("theme", THEMES)
def test_all_others_fade(theme):
    still = Run.from_arrays(moving()[-1:], classes=np.arange(N) % 3)
    plain, marked = (film(still, theme=theme, **options) for options in ({}, {"highlight": "4"}))
    painter = painter_of(plain)
    before, after = (interleaved(each.draw(0)).astype(int) for each in (plain, marked))
    ground = np.array([int(THEMES[theme].background[k : k + 2], 16) for k in (1, 3, 5)])
    for n, xy in enumerate(moving()[-1, :, :2]):
        at = (xy - painter.panel.center) * (1, -1) * painter.window.px_per_unit
        x, y = np.rint(at + painter.window.center - 0.5).astype(int)
        strength = [np.abs(pixels[y, x] - ground).sum() for pixels in (before, after)]
        if n == 4:
            assert strength[1] == strength[0]
        else:
            assert strength[1] < 0.35 * strength[0]


def test_highlighted_points_lie_on_top():
    cloud = film(highlight=["b"]).scene(0).parts[0]
    assert set(cloud.order[-4:].tolist()) == {1, 4, 7, 10}


@pytest.mark.parametrize(
    ("frame", "steps"), [(0, [1]), (3, [1, 3, 5, 7]), (9, [11, 13, 15, 17, 19])]
)
def test_a_path_is_where_its_point_was_at_the_end_of_each_frame(frame, steps):
    trails = film(highlight="2,word 5", trail=4).scene(frame).parts[0].trails
    assert trails.points.tolist() == [2, 5]
    expected = moving().astype(np.float32)[steps][:, [2, 5], :2].transpose(1, 0, 2)
    np.testing.assert_array_equal(trails.paths, expected)


def test_names_that_would_cover_others_are_left_out_and_told_of():
    together = Run.from_arrays(np.zeros((3, 50, 2)), classes=np.zeros(50, int))
    shown = film(together, label=["all"])
    with pytest.warns(LatentvizWarning, match="names beside points would cover others"):
        shown.draw(0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trail": 5}, "trail is of the highlighted points; give highlight too"),
        ({"label": "word 99"}, "label names no point: 'word 99'"),
        ({"highlight": ["a", "nothing"]}, "highlight names no point: 'nothing'"),
        ({"label": 3}, "label must be texts such as '3,17'"),
        ({"trail": -1, "highlight": "a"}, "trail must lie within 0 to"),
    ],
)
def test_marks_that_cannot_be(options, message):
    with pytest.raises(OptionError, match=message):
        film(**options)


def apart(boxes):
    """Whether no two boxes (n, 4) cover each other."""
    shared = np.minimum(boxes[:, None, 2:], boxes[:, 2:]) - np.maximum(
        boxes[:, None, :2], boxes[:, :2]
    )
    covers = (shared > 0).all(-1)
    np.fill_diagonal(covers, False)
    return not covers.any()


def seen_names(painter, cloud):
    """The names of a panel in a frame, and their boxes, (n, 4)."""
    window, panel = painter.window, painter.panel
    at = (cloud.xy[:, -1] - panel.center) * (1, -1) * window.px_per_unit + window.center
    seen = painter.names.seen(at.astype(float), panel.cell.body)
    corners = np.array([each.corner_px for each in seen])
    sizes = [each.label.letters.mask.shape[::-1] for each in seen]
    return seen, np.concatenate([corners, corners + sizes], -1)


@pytest.mark.parametrize(
    "size", [(640, 360), (1920, 1080), (3840, 2160), (1080, 1080), (720, 1280)]
)
def test_names_stay_apart_and_in_their_panels_in_every_frame(size):
    rng = np.random.default_rng(2)
    ends = rng.normal(size=(1, 150, 8))
    latents = (np.linspace(0.02, 1, 9)[:, None, None] * ends).astype(np.float32)
    names = [("a rather long name " if n % 5 == 0 else "имя ") + str(n) for n in range(150)]
    run = Run.from_arrays(latents, classes=np.arange(150) % 7, point_names=names)
    shown = Film(run, FilmSpec(size=size, project="pca", label=["all"], pace=LinearPace()))
    with pytest.warns(LatentvizWarning, match="names beside points would cover others"):
        painters = [p for p in shown.page.painters if isinstance(p, CloudPainter)]
    for k in range(len(shown)):
        for painter, cloud in zip(painters, shown.scene(k).parts, strict=False):
            seen, boxes = seen_names(painter, cloud)
            body = painter.panel.cell.body
            assert (boxes[:, :2] >= [body.x, body.y]).all()
            assert (boxes[:, 2:] <= [body.x + body.width, body.y + body.height]).all()
            assert apart(boxes[[each.opacity > FAINT for each in seen]])
            assert len(seen) >= (20 if k == len(shown) - 1 else 1)


def test_a_point_that_is_nowhere_at_last_is_named_before():
    latents = moving()
    latents[30:, 7] = np.nan
    run = Run.from_arrays(latents, point_names=NAMES)
    shown = film(run, label=["7"], highlight=["7"], trail=5)
    with pytest.warns(LatentvizWarning, match="not finite"):
        painter = painter_of(shown)
    before, after = (len(list(painter.sprites(shown.scene(k).parts[0]))) for k in (5, 19))
    assert before - after == 3  # its path, its name, and the ground of that


def test_a_highlighted_point_is_seen_among_many():
    rng = np.random.default_rng(0)
    run = Run.from_arrays(rng.normal(size=(1, 20_000, 2)), classes=np.zeros(20_000, int))
    shown = film(run, highlight="5", size=(1920, 1080))
    (discs,) = painter_of(shown).discs(shown.scene(0).parts[0])
    assert discs.radii[0] >= 5 > discs.radii[1]
    assert np.count_nonzero(discs.kinds == 0) == 1
