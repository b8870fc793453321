"""The page in the browser, opened from the disk, as its user would."""

import math
import re

import numpy as np
import pytest
from viewers import Opened, launched, needs_chromium

import latentviz
from latentviz.scene import CloudPanel

pytestmark = needs_chromium

EVIL = "<img src=x onerror=window.hacked=1>"
N, T = 40, 60


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(short_run, tmp_path_factory):
    """A page of colors, of a real run, and one of classes; with their runs."""
    folder = tmp_path_factory.mktemp("pages")
    colors = latentviz.open_run(short_run)
    colors.view(folder / "colors.html", names=["hue"], frames=40)
    rng = np.random.default_rng(3)
    places = rng.normal(size=(T, N, 4)).cumsum(0).astype(np.float32)
    classes = latentviz.Run.from_arrays(
        places,
        classes=np.arange(N) % 4,
        class_names=["one", EVIL, "three", "four"],
        point_names=[EVIL, *(f"p{n}" for n in range(1, N))],
        losses={EVIL: np.exp(-np.arange(T) / 20), "loss": np.exp(-np.arange(T) / 10)},
        name=EVIL,
    )
    classes.view(folder / "classes.html", dims=[(0, 1), (2, 3)], frames=30)
    yield {
        "colors": (folder / "colors.html", colors),
        "classes": (folder / "classes.html", classes),
    }
    colors.close()


@pytest.fixture
def opened(browser, pages):
    """Opens a page; it must have asked for nothing, and said nothing."""
    found = []

    def open_page(name, **how):
        found.append(Opened(browser, pages[name][0], **how))
        return found[-1]

    yield open_page
    for each in found:
        assert each.heard == []
        each.page.close()


@pytest.mark.parametrize(
    ("name", "options", "theme"),
    [
        ("colors", {"names": ["hue"], "frames": 40}, "dark"),
        ("classes", {"dims": [(0, 1), (2, 3)], "frames": 30}, "light"),
    ],
)
def test_it_shows_the_films_own_dots(opened, pages, name, options, theme):
    run = pages[name][1]
    film = latentviz.Film(run, latentviz.FilmSpec(**options, size=(960, 540), theme=theme))
    # So high that the stage has the film's size.
    viewer = opened(name, size=(960, 720), hash=f"#step=0&theme={theme}")
    bodies = [panel.cell.body for panel in film.stage.panels if isinstance(panel, CloudPanel)]
    ends = viewer.ends()
    assert len(ends) == len(film)
    frames = np.linspace(0, len(film) - 1, 10).round().astype(int)
    pictures = []
    for frame in frames.tolist():
        viewer.set(moment=ends[frame])
        seen, drawn = viewer.pixels(), film.draw(frame).transpose(1, 2, 0)
        assert seen.shape == drawn.shape
        for body in bodies:
            part = np.s_[
                math.ceil(body.y) + 1 : math.floor(body.y + body.height) - 1,
                math.ceil(body.x) + 1 : math.floor(body.x + body.width) - 1,
            ]
            pictures.append((np.ascontiguousarray(seen[part]), np.ascontiguousarray(drawn[part])))
            alike = latentviz.compare(*pictures[-1], tolerance=5)
            assert alike.alike, f"frame {frame}: {alike}"
    # Another frame's would not have passed.
    assert not latentviz.compare(pictures[0][0], pictures[-len(bodies)][1], tolerance=5).alike


def test_a_step_between_frames_is_shown_as_well(opened):
    viewer = opened("colors", hash="#step=57")
    assert viewer.page.inner_text("#count-number") == "57"
    assert viewer.page.get_attribute("#moment", "aria-valuetext") == "step 57 of 149"
    viewer.page.locator("#moment").focus()
    viewer.page.keyboard.press("ArrowRight")
    viewer.until("document.getElementById('count-number').textContent === '58'")


