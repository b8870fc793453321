"""The page's controls: what they compute, by node; what they do where things are in the way."""

import html
import json
import re

import numpy as np
import pytest
from by_node import printed
from matplotlib.path import Path as Outline
from PIL import Image
from viewers import Opened, launched, needs_chromium

import latentviz

N, T = 60, 40
LONG = "a name that is so long that no page has the room for all of it, wherever it stands"
CAPTION = "a caption that has more words than there is room for in one line of a page, " * 2


def printed_value(script, **given):
    return json.loads(printed(script, given=given))


DATA = """
import { Moments } from "VIEWER/moments.js";
const steps = Float64Array.from({ length: 20 }, (_, i) => 5 * i);
const moments = new Moments([{ steps, after: true }], [0, 1, 2, 5, 10, 18]);
const components = [3, 0, 7, 1].map((index) => ({ name: `${index}`, index }));
const key = { kind: "categories", names: ["a", "b", "c"] };
const projections = [{ right: 0, up: 1 }, { right: 2, up: 3 }];
const rows = [{ components, key, points: 9, projections }];
const data = { moments, document: { rows, theme: "dark" } };
"""


def test_an_address_holds_a_state():
    hashes = printed_value(
        f"""{DATA}
        import {{ hashOf, stateOfHash, roundedAngle }} from "VIEWER/address.js";
        import {{ initialState }} from "VIEWER/state.js";
        const usual = initialState(data);
        const [azimuth, elevation] = [roundedAngle(1), roundedAngle(-0.5)];
        const turned = {{ dims: [2, 0, 3], azimuth, elevation }};
        const states = [
          usual,
          {{ ...usual, moment: 20 }},
          {{ ...usual, moment: 7, panels: [turned, usual.panels[0]], theme: "light" }},
          {{ ...usual, hidden: [new Set([0, 2])], pinned: [{{ row: 0, point: 8 }}] }},
          {{ ...usual, speed: 0.25, pace: "even", loops: false, blurred: false }},
          {{ ...usual, touring: true, tour: 2.125 }},
        ];
        const plain = (state) => JSON.stringify(state, (_, v) => (v instanceof Set ? [...v] : v));
        console.log(JSON.stringify(states.map((state) => {{
          const hash = hashOf(state, usual, data);
          const again = {{ ...usual, ...stateOfHash(`#${{hash}}`, data) }};
          return [hash, plain(again) === plain(state)];
        }})));"""
    )
    assert [hash for hash, _ in hashes] == [
        "step=0",
        "step=after",
        # Components are those that titles and --dims name.
        "step=35&panels=7.3.1@57.3:-28.6,3.0&theme=light",
        "step=0&hidden=0.2&pinned=8",
        "step=0&speed=0.25&pace=even&loop=off&blur=off",
        "step=0&tour=2.125",
    ]
    assert all(is_same for _, is_same in hashes)


@pytest.mark.parametrize(
    "hash",
    [
        "panels=0.1",  # one of two panels
        "panels=2.3,0.1",  # there is no component 2
        "panels=3.3.0,0.1",
        "step=1e9999&theme=&pinned=9,x,0.0.0&hidden=,,,&speed=-1",
        "step=%E0%A4%A&%%%",
        "pinned=" + "9" * 400,
        "tour=NaN&loop=on&blur=1&__proto__=1",
    ],
)
def test_what_an_address_says_wrongly_is_ignored(hash):
    found = printed_value(
        f"""{DATA}
        import {{ stateOfHash }} from "VIEWER/address.js";
        const {{ hidden, ...found }} = stateOfHash(given.hash, data);
        console.log(JSON.stringify([found, (hidden ?? []).every((set) => set.size === 0)]));""",
        hash=hash,
    )
    assert found == [{}, True]


@pytest.mark.parametrize("speed", [0.5, 1, 2])
def test_the_films_pace_shows_each_of_its_frames(speed):
    shown = printed_value(
        f"""{DATA}
        import {{ Clock }} from "VIEWER/clock.js";
        const clock = new Clock(moments, 10);
        const shown = [];
        let moment = clock.first;
        for (let i = 0; i < 60; i++) {{
          shown.push(moment);
          moment = clock.tick(moment, 0.05, given.speed, "film");
        }}
        console.log(JSON.stringify(shown));""",
        speed=speed,
    )
    ends = [0, 1, 4, 9, 17, 20]  # the last moment of each frame; the last one has what followed
    ticks = round(2 / speed)  # of a frame
    held = 30  # ticks of 0.05 s
    once = np.repeat(ends[:-1], ticks).tolist() + [20] * held
    assert shown[: len(once)] == once
    assert shown[len(once)] == 0


def test_an_even_pace_goes_on_by_as_much_each_frame():
    shown = printed_value(
        f"""{DATA}
        import {{ Clock }} from "VIEWER/clock.js";
        const clock = new Clock(moments, 10);
        let moment = 0;
        const next = () => (moment = clock.tick(moment, 0.1, 1, "even"));
        console.log(JSON.stringify(Array.from({{ length: 7 }}, next)));"""
    )
    assert shown == [3, 7, 10, 14, 17, 20, 20]  # 21 moments in 6 frames


