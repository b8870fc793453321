"""A film of five segments, and what is in a film's file."""

import hashlib
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np

import latentviz
from latentviz.video.ffmpeg import ffmpeg_path

N_STEPS = 500
LOOK = {"size": (320, 180), "pace": "linear", "preset": "ultrafast"}
OPTIONS = ("--size", "320x180", "--pace", "linear", "--preset", "ultrafast")
N_SEGMENTS = 5  # 500 frames, and 45 more of the last one


def save_walk(path, n_steps=N_STEPS):
    """A run of 24 points that wander."""
    walk = np.random.default_rng(3).normal(scale=0.05, size=(n_steps, 24, 2)).cumsum(axis=0)
    run = latentviz.Run.from_arrays(walk.astype(np.float32), classes=np.arange(24) % 3)
    run.save(path)
    return path


def command(run, film, *more):
    """The command that renders it."""
    return [sys.executable, "-m", "latentviz", "render", str(run), "-o", str(film), *OPTIONS, *more]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ffmpeg(*arguments):
    """What ffmpeg prints."""
    done = subprocess.run(
        [ffmpeg_path(), "-loglevel", "error", *map(str, arguments)], check=True, capture_output=True
    )
    return done.stdout


def packets(path):
    """The times of a film's packets as they are shown, and how long each lasts, in seconds."""
    said = ffmpeg("-i", path, "-c", "copy", "-f", "framecrc", "-").decode()
    base = Fraction(re.search(r"#tb 0: (\S+)", said)[1])
    rows = [line.split(",") for line in said.splitlines() if not line.startswith("#")]
    decoding, showing = ([int(row[k]) for row in rows] for k in (1, 2))
    return base, decoding, sorted(showing), [int(row[3]) for row in rows]


def pixels(path):
    """All of its frames, as they are decoded."""
    return ffmpeg(
        "-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"
    )


def parameter_sets(path):
    """The different sequence parameter sets of an H.264 film, those of each segment too."""
    stream = ffmpeg("-i", path, "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "h264", "-")
    units = re.split(rb"\x00\x00\x00?\x01", stream)
    return {unit for unit in units if unit and unit[0] & 31 == 7}
