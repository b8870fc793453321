"""Characters that DejaVu Sans lacks are drawn with a font that has them, or told of."""

import warnings

import numpy as np
import pytest
from matplotlib import get_data_path

from latentviz import Run, plot_history, plot_timeline
from latentviz.errors import LatentvizWarning
from latentviz.raster import fonts

STIX = f"{get_data_path()}/fonts/ttf/STIXGeneral.ttf"  # which comes with matplotlib


@pytest.fixture
def installed(monkeypatch):
    """Make some fonts all that are installed besides the usual one."""

    def install(*found):
        monkeypatch.setattr(fonts, "installed_fonts", lambda: found)
        fonts.found_fonts.cache_clear()

    yield install
    fonts.found_fonts.cache_clear()


def timeline(*names):
    params = {name: np.arange(3.0) for name in names}
    return plot_timeline(Run.from_arrays(np.zeros((3, 1, 2)), params=params), size=(800, 450))


def test_characters_that_no_font_has_are_told_of_once(installed):
    installed()
    with pytest.warns(LatentvizWarning) as said:
        timeline("预热", "预热2", "plain").pixels.any()
    told = [str(w.message) for w in said]
    assert len(set(told)) == 1
    assert told[0].startswith("no installed font has glyphs for 热预, so they are drawn as boxes")


def test_another_font_writes_what_the_usual_one_lacks(installed):
    lacking = chr(0x1D8A)
    installed(("STIXGeneral", STIX))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a, b = (timeline(f"loss {c}").pixels for c in (lacking, chr(0x1D8D)))
    assert (a != b).any()
    assert fonts.text_options("größe λ") == {}
    assert fonts.text_options(lacking) == {"family": ["DejaVu Sans", "STIXGeneral"]}


def test_titles_of_projections_have_such_characters_too(installed):
    run = Run.from_arrays(np.zeros((1, 3, 2)))
    installed()
    with pytest.warns(LatentvizWarning, match="glyphs for 色, so they are drawn as boxes"):
        plot_history(run, dims=[(0, 1)], names=["色"])
    installed(("STIXGeneral", STIX))
    a, b = (plot_history(run, dims=[(0, 1)], names=[c]).pixels for c in (chr(0x1D8A), chr(0x1D8D)))
    assert (a != b).any()


def test_the_choice_is_always_the_same():
    found = fonts.installed_fonts()
    names = [name for name, _ in found]
    assert len(set(names)) == len(names)
    preferred = [name for name in fonts.PREFERRED if name in names]
    assert names == [*preferred, *sorted(set(names) - set(preferred))]
    assert not any(name.startswith("Last Resort") for name in names)
