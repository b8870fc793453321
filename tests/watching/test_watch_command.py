"""`latentviz watch` of a recording in another process."""

import base64
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from click.testing import CliRunner

from latentviz import open_run
from latentviz.cli import main
from latentviz.packing.arrays import array_at

pytest.importorskip("waitress", reason="waitress is not installed")

ROOT = Path(__file__).parents[2]
# Steps of some milliseconds, which are flushed often.
TRAINING = """
import sys, time, torch
from pathlib import Path
from latentviz import ChunkLimits, Recorder
path, n_steps, go_on = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
points = torch.rand(20, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
with Recorder(path, net, layer="0", probe=points, latents=True, seed=0,
              chunk_limits=ChunkLimits(seconds=0.2)) as recorder:
    for step in range(n_steps):
        loss = ((net(points) - points) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        recorder.step(losses={"loss": loss.item()})
        optimizer.step()
        time.sleep(0.004)
        while step == 100 and not go_on.exists():
            time.sleep(0.01)
"""


class Watcher:
    """A `latentviz watch` process."""

    def __init__(self, *args, cwd):
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "latentviz", "watch", *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        )  # fmt: skip
        self.address = None

    def serving(self):
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.process.stderr.read()
        return self

    def get(self, path=""):
        with urllib.request.urlopen(self.address + path, timeout=30) as response:
            return response.read()

    def interrupt(self, number=signal.SIGINT):
        """Exit status, and what it said."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@pytest.fixture
def watch(tmp_path):
    watchers = []

    def begin(*args):
        watchers.append(Watcher(*args, cwd=tmp_path))
        return watchers[-1]

    yield begin
    for watcher in watchers:
        if watcher.process.poll() is None:
            watcher.process.kill()
        watcher.process.communicate()


@pytest.fixture
def go_on(tmp_path_factory):
    """The file for which a training waits after its first hundred steps."""
    return tmp_path_factory.mktemp("go") / "on"


@pytest.fixture
def train(tmp_path, go_on):
    trainings = []

    def begin(n_steps, name="run.npz"):
        trainings.append(
            subprocess.Popen(
                [sys.executable, "-c", TRAINING, name, str(n_steps), str(go_on)],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            )
        )
        return trainings[-1]

    yield begin
    for training in trainings:
        training.kill()
        training.wait()


def document(page):
    text = re.search(r'<script[^>]*id="document"[^>]*>(.*?)</script>', page.decode(), re.DOTALL)
    return json.loads(text[1])


def embedded(page):
    text = re.search(r'<script[^>]*id="?data"?[^>]*>(.*?)</script>', page.decode(), re.DOTALL)
    return base64.b64decode(text[1])


class Viewer:
    """What a page does: asks again and again."""

    def __init__(self, watcher):
        self.watcher = watcher
        page = watcher.get()
        about, data = document(page), embedded(page)
        self.address = about["live"]["address"]
        places = about["rows"][0]["places"]
        self.scale, self.origin = (array_at(data, places[key]) for key in ("scale", "origin"))
        self.steps = array_at(data, about["runs"][0]["steps"]).tolist()
        self.n_first = len(self.steps)
        self.places = []
        self.state = None

    def ask(self):
        body = self.watcher.get(f"{self.address}&from={len(self.steps)}")
        (size,) = struct.unpack_from("<I", body)
        growth, data = json.loads(body[4 : 4 + size]), body[4 + size :]
        self.state = growth["state"]
        if growth["steps"] is not None:
            self.steps += array_at(data, growth["steps"]).tolist()
            self.places += [array_at(data, ref) for ref in growth["places"]]
        return self.state

    def until(self, is_enough, seconds=25):
        end = time.monotonic() + seconds
        while not is_enough():
            assert time.monotonic() < end, (self.state, len(self.steps))
            self.ask()
            time.sleep(0.2)


def test_a_recording_from_its_beginning_to_its_end(watch, train, go_on, tmp_path):
    watcher = watch("run.npz", "--dims", "0,1")
    assert "waiting for the first steps of run.npz" in watcher.process.stderr.readline()
    train(400)
    watcher.serving()
    one, two = Viewer(watcher), Viewer(watcher)
    assert 0 < one.n_first <= 101
    go_on.touch()
    one.until(lambda: len(one.steps) > one.n_first + 50)
    two.until(lambda: len(two.steps) > two.n_first + 50)
    one.until(lambda: one.state == "finished")
    two.until(lambda: two.state == "finished")
    assert one.steps == two.steps == list(range(400))
    with open_run(tmp_path / "run.npz") as run:
        expected = np.stack([*run.latents(run.steps[one.n_first :]), run.final_latents()])
    found = np.concatenate(one.places).reshape(-1, 20, 4) * one.scale + one.origin
    assert (np.abs(found - expected) <= one.scale / 2 + 1e-6).all()
    # A page that is opened now has it all, or all that it is told.
    third = Viewer(watcher)
    third.until(lambda: third.state == "finished")
    assert third.steps == one.steps
    port = urlsplit(watcher.address).port
    assert watcher.interrupt() == (130, "Interrupted; nothing is left half-written.\n")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.npz"]


def test_a_recorder_that_is_killed(watch, train, go_on, tmp_path):
    go_on.touch()
    training = train(100_000)
    watcher = watch("run.npz", "--dims", "0,1").serving()
    viewer = Viewer(watcher)
    viewer.until(lambda: len(viewer.steps) > viewer.n_first)
    training.kill()
    viewer.until(lambda: viewer.state == "stopped")
    # It stays, with what it has.
    again = Viewer(watcher)
    again.until(lambda: again.state == "stopped" and len(again.steps) == len(viewer.steps))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(watcher.address.rsplit("/", 2)[0] + "/wrong/", timeout=10)
    assert watcher.interrupt(signal.SIGTERM)[0] == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.npz.part"]


def test_an_interrupt_while_it_waits(watch, tmp_path):
    watcher = watch("run.npz")
    assert "waiting" in watcher.process.stderr.readline()
    assert watcher.interrupt() == (130, "Interrupted; nothing is left half-written.\n")
    assert list(tmp_path.iterdir()) == []


def run_command(*args):
    result = CliRunner().invoke(main, ["watch", *map(str, args)])
    return result.exit_code, result.output


def test_what_is_no_run_is_refused_in_a_line(tmp_path):
    (tmp_path / "run.npz").write_bytes(b"nothing of the kind")
    for name, message in (
        ("run.npz", "is not a readable run archive"),
        ("run.zip", r"ends in \.npz"),
        ("missing/run.npz", "folder"),
    ):
        code, said = run_command(tmp_path / name)
        assert code == 2
        assert re.search(message, said)
        assert len(said.splitlines()) == 1
    assert run_command(tmp_path / "run.npz", "--steps", ":100") == (
        2,
        "Error: a recording is followed to its end; give --steps FIRST: without an end\n",
    )


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "waitress", None)
    code, said = run_command(tmp_path / "run.npz")
    assert code == 2
    assert "pip install 'latentviz[watch]'" in said
