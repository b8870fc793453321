"""Renders that come to harm at a random moment, for real.

`LATENTVIZ_INTERRUPTIONS=300 pytest tests/test_interrupted.py` does it three hundred times.
"""

import contextlib
import os
import random
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imageio_ffmpeg import count_frames_and_secs

from latentviz import render, render_frame

TIMEOUT_S = 5.0
N_STEPS = 150
BEFORE = b"the video that was there before"
INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
# What is sent, and the longest time before each in seconds; "group" goes to all of its group.
SIGNALS = {
    "Ctrl-C": [(INT, 0.0)],
    "it is told to end": [(TERM, 0.0)],
    "timeout ends it": [(TERM, 0.0), ("group", 0.0)],
    "Ctrl-C twice": [(INT, 0.0), (INT, 0.01)],
    "it is told to end twice": [(TERM, 0.0), (TERM, 0.2)],
    "its terminal is closed": [(HUP, 0.0)],
    "ten signals": [(number, 0.05) for number in (INT, TERM, INT, HUP, INT) * 2],
}
# What happens to ffmpeg, and how it ends then.
FFMPEG_ENDS_BY = {"ffmpeg is killed": signal.SIGKILL, "the file may not grow": signal.SIGXFSZ}
# By a script that calls `render`, in which signals do what they always do.
IN_PYTHON = {
    f"{fault}, in Python": SIGNALS[fault]
    for fault in ("it is told to end", "Ctrl-C twice", "ten signals")
}
FAULTS = (*SIGNALS, *FFMPEG_ENDS_BY, *IN_PYTHON)
# Over no video, or over one that is to stay: each fault once, then the other way.
CASES = [(fault, (n + turn) % 2 == 1) for turn in (0, 1) for n, fault in enumerate(FAULTS)]
N_RENDERS = int(os.environ.get("LATENTVIZ_INTERRUPTIONS", len(FAULTS)))
# One starts here, of which nothing may be left.
MARK = "LATENTVIZ_TEST_MARK"

RENDER = """
import sys, latentviz
latentviz.render(*sys.argv[1:], size=(640, 360), pace="linear", hold=0)
"""

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes by /proc")


def running(mark):
    """The processes that were started under a mark, and their own."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            environment = (process / "environ").read_bytes()
        except OSError:  # it is no process, or has just ended
            continue
        if f"{MARK}={mark}".encode() in environment.split(b"\0") and not has_ended(process.name):
            found.append(int(process.name))
    return found


def has_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def encoder_of(process, mark):
    """The ffmpeg that encodes for a render, once it is there; None if the render is over before."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        for pid in running(mark):
            # Not the one that only says its version.
            if b"pipe:0" in words_of(pid):
                return pid
        time.sleep(0.02)
    return None