@pytest.mark.parametrize("name", ["colors", "classes"])
def test_the_pointer_names_points_in_every_panel(opened, pages, name):
    run = pages[name][1]
    viewer = opened(name, hash=f"#step={int(run.steps[-1])}&blur=off")
    panels = viewer.page.evaluate("latentviz.view().then((v) => v.panels.length)")
    n_points = run.n_points
    for panel in range(panels):
        for point in np.linspace(0, n_points - 1, 20).astype(int).tolist():
            viewer.page.mouse.move(*viewer.place_of(panel, point))
            viewer.until("(i) => latentviz.view().then((v) => v.hovered?.point === i)", point)
            names = run.point_names
            words = f"#{point}" if names is None else names[point]
            viewer.until(
                "(words) => document.querySelector('#tip strong')?.textContent === words", words
            )


def inside(outline, xy):
    """Which places (M, 2) lie in a polygon, by the angles under which they see its sides."""
    from matplotlib.path import Path

    return Path(outline).contains_points(xy)


def test_a_lasso_chooses_the_points_within(opened, pages):
    run = pages["classes"][1]
    viewer = opened("classes", hash="#step=59&blur=off")
    at = np.array([viewer.place_of(0, point) for point in range(N)])
    middle = np.median(at, axis=0)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    outline = middle + np.array([1.3, 0.8]) * 70 * np.stack([np.cos(angles), np.sin(angles)], 1)
    viewer.page.mouse.move(*outline[0])
    viewer.page.mouse.down()
    for corner in outline[1:]:
        viewer.page.mouse.move(*corner)
    viewer.page.mouse.up()
    # From the true latents, by what the page says of two of them.
    latents = run.latents(59)[:, :2].astype(float)
    scale = (at[1] - at[0]) / (latents[1] - latents[0])
    true = at[0] + (latents - latents[0]) * scale
    expected = np.flatnonzero(inside(outline, true)).tolist()
    assert 3 < len(expected) < N - 3
    assert viewer.view()["chosen"] == [expected]
    assert viewer.page.inner_text("#chosen .words").startswith(f"{len(expected)} points chosen: ")
    viewer.page.keyboard.press("Escape")
    assert viewer.view()["chosen"] == [[]]


def test_points_are_pinned_and_let_go(opened):
    viewer = opened("classes", hash="#step=59&blur=off")
    viewer.page.mouse.click(*viewer.place_of(1, 7))
    assert viewer.view()["pinned"] == [{"row": 0, "point": 7}]
    assert viewer.page.inner_text("#chips .chip-name") == "p7"
    viewer.page.click("#chips .chip")
    assert viewer.view()["pinned"] == []


def test_classes_are_hidden_by_the_key(opened):
    viewer = opened("classes", hash="#step=59")
    whole = viewer.pixels()
    buttons = viewer.page.locator(".key .class")
    assert buttons.count() == 4
    buttons.nth(0).click()
    assert viewer.view()["hidden"] == [[0]]
    assert buttons.nth(0).get_attribute("aria-pressed") == "false"
    assert (viewer.pixels() != whole).any()
    buttons.nth(2).click(modifiers=["Shift"])
    assert sorted(viewer.view()["hidden"][0]) == [0, 1, 3]
    viewer.page.click(".key .all")
    assert viewer.view()["hidden"] == [[]]


def test_components_are_chosen_and_turned(opened):
    viewer = opened("classes", hash="#step=59")
    viewer.page.click("text=Axes")
    selects = viewer.page.locator("#axes fieldset").first.locator("select")
    selects.nth(0).select_option("3")
    selects.nth(2).select_option("2")
    panel = viewer.view()["panels"][0]
    assert panel["dims"] == [3, 1, 2]
    viewer.page.keyboard.press("Escape")
    before = viewer.pixels()
    x, y = viewer.place_of(0, 0)
    viewer.page.mouse.move(x, y)
    viewer.page.mouse.down()
    viewer.page.mouse.move(x + 60, y + 20, steps=4)
    viewer.page.mouse.up()
    viewer.page.mouse.move(1, 1)  # away from any point
    turned = viewer.view()["panels"][0]
    assert turned["azimuth"] > panel["azimuth"]
    assert turned["elevation"] > panel["elevation"]
    assert (viewer.pixels() != before).any()
    # The same view, by its address.
    angles = [round(math.degrees(turned[name]), 1) for name in ("azimuth", "elevation")]
    # The address follows after a while: at first it holds the angles before the turn.
    viewer.until("(words) => location.hash.includes(words)", "@{:g}:{:g}".format(*angles))
    again = opened("classes", hash=viewer.page.evaluate("location.hash"))
    assert again.view()["panels"] == viewer.view()["panels"]
    assert again.drawn() == viewer.drawn()


