import numpy as np

from latentviz.raster.trails import trail_sprites
from latentviz.scene import Box

PAGE = Box(10, 10, 80, 60)
RED, BLUE = (255, 0, 0), (0, 0, 255)


def drawn(paths, colors, **options):
    return list(trail_sprites(np.array(paths, float), colors, width_px=2, within=PAGE, **options))


def test_a_path_fades_towards_its_beginning():
    (sprite,) = drawn([[[20, 40], [40, 40], [60, 40]]], [RED])
    row = sprite.mask[40 - sprite.y]
    old, new = row[30 - sprite.x], row[50 - sprite.x]
    assert 0 < old < new <= 0.85 + 1 / 255
    assert sprite.color == RED


def test_paths_of_one_color_share_a_sprite():
    paths = [[[20, 20], [30, 20]], [[20, 30], [30, 30]], [[20, 40], [30, 40]]]
    assert [sprite.color for sprite in drawn(paths, [RED, BLUE, RED])] == [RED, BLUE]


def test_nothing_is_drawn_beyond_the_panel():
    (sprite,) = drawn([[[-500, 40], [500, 40]]], [RED])
    assert (sprite.x, sprite.x + sprite.mask.shape[1]) == (10, 90)
    assert drawn([[[200, 200], [300, 200]]], [RED]) == []


def test_a_path_is_broken_where_a_point_is_nowhere():
    (sprite,) = drawn([[[20, 40], [30, 40], [np.nan, np.nan], [60, 40], [70, 40]]], [RED])
    row = sprite.mask[40 - sprite.y]
    assert row[45 - sprite.x] == 0
    assert row[65 - sprite.x] > row[25 - sprite.x] > 0
    assert drawn([[[20, 40]]], [RED]) == []
