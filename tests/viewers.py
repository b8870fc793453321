"""A browser that opens viewers, and says what they asked for and complained of."""

import time
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from gallery.look import ARGUMENTS, find_chromium

# Where there is no GPU the browser draws by itself.
GRAPHICS = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")

needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")


@contextmanager
def launched():
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*ARGUMENTS, *GRAPHICS]
        )
        yield browser
        browser.close()


class Opened:
    """A viewer in a browser.

    Attributes:
        page: Playwright's page.
        heard: What it asked for beyond its own file, and what its console said.
    """

    def __init__(self, browser, path, *, size=(900, 600), hash="", still=True, theme="dark"):
        self.page = browser.new_page(
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce" if still else "no-preference",
            color_scheme=theme,
        )
        self.heard = []
        address = path.resolve().as_uri()
        own = (address, "data:", "blob:")
        self.page.on("request", lambda r: r.url.startswith(own) or self.heard.append(r.url))
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.goto(address + hash)
        self.page.evaluate("latentviz.ready")

    def until(self, script, arg=None):
        """Wait until a script gives something true. The page's policy forbids Playwright's way."""
        until = time.monotonic() + 10
        while not self.page.evaluate(script, arg):
            assert time.monotonic() < until, f"waited in vain for {script}"
            time.sleep(0.02)

    def view(self):
        """What it shows."""
        return self.page.evaluate(
            """async () => { const v = await latentviz.view();
            return {...v, hidden: v.hidden.map((s) => [...s]), chosen: v.chosen.map((s) => [...s])};
            }"""
        )

    def set(self, **change):
        """Change what it shows, and wait until that is drawn."""
        self.page.evaluate("(change) => latentviz.set(change)", change)

    def ends(self):
        """The last moment of each frame of the film."""
        return self.page.evaluate(
            "latentviz.moments.then((m) => m.starts.map((_, frame) => m.endOf(frame)))"
        )

    def place_of(self, panel, point):
        """Where a point is in the window."""
        spot = self.page.evaluate("([p, i]) => latentviz.placeOf(p, i)", [panel, point])
        return spot["x"], spot["y"]

    def pixels(self):
        """The stage, (H, W, 3)."""
        png = self.page.locator("#stage").screenshot()
        return np.array(Image.open(BytesIO(png)).convert("RGB"))

    def drawn(self):
        """All that the page itself draws, and its words, to the last bit.

        Of `pixels` the browser's own letters may differ by some levels from page to page.
        """
        return self.page.evaluate(
            "() => [...[...document.querySelectorAll('#stage canvas')].map((c) => c.toDataURL()),"
            " document.getElementById('words').outerHTML]"
        )
