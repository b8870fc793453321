"""A page, and what came since: together they are the page of the whole run."""

import json
import re
import struct
import time
from functools import partial

import numpy as np
import pytest
import torch
from followed_training import N, Net, Training

from latentviz import ArchiveError, FilmSpec, OptionError, Recorder, open_run
from latentviz.archive.limits import ChunkLimits
from latentviz.packing.arrays import array_at
from latentviz.transforms import Axes
from latentviz.viewing.spec import PageSpec
from latentviz.watching.growing import Growing, State
from latentviz.watching.looks import Look
from latentviz.watching.watch import Watch, wait_for_first

SPEC = FilmSpec(dims=[(0, 1), (2, 3)])
PAGE = PageSpec(components=4)


def taken_apart(body):
    (size,) = struct.unpack_from("<I", body)
    return json.loads(body[4 : 4 + size]), body[4 + size :]


class Page:
    """What a page makes of the answers."""

    def __init__(self, look):
        html = look.page.decode()
        self.html = html
        self.look = look
        self.n_steps = look.n_steps
        self.steps, self.places = [], None
        self.state, self.after, self.left_out, self.held = None, False, 0, 0
        self.answers = []

    def ask(self, *, may_read=True):
        body = self.look.growth(self.n_steps, may_read=may_read)
        if body is None:
            return None
        growth, data = taken_apart(body)
        self.state = growth["state"]
        self.answers.append(growth)
        if growth["steps"] is None:
            return growth
        assert growth["from"] == self.n_steps
        steps = array_at(data, growth["steps"])
        self.steps.extend(steps.tolist())
        self.n_steps += len(steps)
        self.left_out, self.after = growth["left_out"], growth["after"]
        self.held = max(self.held, growth["held"])
        for ref in growth["places"]:
            units = array_at(data, ref)
            assert units.dtype == np.int32
            assert len(units) == len(steps) + growth["after"]
            self.places = units if self.places is None else np.concatenate([self.places, units])
        growth["arrays"] = [
            [(array_at(data, c["values"]), c["raw"] and array_at(data, c["raw"]))
             for c in chart["curves"]]
            for chart in growth["charts"]
        ]  # fmt: skip
        return growth


@pytest.fixture
def training(tmp_path):
    trainings = []

    def begin(name="run.npz", **options):
        trainings.append(Training(tmp_path / name, **options))
        return trainings[-1]

    yield begin
    for each in trainings:
        each.recorder.close()


def scales(look):
    row = look.rows[0]
    return row.scale, row.origin


def test_places_are_those_of_the_finished_archive(training, tmp_path):
    run = training()
    run.go_on(60)
    growing = Growing(tmp_path / "run.npz")
    run.flushed(growing, 60)
    page = Page(Look(growing, SPEC, PAGE))
    assert page.n_steps == 60
    assert page.ask()["steps"] is None
    assert page.state == "recording"
    for n in (10, 30, 20):
        run.go_on(n)
        run.flushed(growing, run.step)
        assert page.ask(may_read=False)["steps"] is None
        assert page.ask()["step"] == run.step - 1
    run.go_on(5)
    run.recorder.close()
    assert growing.look() is State.FINISHED
    page.ask()
    assert (page.state, page.after, page.left_out, page.held) == ("finished", True, 0, 0)
    assert page.steps == list(range(60, 125))
    with open_run(tmp_path / "run.npz") as whole:
        expected = [*whole.latents(whole.steps[60:]), whole.final_latents()]
        losses = whole.losses["loss"]
    scale, origin = scales(page.look)
    found = page.places.reshape(-1, N, 4) * scale + origin
    assert (np.abs(found - np.stack(expected)) <= scale / 2 + 1e-6).all()
    # The loss is smoothed with a width of the first look; the raw one is as it was.
    charts = [answer["charts"] for answer in page.answers if answer["steps"] is not None]
    arrays = [answer["arrays"] for answer in page.answers if answer["steps"] is not None]
    raw = np.full(200, np.nan)
    for of_answer, values in zip(charts, arrays, strict=True):
        start = of_answer[1]["curves"][0]["from"]
        _, more = values[1][0]
        raw[start : start + len(more)] = more
    assert np.allclose(raw[60:125], losses[60:])
    # Who asks again gets the same.
    again = Page(page.look)
    while again.state != "finished":
        again.ask()
    assert np.array_equal(again.places, page.places)
    assert Page(page.look).look.growth(7, may_read=True) is None


def test_it_ends_with_no_step_more(training, tmp_path):
    run = training()
    run.go_on(20)
    growing = Growing(tmp_path / "run.npz")
    run.flushed(growing, 20)
    page = Page(Look(growing, SPEC, PAGE))
    run.recorder.close()
    growing.look()
    growth = page.ask()
    assert (page.steps, page.after, growth["charts"][0]["curves"]) == ([], True, [])
    with open_run(tmp_path / "run.npz") as whole:
        expected = whole.final_latents()
    scale, origin = scales(page.look)
    assert np.allclose(page.places.reshape(N, 4) * scale + origin, expected, atol=scale.max())