def test_an_address_opens_the_same_moment_and_view(opened):
    viewer = opened("classes", hash="#step=3")
    viewer.set(moment=41, theme="light", pinned=[{"row": 0, "point": 5}], speed=2, pace="even")
    viewer.until("location.hash.includes('step=41')")
    again = opened("classes", hash=viewer.page.evaluate("location.hash"))
    keys = ("moment", "theme", "pinned", "speed", "pace", "panels", "span")
    before, after = viewer.view(), again.view()
    assert {key: after[key] for key in keys} == {key: before[key] for key in keys}
    assert viewer.drawn() == again.drawn()


@pytest.mark.parametrize(
    "hash", ["#step=x&panels=9.9,1&theme=red&hidden=7&pinned=99,-1&speed=3", "#%%%&=&step", "#a=1"]
)
def test_a_bad_address_is_ignored(opened, hash):
    viewer = opened("classes", hash=hash)
    usual = opened("classes")
    assert viewer.view()["panels"] == usual.view()["panels"]
    assert viewer.view()["pinned"] == []
    assert viewer.view()["theme"] == "dark"


def test_reduced_motion_starts_paused(opened):
    assert not opened("colors").view()["playing"]
    assert opened("colors", still=False).view()["playing"]
    assert not opened("colors", still=False, hash="#step=5").view()["playing"]


def test_it_plays_and_begins_again(opened):
    viewer = opened("classes", still=False)
    viewer.until("latentviz.view().then((v) => v.moment > 5)")
    viewer.page.keyboard.press("Space")
    assert not viewer.view()["playing"]
    viewer.page.keyboard.press("End")
    assert viewer.view()["moment"] == T - 1
    viewer.page.keyboard.press("Space")  # from the beginning, as it is at the end
    viewer.until(f"latentviz.view().then((v) => v.moment < {T - 1})")


def test_a_chart_is_a_scrubber(opened):
    viewer = opened("classes", hash="#step=0")
    box = viewer.page.locator(".scrubber").first.bounding_box()
    viewer.page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 20)
    viewer.page.mouse.down()
    assert viewer.view()["moment"] == pytest.approx(0.25 * (T - 1), abs=1)
    viewer.page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 20)
    viewer.page.mouse.up()
    assert viewer.view()["moment"] == pytest.approx(0.75 * (T - 1), abs=1)


def test_the_keyboard_reaches_everything(opened):
    viewer = opened("classes", hash="#step=30&pinned=5")
    for menu in viewer.page.locator("details.menu > summary").all():
        menu.focus()
        viewer.page.keyboard.press("Enter")
        inner = menu.locator("xpath=..").locator("button:visible, select:visible, input:visible")
        reached = set()
        for _ in range(inner.count() + 1):
            viewer.page.keyboard.press("Tab")
            reached.add(viewer.page.evaluate("document.activeElement.outerHTML"))
        enabled = {each.evaluate("e => e.outerHTML") for each in inner.all() if each.is_enabled()}
        assert enabled - reached == set()
        viewer.page.keyboard.press("Escape")
    reached = set()
    for _ in range(60):
        viewer.page.keyboard.press("Tab")
        reached.add(viewer.page.evaluate("document.activeElement.outerHTML"))
    found = viewer.page.locator("button:visible, select:visible, input:visible, summary:visible")
    assert {each.evaluate("e => e.outerHTML") for each in found.all()} - reached == set()


