"""What a page makes of a recording that grows: `live.js`, with a small page around it."""

import base64
import threading
import time

import numpy as np
import pytest
from followed_training import N, Training

from latentviz import FilmSpec, open_run
from latentviz.viewing.spec import PageSpec
from latentviz.watching.growing import Growing
from latentviz.watching.server import Server
from latentviz.watching.watch import Watch
from latentviz.web.modules import joined
from latentviz.web.page import json_text, viewer_modules

pytest.importorskip("waitress", reason="waitress is not installed")
pytest.importorskip("playwright", reason="Playwright is not installed")

from gallery.look import ARGUMENTS, find_chromium

MAIN = """
import { follow } from "./live.js";
import { Moments } from "./moments.js";
import { openPlaces } from "./places.js";
import { bytesOfBase64, readArray } from "./unpack.js";

async function main() {
  const about = JSON.parse(document.querySelector("#document").textContent);
  const bytes = bytesOfBase64(document.querySelector("#data").textContent);
  const read = (ref) => ref && readArray(bytes, ref);
  const runs = [];
  for (const run of about.runs) runs.push({ steps: await read(run.steps), after: run.after });
  const charts = [];
  for (const chart of about.charts) {
    const curves = [];
    for (const curve of chart.curves) {
      curves.push({ values: await read(curve.values), raw: await read(curve.raw) });
    }
    const steps = await read(chart.steps);
    charts.push({ steps, end: steps[steps.length - 1], curves });
  }
  const places = [];
  for (const row of about.rows) places.push(await openPlaces(bytes, row.places));
  const page = {
    document: about, runs, charts, places, starts: Array.from(await read(about.frames)),
    grown() {
      page.moments = new Moments(page.runs, page.starts);
      page.sizes.push(page.moments.count);
    },
    say(words) {
      if (page.said[page.said.length - 1] !== words) page.said.push(words);
    },
    said: [], sizes: [],
  };
  window.page = page;
  await follow(page);
  page.hasEnded = true;
}
main();
"""

PLACES = """async (first) => {
  const found = [];
  for (const reader of page.places) {
    const [n] = reader.shape;
    await reader.load(first, n);
    for (let t = first; t < n; t++) found.push(Array.from(reader.read(t)));
  }
  return found;
}"""

CHARTS = """() => page.charts.map((chart, i) => ({
  steps: Array.from(chart.steps), end: chart.end,
  curves: chart.curves.map(({ values, raw }) => [Array.from(values), raw && Array.from(raw)]),
  finals: page.document.charts[i].curves.map((curve) => curve.final),
  measured: page.document.charts[i].curves.map((curve) => curve.measured),
  axes: page.document.layouts.map(({ panels }) =>
    panels.filter((p) => p.kind === "chart" && p.chart === i).map((p) => [p.steps, p.limits])),
}))"""


def small_page(document, data, *, connects):
    """A page that holds what `page_html` is given, and no more than what follows the recording."""
    assert connects
    script = joined({**viewer_modules(), "main": MAIN}, "main")
    policy = "default-src 'none'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
    return (
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<link rel="icon" href="data:,"><title>small</title>'
        f'<script type="application/json" id="document">{json_text(document)}</script>'
        f'<script type="text/plain" id="data">{base64.b64encode(data).decode()}</script>'
        f"<script>{script}</script>"
    )


@pytest.fixture(scope="module")
def browser():
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("there is no Chromium to open the page with")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


class Serving:
    """A watch of a training, in a thread."""

    def __init__(self, path, **options):
        growing = Growing(path)
        growing.look()
        spec = FilmSpec(dims=[(0, 1), (2, 3)], **options)
        again = lambda: Growing(path)  # noqa: E731
        self.server = Server(Watch(growing, spec, PageSpec(components=4), again=again))
        self.address = self.server.address
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def end(self):
        if not self.thread.is_alive():
            return
        self.server.stop()
        self.thread.join(10)
        self.server.close()


@pytest.fixture
def followed(tmp_path, monkeypatch, browser):
    """A training, a page that follows it, what serves it, and what went wrong in the page."""
    monkeypatch.setattr("latentviz.watching.looks.page_html", small_page)
    monkeypatch.setattr("latentviz.watching.looks.EVERY_MS", 100)
    monkeypatch.setattr("latentviz.watching.watch.LEAST_PAUSE_S", 0.05)
    training = Training(tmp_path / "run.npz", per_chunk=20)
    training.go_on(80)
    growing = Growing(tmp_path / "run.npz")
    training.flushed(growing, 80)
    serving = Serving(tmp_path / "run.npz")
    page = browser.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.goto(serving.address)
    wait_for(page, "window.page?.said.length > 0")
    yield training, page, serving, faults
    page.close()
    serving.end()
    training.recorder.close()