def test_steps_are_left_out_where_they_are_many(training, tmp_path, monkeypatch):
    monkeypatch.setattr("latentviz.watching.looks.MOST_CHUNK_BYTES", 4 * 4 * N * 8)
    monkeypatch.setattr("latentviz.watching.looks.MOST_EVERY_STEP_BYTES", 4 * 4 * N * 12)
    run = training()
    run.go_on(20)
    growing = Growing(tmp_path / "run.npz")
    run.flushed(growing, 20)
    page = Page(Look(growing, SPEC, PAGE))
    run.go_on(10)
    run.flushed(growing, 30)
    page.ask()
    assert page.steps == [20, 22, 24, 26, 28]  # no more than 8 at a time
    run.go_on(40)
    run.flushed(growing, 70)
    page.ask()
    assert page.steps[5:] == [36, 44, 52, 60, 68]
    for _ in range(12):
        run.go_on(40)
        run.flushed(growing, run.step)
        page.ask()
    run.recorder.close()
    growing.look()
    page.ask()
    assert page.left_out + page.n_steps == run.step
    assert len(page.places) == len(page.steps) + 1
    assert page.steps == sorted(set(page.steps))
    strides = np.diff(page.steps)
    assert strides[-1] <= strides.max() == strides[-2] == 16  # by then only every 16th
    assert all(answer["dense"] for answer in page.answers if answer["steps"])


def test_states_are_evaluated(training, tmp_path):
    torch.manual_seed(0)
    net = Net()
    path = tmp_path / "states.npz"
    recorder = Recorder(
        path, net, layer="encoder", probe=torch.rand(N, 3),
        chunk_limits=ChunkLimits(steps=5, seconds=1e9),
    )  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def go_on(n):
        for _ in range(n):
            net(torch.rand(4, 3)).square().mean().backward()
            recorder.step()
            optimizer.step()

    go_on(10)
    growing = Growing(path, model="followed_training:Net")
    Training.flushed(None, growing, 10)
    page = Page(Look(growing, SPEC, PAGE))
    go_on(7)
    recorder.close()
    growing.look()
    page.ask()
    with open_run(path, model=Net()) as whole:
        expected = np.stack([*whole.latents(whole.steps[10:]), whole.final_latents()])
    scale, origin = scales(page.look)
    assert np.allclose(page.places.reshape(-1, N, 4) * scale + origin, expected, atol=scale.max())


def test_a_transform_and_what_it_holds(training, tmp_path):
    run = training()
    run.go_on(40)
    growing = Growing(tmp_path / "run.npz")
    run.flushed(growing, 40)
    spec = FilmSpec(project="pca", dims=[(0, 1)], show=("explained",))
    page = Page(Look(growing, spec, PAGE))
    run.go_on(20)
    run.flushed(growing, 60)
    growth = page.ask()
    assert len(growth["charts"]) == 3
    ((shares, raw),) = growth["arrays"][-1]
    assert raw is None
    assert shares.shape == (20,)
    assert ((shares > 0) & (shares <= 1)).all()
    assert growth["charts"][-1]["curves"][0]["from"] == 40


def test_what_cannot_be_followed(training, tmp_path, monkeypatch):
    run = training()
    run.go_on(20)
    growing = Growing(tmp_path / "run.npz")
    run.flushed(growing, 20)
    with pytest.raises(OptionError, match="followed to its end"):
        Look(growing, FilmSpec(steps=(None, 10)), PAGE)
    monkeypatch.setattr("latentviz.watching.looks.KeyPlaces", Axes)
    with pytest.raises(OptionError, match="places no steps but those that it was fitted to"):
        Look(growing, SPEC, PAGE)


def test_watching_two_recordings_in_one_place(training, tmp_path):
    run = training()
    run.go_on(20)
    said = []
    begin = partial(Growing, tmp_path / "run.npz")
    growing = wait_for_first(begin, said.append)
    watch = Watch(growing, SPEC, PAGE, again=begin)
    assert said == []
    first = watch.page()
    assert watch.page() is first
    assert taken_apart(watch.growth("nobody's", 0))[0]["state"] == "outdated"
    run.recorder.close()
    again = training(overwrite=True)
    again.go_on(30)
    again.flushed(begin(), 30)
    pages = set()
    for _ in range(60):
        pages.add(watch.page())
        if len(pages) == 2:
            break
        time.sleep(0.1)
    assert len(pages) == 2


@pytest.fixture
def watched(training, tmp_path, monkeypatch):
    """A training of 20 steps, what begins to follow it, and a watch that looks at once."""
    monkeypatch.setattr("latentviz.watching.watch.LEAST_PAUSE_S", 0.0)
    monkeypatch.setattr("latentviz.watching.watch.PAUSES", 0)
    run = training()
    run.go_on(20)
    begin = partial(Growing, tmp_path / "run.npz")
    run.flushed(begin(), 20)
    return run, begin, Watch(wait_for_first(begin, print), SPEC, PAGE, again=begin)


def test_a_page_that_nobody_had_yet_is_fitted_anew_once_the_run_has_doubled(watched):
    run, begin, watch = watched
    first = watch.page()
    run.go_on(10)
    run.flushed(begin(), 30)
    assert watch.page() is first
    run.go_on(10)
    run.flushed(begin(), 40)
    assert watch.page() != first  # though no page has asked for what came since
    run.recorder.close()


def test_what_cannot_be_read_any_more(watched, tmp_path):
    run, begin, watch = watched
    name = re.search(r"steps\?look=([\w-]+)", watch.page().decode())[1]

    def asked(n):
        growth, _ = taken_apart(watch.growth(name, n))
        return growth["state"], None if growth["steps"] is None else growth["steps"]["shape"][0]

    n = 0
    assert asked(7)[0] == "outdated"
    while watch.growth(name, n) == watch.growth(name, 7):
        n += 1  # how many steps the page has
    assert asked(n)[0] == "recording"
    part = tmp_path / "run.npz.part"
    run.go_on(10)
    run.flushed(begin(), 30)
    data = bytearray(part.read_bytes())
    found = data.index(b"latents/000002/")
    data[found + 40 : found + 200] = bytes(160)
    part.write_bytes(data)
    assert asked(n) == ("unreadable", None)
    part.unlink()
    assert asked(n) == ("gone", None)
    with pytest.raises(ArchiveError, match="is gone"):
        run.recorder.close()