def words_of(pid):
    """A process's command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def harm(fault, process, mark, rng):
    """Let a render come to harm at a random moment; when it did, and how long its end may take."""
    started = time.monotonic()
    if fault not in FFMPEG_ENDS_BY:
        # From the first imports to the last frame.
        time.sleep(rng.uniform(0.0, 3.0))
        for number, longest_s in (SIGNALS | IN_PYTHON)[fault]:
            time.sleep(rng.uniform(0.0, longest_s))
            if number == "group":
                with contextlib.suppress(ProcessLookupError):  # it is over
                    os.killpg(process.pid, TERM)
            else:
                process.send_signal(number)
        return time.monotonic(), TIMEOUT_S
    encoder = encoder_of(process, mark)
    # It is found out at the next frame, which on a busy machine takes as its start has taken.
    patience_s = max(TIMEOUT_S, 3 * (time.monotonic() - started))
    time.sleep(rng.uniform(0.0, 1.5))
    if encoder is not None and not has_ended(encoder):
        if fault == "ffmpeg is killed":
            os.kill(encoder, signal.SIGKILL)
        else:
            resource.prlimit(encoder, resource.RLIMIT_FSIZE, (0, 0))
        while not has_ended(encoder):
            time.sleep(0.01)
    return time.monotonic(), patience_s


@pytest.fixture(scope="module", autouse=True)
def compiled(drawn_run):
    """The first frame ever waits for the compiler, and hears of no harm meanwhile."""
    render_frame(drawn_run, size=(640, 360))


@pytest.mark.parametrize("trial", range(N_RENDERS))
def test_nothing_is_left_of_a_render_that_comes_to_harm(drawn_run, tmp_path, trial):
    fault, is_there = CASES[trial % len(CASES)]
    video = tmp_path / "film.mp4"
    if is_there:
        video.write_bytes(BEFORE)
    there = sorted(p.name for p in tmp_path.iterdir())
    if fault in IN_PYTHON:
        command = [sys.executable, "-c", RENDER, str(drawn_run), str(video)]
    else:
        command = [sys.executable, "-m", "latentviz", "render", str(drawn_run), "-o", str(video)]
        command += ["--size", "640x360", "--pace", "linear", "--hold", "0"]
    mark = f"{os.getpid()}-{trial}"
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {MARK: mark},
    )
    harmed, patience_s = harm(fault, process, mark, random.Random(trial))
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - harmed < patience_s
    assert running(mark) == []
    names = sorted(p.name for p in tmp_path.iterdir())
    if video.exists() and video.stat().st_size > len(BEFORE):
        # It was done: the whole video is there, and nothing else.
        assert names == ["film.mp4"]
        assert count_frames_and_secs(str(video))[0] == N_STEPS
        return
    assert names == there
    assert out == ""
    if video.exists():
        assert video.read_bytes() == BEFORE
    if fault in FFMPEG_ENDS_BY:
        how = f"ffmpeg was killed by signal {FFMPEG_ENDS_BY[fault]}"
        assert (process.returncode, err) == (2, f"Error: {how}; no video was written\n")
        return
    sent = [TERM if number == "group" else number for number, _ in (SIGNALS | IN_PYTHON)[fault]]
    if "Interrupted" in err:
        assert err.splitlines()[-1] == "Interrupted; nothing is left half-written."
        # Python itself ends by SIGINT if it was in the midst of running a string as code, even
        # though the interrupt was caught: shells say 130 of that, too.
        assert process.returncode in (130, -INT)
    elif fault in IN_PYTHON:
        # As without us: by the signal, or, as the string that Python runs, by an exception.
        assert process.returncode in (1, 130, *(-number for number in sent)), err
    else:
        # While Python itself was starting: nothing of ours was running.
        assert process.returncode in (1, -signal.SIGABRT, *(-number for number in sent)), err


def test_the_next_render_removes_what_one_that_was_killed_has_left(drawn_run, tmp_path):
    mark = f"{os.getpid()}-killed"
    process = subprocess.Popen(
        [sys.executable, "-c", RENDER, str(drawn_run), str(tmp_path / "film.mp4")],
        env=os.environ | {MARK: mark},
    )
    assert encoder_of(process, mark) is not None
    process.kill()
    process.wait()
    while running(mark):  # its ffmpeg ends by itself
        time.sleep(0.01)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".film.mp4.")
    (tmp_path / ".film.mp4.mine").touch()
    render(drawn_run, tmp_path / "film.mp4", size=(320, 180), frames=3)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".film.mp4.mine", "film.mp4"]


def test_a_full_disk_ends_a_render_with_ffmpegs_own_words(drawn_run, tmp_path):
    """A disk of its own, which only the processes in a namespace of their own can see."""
    command = [sys.executable, "-m", "latentviz", "render", str(drawn_run), "-o", "film.mp4"]
    script = (
        f"mount -t tmpfs -o size=32k tmpfs {shlex.quote(str(tmp_path))} || exit 77\n"
        f"cd {shlex.quote(str(tmp_path))} && echo precious > film.mp4 || exit 77\n"
        f"{shlex.join([*command, '--pace', 'linear', '--size', '640x360'])}\n"
        "status=$?; ls -A; cat film.mp4; exit $status"
    )
    unshared = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    try:
        environment = os.environ | {MARK: (mark := f"{os.getpid()}-disk")}
        done = subprocess.run(unshared, capture_output=True, text=True, env=environment)
    except FileNotFoundError:
        pytest.skip("no unshare")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("may not mount a disk of its own")
    assert (done.returncode, done.stdout) == (2, "film.mp4\nprecious\n")
    assert done.stderr.startswith("Error: ffmpeg failed with status ")
    assert "No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1
    assert running(mark) == []
