from dataclasses import fields

import pytest

from latentviz import OptionError
from latentviz.theme import THEMES, Theme, rgb_bytes, theme_named

both = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)


def contrast(a, b):
    """WCAG 2.2's contrast ratio, 1 to 21."""

    def luminance(color):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (byte / 255 for byte in rgb_bytes(color))
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted([luminance(a), luminance(b)])
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@both
def test_curves_stand_out_from_the_background(theme):
    too_faint = {c: contrast(c, theme.background) for c in theme.curves}
    assert {c: r for c, r in too_faint.items() if r < 3} == {}
    assert contrast(theme.cursor, theme.background) >= 3


@both
@pytest.mark.parametrize("role", ["text", "muted"])
@pytest.mark.parametrize("ground", ["background", "disc"])
def test_text_is_legible(theme, role, ground):
    assert contrast(getattr(theme, role), getattr(theme, ground)) >= 4.5


@both
def test_no_two_curves_or_categories_share_a_colour(theme):
    assert len(set(theme.curves)) == len(theme.curves)
    assert len(set(theme.categories)) == len(theme.categories)


@both
def test_every_colour_is_rrggbb(theme):
    values = [getattr(theme, f.name) for f in fields(Theme) if f.name != "name"]
    colors = [c for v in values for c in (v if isinstance(v, tuple) else [v])]
    assert all(c == "#{:02x}{:02x}{:02x}".format(*rgb_bytes(c)) for c in colors)


@both
def test_the_unit_disc_is_darker_than_the_page(theme):
    assert sum(rgb_bytes(theme.disc)) < sum(rgb_bytes(theme.background))


def test_both_themes_offer_as_much():
    dark, light = THEMES["dark"], THEMES["light"]
    assert len(dark.curves) == len(light.curves)
    assert len(dark.categories) == len(light.categories)


def test_theme_named():
    assert [theme_named(name).name for name in THEMES] == list(THEMES) == ["dark", "light"]
    with pytest.raises(OptionError, match="one of dark, light, got 'drak'"):
        theme_named("drak")