def test_outlines_hold_what_lies_within():
    rng = np.random.default_rng(5)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 30))
    sides = rng.uniform(0.3, 1, 30)[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    points = rng.uniform(-1, 1, (2000, 2))
    found = printed_value(
        """import { isInside } from "VIEWER/polygon.js";
        const outline = given.sides.map(([x, y]) => ({ x, y }));
        console.log(JSON.stringify(given.points.map(([x, y]) => isInside(outline, x, y))));""",
        sides=sides.tolist(),
        points=points.tolist(),
    )
    expected = Outline(sides).contains_points(points)
    assert 300 < expected.sum() < 1700
    assert found == expected.tolist()


def test_the_topmost_of_dots_is_meant():
    found = printed_value(
        """import { pointAt } from "VIEWER/picking.js";
        const xy = Float32Array.from([0, 0, 4, 0, 4, 0, 30, 0]);
        const placed = { xy, depths: null, isDrawn: (i) => i !== given.hidden, radius: () => 5 };
        const at = (x, deep) =>
          pointAt({ ...placed, depths: deep }, [0, 2, 1, 3], { x, y: 0 }, 0.5, 6);
        console.log(JSON.stringify([
          at(0.2, null), at(2, null), at(2, [9, 1, 2, 0]), at(38, null), at(50, null),
        ]));""",
        hidden=-1,
    )
    # The one whose middle is there; the last drawn; the nearest to the viewer; near; none.
    assert found == [0, 1, 0, 3, -1]


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A page with more classes, and longer names, than it has room for."""
    rng = np.random.default_rng(3)
    run = latentviz.Run.from_arrays(
        rng.normal(size=(T, N, 6)).cumsum(0).astype(np.float32),
        classes=np.arange(N) % 30,
        class_names=[f"one of many classes {k}" for k in range(30)],
        losses={"loss": np.exp(-np.arange(T) / 10)},
        name=LONG,
    )
    path = tmp_path_factory.mktemp("controls") / "crowded.html"
    run.view(path, dims=[(2, 5), (4, 1)], frames=20, captions=[((0, None), CAPTION)])
    return path


@pytest.fixture
def opened(browser, crowded):
    """Opens the page, or one like it; it must have asked for nothing, and said nothing."""
    found = []

    def open_page(path=crowded, **how):
        found.append(Opened(browser, path, **how))
        return found[-1]

    yield open_page
    for each in found:
        assert each.heard == []
        each.page.close()


@needs_chromium
def test_a_picture_has_the_words_that_are_seen(opened, tmp_path):
    hidden = ".".join(map(str, range(30)))  # so that the panels are empty
    viewer = opened(hash=f"#step=30&hidden={hidden}")
    viewer.page.evaluate(
        "() => { window.drawn = [];"
        "const own = CanvasRenderingContext2D.prototype.fillText;"
        "CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {"
        "  drawn.push(text); own.call(this, text, ...at); } }"
    )
    viewer.page.click("text=Share")
    with viewer.page.expect_download() as download:
        viewer.page.click("text=Save PNG")
    drawn = viewer.page.evaluate("drawn")
    titles = [text for text in drawn if text.endswith("…")]
    assert len(titles) == 1
    assert LONG.startswith(titles[0][:-1])
    lines = [text for text in drawn if text in CAPTION]
    assert len(lines) > 1
    assert " ".join(lines).startswith(CAPTION.strip())
    assert "all" not in drawn
    # The names that are scrolled away are not drawn over the panels.
    download.value.save_as(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as saved:
        picture = np.array(saved.convert("RGB"))
    stage, body = (
        viewer.page.locator(which).first.bounding_box() for which in ("#stage", ".surface.cloud")
    )
    px = picture.shape[1] / stage["width"]
    x, y = (round((body[axis] - stage[axis]) * px) for axis in "xy")
    width, height = (round(body[side] * px) for side in ("width", "height"))
    inside = picture[y + 4 : y + height - 4, x + 4 : x + width - 4]
    assert (inside != picture[2, 2]).any(-1).mean() < 0.02  # but for the lines of the axes


@needs_chromium
def test_it_stops_at_the_end_unless_it_loops(opened):
    viewer = opened(still=False)
    loop = viewer.page.locator("#loop")
    assert loop.get_attribute("aria-pressed") == "true"
    loop.click()
    viewer.set(moment=T - 4, speed=8, playing=True)
    viewer.until("latentviz.view().then((v) => !v.playing)")
    assert viewer.view()["moment"] == T - 1
    viewer.until("location.hash.includes('loop=off')")


@needs_chromium
def test_keys_on_the_slider_are_its_own(opened):
    viewer = opened(hash="#step=20")
    viewer.page.locator("#moment").focus()
    for key, moment in (("ArrowUp", 21), ("ArrowDown", 20), ("Shift+ArrowRight", 30)):
        viewer.page.keyboard.press(key)
        assert (viewer.view()["moment"], viewer.view()["speed"]) == (moment, 1)
    viewer.page.locator("#play").focus()
    viewer.page.keyboard.press("ArrowUp")
    assert viewer.view()["speed"] == 2
    # A class can be seen alone by keys, too.
    viewer.page.locator(".key .class").nth(2).focus()
    viewer.page.keyboard.press("Shift+Enter")
    assert viewer.view()["hidden"] == [[k for k in range(30) if k != 2]]


@needs_chromium
def test_an_address_names_components_as_titles_do(opened):
    viewer = opened(hash="#step=20&panels=4.1,2.5")
    assert viewer.page.locator(".title").all_inner_texts() == ["[4,1]", "[2,5]"]
    viewer.page.keyboard.press("ArrowRight")
    viewer.until("location.hash === '#step=21&panels=4.1,2.5'")


@needs_chromium
def test_canvases_say_what_they_show(opened):
    viewer = opened(hash="#step=20&pinned=3")
    labels = [viewer.page.get_attribute(f"#{id}", "aria-label") for id in ("under", "dots", "over")]
    assert "losses: loss" in labels[0]
    assert labels[1] == f"{N} points in [2,5], [4,1]; step 20 of {T - 1}"
    assert labels[2] == "Pinned points: #3"


@needs_chromium
@pytest.mark.parametrize("size", [(390, 844), (320, 568), (844, 390)])
def test_letters_are_large_enough_and_nothing_flows_over(opened, size):
    viewer = opened(size=size, hash=f"#step=20&pinned={','.join(map(str, range(40)))}")
    sizes = viewer.page.evaluate(
        "[...document.querySelectorAll('main *')].filter((e) => e.checkVisibility() &&"
        " [...e.childNodes].some((n) => n instanceof Text && n.data.trim()))"
        ".map((e) => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 11
    whole = "document.documentElement"
    assert viewer.page.evaluate(f"{whole}.scrollWidth") <= size[0]
    assert viewer.page.evaluate(f"{whole}.scrollHeight") <= size[1]
    # However many points are pinned, most of the page is the stage's.
    assert viewer.page.locator("#room").bounding_box()["height"] > size[1] / 2


@needs_chromium
@pytest.mark.parametrize(("size", "theme"), [((390, 844), "dark"), ((1280, 800), "light")])
def test_axe_finds_nothing_in_what_opens(opened, size, theme):
    from axe_playwright_python.sync_playwright import Axe

    viewer = opened(size=size, hash=f"#step=20&pinned=1,2&panels=2.5.4@20:10,4.1&theme={theme}")

    def faults():
        options = {"resultTypes": ["violations"], "preload": False}
        return [f["id"] for f in Axe().run(viewer.page, options=options).response["violations"]]

    for menu in ("Axes", "Find", "Share"):
        viewer.page.click(f"summary:text('{menu}')")
        assert faults() == []
        viewer.page.keyboard.press("Escape")
    viewer.page.keyboard.press("?")
    assert faults() == []


def with_data(page, change):
    """A page whose data (in base64) are others."""
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    return page[: found.start(1)] + change(found[1]) + page[found.end(1) :]


@needs_chromium
@pytest.mark.parametrize(
    "change", [lambda data: data[: len(data) // 8 * 4], lambda data: "", lambda data: "%%%"]
)
def test_a_damaged_page_says_so(browser, crowded, tmp_path, change):
    path = tmp_path / "damaged.html"
    path.write_text(with_data(crowded.read_text("utf-8"), change), "utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("#fault:visible")
    assert "its file is damaged, or not all of it is there" in page.inner_text("#fault")
    page.close()


@needs_chromium
def test_a_page_within_another_has_no_address(browser, crowded, tmp_path):
    path = tmp_path / "notebook.html"
    inner = html.escape(crowded.read_text("utf-8"))
    path.write_text(
        f"<!doctype html><iframe width=900 height=700 srcdoc='{inner}'></iframe>", "utf-8"
    )
    page = browser.new_page(reduced_motion="reduce")
    heard = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("#stage").click(position={"x": 5, "y": 5})
    page.keyboard.press("End")
    frame.locator("text=Share").click()
    frame.locator("text=Copy link").click()
    frame.locator("#share-said:visible").wait_for()
    text = frame.locator("#share-text").input_value()
    assert text == f"#step={T - 1}"
    assert heard == []
    page.close()


@needs_chromium
def test_graphics_that_are_lost_are_said_and_come_back(browser, crowded):
    viewer = Opened(browser, crowded, hash="#step=30")
    before = viewer.drawn()
    viewer.page.evaluate(
        "window.graphics = document.getElementById('dots').getContext('webgl2')"
        ".getExtension('WEBGL_lose_context'); graphics.loseContext()"
    )
    viewer.until("!document.getElementById('fault').hidden")
    assert "has taken the graphics away" in viewer.page.inner_text("#fault")
    viewer.set(moment=31)  # what is drawn meanwhile does not take it back
    assert viewer.page.is_visible("#fault")
    viewer.page.evaluate("graphics.restoreContext()")
    viewer.until("document.getElementById('fault').hidden")
    viewer.set(moment=30)
    assert viewer.drawn() == before
    # The browser itself says that it was lost.
    assert all("CONTEXT_LOST" in line for line in viewer.heard), viewer.heard
    viewer.page.close()
