"""Renders that are stopped by a random signal at a random moment, for real.

`LATENTVIZ_INTERRUPTIONS=200 pytest tests/test_interrupted.py` does it two hundred times.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imageio_ffmpeg import count_frames_and_secs

N_RENDERS = int(os.environ.get("LATENTVIZ_INTERRUPTIONS", "8"))
TIMEOUT_S = 5.0
N_STEPS = 150
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# One starts here, of which nothing may be left.
MARK = "LATENTVIZ_TEST_MARK"

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes by /proc")


def running(mark):
    """The processes that were started under a mark, and their own."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            environment = (process / "environ").read_bytes()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it is no process, or has just ended
            continue
        if f"{MARK}={mark}".encode() in environment.split(b"\0") and state != "Z":
            found.append(int(process.name))
    return found


def words_of(pid):
    """A process's command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


@pytest.mark.parametrize("trial", range(N_RENDERS))
def test_nothing_is_left_of_a_render_that_was_stopped(short_run, tmp_path, trial):
    rng = random.Random(trial)
    before = b"the video that was there before"
    video = tmp_path / "film.mp4"
    if rng.random() < 0.5:
        video.write_bytes(before)
    there = sorted(p.name for p in tmp_path.iterdir())
    command = [sys.executable, "-m", "latentviz", "render", str(short_run), "-o", str(video)]
    options = ["--size", "640x360", "--pace", "linear"]
    mark = f"{os.getpid()}-{trial}"
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {MARK: mark},
    )
    # From the first imports to the last frame.
    time.sleep(rng.uniform(0.0, 3.0))
    chosen = rng.choice(SIGNALS)
    stopped = time.monotonic()
    process.send_signal(chosen)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - stopped < TIMEOUT_S
    assert running(mark) == []
    names = sorted(p.name for p in tmp_path.iterdir())
    if video.exists() and video.stat().st_size > len(before):
        # It was done: the whole video is there, and nothing else.
        assert names == ["film.mp4"]
        assert count_frames_and_secs(str(video))[0] == N_STEPS
        return
    assert names == there
    assert out == ""
    if video.exists():
        assert video.read_bytes() == before
    if "Interrupted" in err:
        assert err.splitlines()[-1] == "Interrupted; nothing is left half-written."
        # Python itself ends by SIGINT if it was in the midst of running a string as code, even
        # though the interrupt was caught: shells say 130 of that, too.
        assert process.returncode in (130, -signal.SIGINT)
    else:
        # While Python itself was starting: nothing of ours was running.
        assert process.returncode in (-chosen, 1, -signal.SIGABRT)


def test_ffmpeg_that_is_killed_ends_the_render_with_its_words(short_run, tmp_path):
    mark = f"{os.getpid()}-ffmpeg"
    command = [sys.executable, "-m", "latentviz", "render", str(short_run)]
    process = subprocess.Popen(
        [*command, "-o", str(tmp_path / "film.mp4"), "--pace", "linear"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {MARK: mark},
    )
    deadline = time.monotonic() + 60
    children: list[int] = []
    while not children and time.monotonic() < deadline and process.poll() is None:
        # Not the one that only says its version.
        children = [pid for pid in running(mark) if "pipe:0" in words_of(pid)]
    assert children
    os.kill(children[0], signal.SIGKILL)
    killed = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - killed < TIMEOUT_S
    assert (process.returncode, out) == (2, "")
    assert err == "Error: ffmpeg was killed by signal 9; no video was written\n"
    assert list(tmp_path.iterdir()) == []
    assert running(mark) == []