def wait_for(page, condition):
    """Wait until an expression is true; the page forbids what Playwright has for that."""
    end = time.monotonic() + 15
    while not page.evaluate(condition):
        assert time.monotonic() < end, (condition, page.evaluate("page.said"))
        time.sleep(0.05)


def test_a_page_follows_a_recording_to_its_end(followed, tmp_path):
    training, page, _, faults = followed
    assert page.evaluate("page.said") == ["recording, step 79"]
    axes = page.evaluate(CHARTS)[0]["axes"]
    training.go_on(40)
    wait_for(page, "page.runs[0].steps.length === 120")
    assert "recording, step 119" in page.evaluate("page.said")
    training.go_on(60)
    wait_for(page, "page.runs[0].steps.length === 180")
    training.recorder.close()
    wait_for(page, "page.hasEnded")
    assert page.evaluate("page.said")[-1] == "finished, step 179"
    assert faults == []
    with open_run(tmp_path / "run.npz") as run:
        expected = np.stack([*run.latents(run.steps), run.final_latents()])
        lr, loss, rare = run.params["lr"], run.losses["loss"], run.losses["rare"]
        final = run.final_losses.get("loss")
    found = np.array(page.evaluate(PLACES, 0)).reshape(-1, N, 4)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.01
    steps = page.evaluate("Array.from(page.runs[0].steps)")
    assert steps == list(range(180))
    assert page.evaluate("[page.runs[0].after, page.document.runs[0].after]") == [True, True]
    assert page.evaluate("page.sizes[page.sizes.length - 1]") == 181
    starts = page.evaluate("page.starts")
    assert starts == sorted(set(starts))
    assert starts[-1] < 180
    schedule, losses = page.evaluate(CHARTS)
    assert schedule["steps"] == losses["steps"] == steps
    assert np.allclose(schedule["curves"][0][0], lr)
    values, raw = losses["curves"][0]
    assert np.allclose(values if raw is None else raw, loss, rtol=1e-5)
    assert losses["finals"][0] == final
    at = np.flatnonzero(np.isfinite(rare))
    assert losses["measured"][1] in ([], at.tolist())
    # The axis of steps was doubled and doubled: 0 to 79, to 158, to 316.
    assert schedule["end"] == losses["end"] == 316
    for layout, before in zip(schedule["axes"], axes, strict=True):
        for (ticks, limits), (_, limits_before) in zip(layout, before, strict=True):
            assert ticks["values"][-1] <= 316
            assert len(ticks["labels"]) == len(ticks["values"]) >= 2
            # The learning rate has left its limits, which hold it again.
            assert limits[0] == limits_before[0]
            assert limits[1] > 179.1 > limits_before[1]


def test_a_page_says_that_the_recording_has_stopped_and_the_watcher_ended(followed, monkeypatch):
    training, page, serving, faults = followed
    monkeypatch.setattr("latentviz.watching.growing.QUIET_S", 0.0)
    monkeypatch.setattr("latentviz.watching.growing.is_locked", lambda file: False)
    wait_for(page, "page.said.includes('the recording has stopped, step 79')")
    monkeypatch.undo()  # the page asks as often as it did
    training.go_on(20)
    wait_for(page, "page.said.includes('recording, step 99')")
    serving.end()
    wait_for(page, "page.hasEnded")
    assert page.evaluate("page.said").pop() == "the watcher has ended"
    # The browser itself says that it was refused, and nobody else says anything.
    assert all("ERR_CONNECTION_REFUSED" in fault for fault in faults)
    assert page.evaluate("page.runs[0].steps.length") == 100


def test_the_page_itself_grows(tmp_path, monkeypatch, browser):
    monkeypatch.setattr("latentviz.watching.looks.EVERY_MS", 100)
    monkeypatch.setattr("latentviz.watching.watch.LEAST_PAUSE_S", 0.05)
    training = Training(tmp_path / "run.npz", per_chunk=20)
    training.go_on(80)
    growing = Growing(tmp_path / "run.npz")
    training.flushed(growing, 80)
    serving = Serving(tmp_path / "run.npz")
    page = browser.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(serving.address)

    def said(words, n_moments):
        end = time.monotonic() + 20
        while True:
            found = (
                page.text_content("#live"),
                page.evaluate("document.querySelector('#moment').max"),
            )
            if found == (words, str(n_moments - 1)):
                return
            assert time.monotonic() < end, (found, faults)
            time.sleep(0.1)

    def moment():
        return page.evaluate("latentviz.view().then((view) => view.moment)")

    try:
        said("recording, step 79", 80)
        assert moment() == 79  # the newest
        training.go_on(60)
        said("recording, step 139", 140)
        assert moment() == 139
        page.evaluate("latentviz.set({ moment: 100, playing: false })")
        training.go_on(40)
        said("recording, step 179", 180)
        assert moment() == 100
        training.recorder.close()
        said("finished, step 179", 181)
        assert faults == []
    finally:
        page.close()
        serving.end()
        training.recorder.close()
