"""Checks of a site in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    # Its sandbox refuses to run for the superuser, as which containers often run; it sees our own
    # files only.
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
GRAVE = ("serious", "critical")
SHOWN = 3  # elements of each kind of fault

# The faults of the films of a page: a promise of lines.
PLAY_FILMS = """async () => {
  const faults = [];
  for (const film of document.querySelectorAll("video")) {
    const name = film.getAttribute("aria-label");
    try {
      film.muted = true;
      await film.play();
      const began = film.currentTime, until = performance.now() + 15000;
      while (film.currentTime < began + 0.1 && performance.now() < until)
        await new Promise(done => setTimeout(done, 20));
      if (film.currentTime < began + 0.1) faults.push(`${name} does not go on`);
      film.pause();
    } catch (error) { faults.push(`${name} does not play: ${error.message}`); }
  }
  return faults;
}"""

LOAD_PICTURES = """async () => {
  const faults = [];
  for (const picture of document.images) {
    picture.loading = "eager";
    try { await picture.decode(); } catch { faults.push(`${picture.currentSrc} does not load`); }
  }
  return faults;
}"""

OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass(frozen=True)
class Look:
    """A way to look at a page."""

    name: str
    width: int
    height: int
    theme: Literal["dark", "light"]


# Each width and each theme once: neither depends on the other.
LOOKS = (Look("desktop", 1280, 800, "light"), Look("phone", 390, 844, "dark"))


def find_chromium() -> Path | None:
    """The system's Chromium, or a browser like it, if there is one."""
    return next((Path(p) for p in map(shutil.which, BROWSERS) if p is not None), None)


def look_at(
    site: Path,
    chromium: Path,
    *,
    pages: Sequence[str] = ("**/*.html",),
    screenshots: Path | None = None,
) -> list[str]:
    """The faults of a site, seen on a desktop and on a phone, a line each.

    Nothing may come from elsewhere, all pictures load, all films play, nothing is wider than the
    page, the console is silent, and axe-core finds nothing serious or critical.

    Args:
        site: The site; its files are opened as they are.
        chromium: The browser.
        pages: Which pages, names or patterns.
        screenshots: Keep a picture of each page there.
    """
    from playwright.sync_api import sync_playwright

    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for look in LOOKS:
            for path in sorted({path for page in pages for path in site.glob(page)}):
                picture = None
                if screenshots is not None:
                    name = "-".join(path.relative_to(site).with_suffix("").parts)
                    picture = screenshots / f"{name}-{look.name}-{look.theme}.png"
                where = f"{path.relative_to(site)} ({look.name}, {look.theme})"
                found = _look_at_page(browser, look, site.resolve(), path.resolve(), picture)
                problems += [f"{where}: {problem}" for problem in found]
        browser.close()
    return problems


def _look_at_page(
    browser: Browser, look: Look, site: Path, path: Path, screenshot: Path | None
) -> list[str]:
    problems: list[str] = []

    def requested(url: str) -> None:
        if not url.startswith((f"{site.as_uri()}/", "data:", "blob:")):
            problems.append(f"requests {url}")

    def failed(request: Request) -> None:
        # A browser stops reading a film when it has enough for the moment.
        if request.failure != "net::ERR_ABORTED" or request.resource_type != "media":
            problems.append(f"{request.url} failed: {request.failure}")

    with browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.theme,
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        page.on("request", lambda request: requested(request.url))
        page.on("requestfailed", failed)
        page.on("pageerror", lambda error: problems.append(f"error {error}"))
        page.on(
            "console",
            lambda m: problems.append(f"console: {m.text}") if m.type == "error" else None,
        )
        page.goto(path.as_uri())
        page.evaluate("globalThis.latentviz?.ready")  # a viewer has much to unpack
        problems += page.evaluate(LOAD_PICTURES)
        if screenshot is not None:
            page.screenshot(path=screenshot, full_page=True)
        wider = page.evaluate(OVERFLOW)
        if wider > 0:
            problems.append(f"{wider} pixels wider than the page")
        problems += _axe_faults(page)
        problems += page.evaluate(PLAY_FILMS)
    return problems


def _axe_faults(page: Page) -> Iterator[str]:
    from axe_playwright_python.sync_playwright import Axe

    # It would fetch the style sheets once more, which a browser does not let a file do.
    options = {"resultTypes": ["violations"], "preload": False}
    found: dict[str, Any] = Axe().run(page, options=options).response
    for fault in found["violations"]:
        if fault["impact"] in GRAVE:
            where = "; ".join(node["html"][:120] for node in fault["nodes"][:SHOWN])
            yield f"axe: {fault['id']} ({fault['impact']}, {len(fault['nodes'])}): {where}"