def test_a_point_is_found_by_its_name(opened):
    viewer = opened("classes", hash="#step=30")
    viewer.page.click("text=Find")
    viewer.page.fill("#find-point", "p12")
    viewer.page.keyboard.press("Enter")
    assert viewer.view()["pinned"] == [{"row": 0, "point": 12}]
    viewer.page.fill("#find-point", "nobody")
    viewer.page.keyboard.press("Enter")
    assert "no point of that name" in viewer.page.inner_text("#find-said")


@pytest.mark.parametrize(
    ("name", "size", "theme"),
    [
        ("colors", (1280, 800), "dark"),
        ("classes", (1280, 800), "light"),
        ("classes", (390, 844), "dark"),
    ],
)
def test_axe_finds_nothing(opened, name, size, theme):
    from axe_playwright_python.sync_playwright import Axe

    viewer = opened(name, size=size, hash=f"#step=40&pinned=3&theme={theme}")
    found = Axe().run(viewer.page, options={"resultTypes": ["violations"], "preload": False})
    assert [fault["id"] for fault in found.response["violations"]] == []
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert viewer.page.evaluate("document.documentElement.scrollHeight") <= size[1]


def test_names_are_text(opened):
    viewer = opened("classes", hash="#step=30&pinned=0,1")
    viewer.page.click("text=Axes")
    viewer.page.click("text=Find")
    viewer.page.mouse.move(*viewer.place_of(0, 0))
    viewer.page.wait_for_timeout(100)
    assert viewer.page.evaluate("window.hacked") is None
    assert viewer.page.locator("img").count() == 0
    assert EVIL in viewer.page.inner_text("#chips")
    assert EVIL in viewer.page.inner_text("h1")
    assert EVIL in viewer.page.locator(".key").inner_text()
    assert viewer.page.title() == EVIL


def test_a_picture_is_saved(opened, tmp_path):
    viewer = opened("classes", hash="#step=30")
    viewer.page.click("text=Share")
    with viewer.page.expect_download() as download:
        viewer.page.click("text=Save PNG")
    assert re.fullmatch(r"[\w-]+-step-30\.png", download.value.suggested_filename)
    download.value.save_as(tmp_path / "picture.png")
    from PIL import Image

    picture = np.array(Image.open(tmp_path / "picture.png").convert("RGB"))
    assert picture.shape == (1080, 1920, 3)
    ground = picture[2, 2]
    # Dots, words and curves: each part of the page has something.
    for part in (picture[:90], picture[150:700], picture[850:]):
        assert (part != ground).any(-1).mean() > 0.005


def test_the_command_renders_what_is_seen(opened, pages):
    viewer = opened("classes", hash="#step=30&panels=1.0,2.3&theme=light")
    viewer.page.evaluate(
        "navigator.clipboard.writeText = async (text) => { window.copied = text; }"
    )
    viewer.page.click("text=Share")
    viewer.page.click("text=Copy command")
    viewer.until("window.copied")
    assert viewer.page.evaluate("copied") == (
        "latentviz render run.npz -o film.mp4 --frames 30 --dims 1,0 --dims 2,3 --theme light"
    )


def test_a_browser_without_webgl_is_told(browser, pages):
    page = browser.new_page()
    page.add_init_script(
        "HTMLCanvasElement.prototype.getContext = new Proxy("
        "HTMLCanvasElement.prototype.getContext, { apply: (f, self, given) => "
        "given[0] === 'webgl2' ? null : Reflect.apply(f, self, given) });"
    )
    page.goto(pages["colors"][0].resolve().as_uri())
    page.wait_for_selector("#fault:visible")
    assert "WebGL2" in page.inner_text("#fault")
    page.close()


def test_the_pages_own_code_is_small():
    from latentviz.web.page import viewer_file, viewer_script

    whole = viewer_script() + viewer_file("style.css") + viewer_file("page.html")
    assert len(whole.encode()) < 200_000
