from dataclasses import fields

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from latentviz import OptionError
from latentviz.palette import RepeatedColorWarning, contrast, palette_roles, role_color
from latentviz.theme import THEMES, Theme, rgb_bytes, theme_named

both = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


MANY = 39


def laboratory(colors):
    """(n, 3) CIELAB."""
    return rgb2lab(np.array([[rgb_bytes(c) for c in colors]]) / 255)[0]


def colors_of(palette, n, theme):
    return [role_color(role, theme) for role in palette_roles(n, palette)]


@both
def test_curves_stand_out_from_the_background(theme):
    too_faint = {c: contrast(c, theme.background) for c in theme.curves}
    assert {c: r for c, r in too_faint.items() if r < 3} == {}
    assert contrast(theme.cursor, theme.background) >= 3


@both
@pytest.mark.parametrize("n", [10, MANY])
def test_classes_stand_out_from_both_grounds(theme, n):
    for color in colors_of("categories", n, theme):
        assert contrast(color, theme.background) >= 3, color
        assert contrast(color, theme.disc) >= 3, color


@both
@pytest.mark.parametrize(("palette", "n", "least"), [
    ("categories", 10, 17), ("categories", MANY, 5), ("curves", MANY, 5),
])  # fmt: skip
def test_classes_and_curves_are_told_apart(theme, palette, n, least):
    lab = laboratory(colors_of(palette, n, theme))
    distances = deltaE_ciede2000(lab[:, None], lab[None])
    assert distances[~np.eye(n, dtype=bool)].min() >= least


def test_a_class_has_the_same_hue_in_both_themes():
    dark, light = (laboratory(colors_of("categories", MANY, theme)) for theme in THEMES.values())
    hues = [np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) for lab in (dark, light)]
    apart = np.abs((hues[0] - hues[1] + 180) % 360 - 180)
    # Of a grey it means nothing.
    colored = (np.hypot(*dark.T[1:]) > 15) & (np.hypot(*light.T[1:]) > 15)
    assert colored[:9].all()
    assert apart[colored].max() < 40
    assert np.median(apart[colored]) < 12


def test_more_curves_than_colors_are_warned_of():
    with pytest.warns(RepeatedColorWarning, match="100 curves share 39 colors"):
        roles = palette_roles(100, "curves")
    repeated = [role_color(roles[i], THEMES["dark"]) for i in (3, 42, 81)]
    assert len(set(repeated)) == 1


@both
@pytest.mark.parametrize("role", ["text", "muted"])
@pytest.mark.parametrize("ground", ["background", "disc"])
def test_text_is_legible(theme, role, ground):
    assert contrast(getattr(theme, role), getattr(theme, ground)) >= 4.5


@both
def test_every_color_is_rrggbb(theme):
    values = [getattr(theme, f.name) for f in fields(Theme) if f.name != "name"]
    colors = [c for v in values for c in (v if isinstance(v, tuple) else [v])]
    assert all(c == "#{:02x}{:02x}{:02x}".format(*rgb_bytes(c)) for c in colors)


@both
def test_the_unit_disc_is_darker_than_the_page(theme):
    assert sum(rgb_bytes(theme.disc)) < sum(rgb_bytes(theme.background))
    # As in the published films: it is the only scale.
    assert contrast(theme.disc, theme.background) >= 1.49


def test_both_themes_offer_as_much():
    dark, light = THEMES["dark"], THEMES["light"]
    assert len(dark.curves) == len(light.curves)
    assert len(dark.categories) == len(light.categories)


def test_theme_named():
    assert [theme_named(name).name for name in THEMES] == list(THEMES) == ["dark", "light"]
    with pytest.raises(OptionError, match="one of dark, light, got 'drak'"):
        theme_named("drak")
