import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from imageio_ffmpeg import count_frames_and_secs
from PIL import Image

import latentviz
from latentviz import EncodingSpec, FilmSpec, Recorder, open_run, pytest_plugin
from latentviz.archive import ArchiveReader, ArchiveWriter, default_max_bytes
from latentviz.cli import main
from latentviz.errors import OptionError
from latentviz.film.render import HOLD_S, render
from latentviz.film.work import WorkSpec
from latentviz.pacing import parse_pace
from latentviz.projection import DEFAULT_DIMS, parse_dims
from latentviz.raster.fitting import DOT_SHARE, LEAST_LIMITS
from latentviz.transforms import spread_of
from latentviz.video.formats import GIF, H264, VP9, WebP
from latentviz.views import FEW_DIMS
from latentviz.views.dots import COLOR_ALPHA, MANY

if find_spec("latentviz.__main__"):
    LATENTVIZ = [sys.executable, "-m", "latentviz"]
else:
    LATENTVIZ = [str(Path(sys.executable).with_name("latentviz"))]
SMALL = ["--size", "320x180", "--frames", "8"]
COMMANDS = sorted(name for name, command in main.commands.items() if not command.hidden)


@pytest.fixture(scope="session")
def run_path(short_run):
    return short_run


@pytest.fixture(scope="session")
def hurt_path(run_path):
    """The run, with latents that are NaN from step 64 on, and a model that nobody registered."""
    path = run_path.with_name("hurt.npz")
    with ArchiveReader(run_path) as reader, ArchiveWriter(path) as writer:
        manifest = json.loads(reader.read("manifest").tobytes())
        crcs = {}
        for name in reader.members:
            array = reader.read(name)
            if name == "header":
                stranger = {"model": {"name": "stranger", "args": {}}}
                text = json.dumps(json.loads(array.tobytes()) | stranger)
                array = np.frombuffer(text.encode(), np.uint8)
            if name == "states/000001/encoder.2.bias":
                array = np.full_like(array, np.nan)
            if name != "manifest":
                crcs[name] = writer.add(name, array)
        for entry in [*manifest["chunks"], manifest]:
            entry["members"] = {name: crcs[name] for name in entry["members"]}
        writer.add("manifest", np.frombuffer(json.dumps(manifest).encode(), np.uint8))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch, run_path, drawn_run, hurt_path):
    """The working directory, with the files that the commands name."""
    (tmp_path / "run.npz").symlink_to(run_path)
    (tmp_path / "drawn.npz").symlink_to(drawn_run)
    (tmp_path / "hurt.npz").symlink_to(hurt_path)
    (tmp_path / "text.npz").write_text("not a zip file, but longer than an end record")
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def latentviz_(*args, **options):
    command = [*LATENTVIZ, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def test_render_and_frame(folder):
    done = latentviz_("render", "run.npz", "-o", "out/film.mp4", *SMALL, "--frame-hashes", "h.txt")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress where there is no terminal
    assert done.stdout == (
        "out/film.mp4: 8 frames, 1.8 s (the last frame is held for 1.5 s), 320x180, "
        "steps 0 to 149\n"
        "  8 of 150 steps start a frame; steps a frame: 5 at the start, 30 at most, 1 at the end\n"
    )
    assert [path.name for path in Path("out").iterdir()] == ["film.mp4"]
    n_frames, seconds = count_frames_and_secs("out/film.mp4")
    assert (n_frames, seconds) == (8 + 45, pytest.approx(8 / 30 + 1.5, abs=0.01))
    hashes = Path("h.txt").read_text().split()
    assert len(hashes) == 8

    for number, options in ((3, ["--frame", 3]), (0, ["--step", 0]), (7, [])):
        done = invoke("frame", "run.npz", "-o", "out/f.png", *SMALL, *options)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout == "out/f.png: 320x180\n"
        with Image.open("out/f.png") as image:
            pixels = np.asarray(image)
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == hashes[number]


@pytest.mark.parametrize(
    ("name", "options", "rate"),
    [
        ("film.webm", [], 30),
        ("film.gif", ["--loop", "1"], 20),
        ("film.webp", ["--quality", "20", "--fps", "10", "--loop", "3", "--hold", "0.5"], 10),
    ],
)
def test_render_in_other_formats(folder, name, options, rate):
    done = invoke("render", "run.npz", "-o", f"out/{name}", *SMALL, *options, "--draft")
    assert (done.exit_code, done.stderr) == (0, "")
    hold = 0.5 if name == "film.webp" else 1.5
    seconds = 8 / rate + hold
    assert done.stdout.splitlines()[0] == (
        f"out/{name}: 8 frames, {seconds:.1f} s (the last frame is held for {hold:g} s), 320x180, "
        "steps 0 to 149"
    )
    assert [path.name for path in Path("out").iterdir()] == [name]
    if name == "film.webm":
        assert count_frames_and_secs(f"out/{name}") == (53, pytest.approx(seconds, abs=0.01))
        return
    with Image.open(f"out/{name}") as image:
        assert image.size == (320, 180)
        assert image.info.get("loop") == {"film.gif": None, "film.webp": 3}[name]


def test_what_could_mislead_is_said_in_a_line(folder):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    probe = torch.cat([torch.rand(60, 2), torch.tensor([[900.0, 0]])])
    with Recorder("far.npz", model, layer="0", probe=probe, colors=range(61)) as recorder:
        for _ in range(4):
            recorder.step()
    done = latentviz_("render", "far.npz", "-o", "out/film.mp4", *SMALL, "--limits", "2")
    assert done.returncode == 0
    assert done.stderr == (
        "Warning: 61 classes share 41 colors: from number 41 on (counted from 0) each has the "
        "color of an earlier one\n"
    )
    assert done.stdout.splitlines()[-1] == (
        "  in 4 frames points lie beyond the edges, where marks say so; --limits shows more"
    )


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_bar_says_what_is_being_drawn(folder):
    ours, theirs = os.openpty()
    command = [*LATENTVIZ, "render", "drawn.npz", "-o", "out/film.mp4", *SMALL]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(command, stdout=-3, stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # the terminal's end
            while part := os.read(ours, 4096):
                said += part
    os.close(ours)
    assert process.returncode == 0
    for words in (b"Rendering", b"8/8", b"step 149, 2 sub-frames", b"left"):
        assert words in said


def test_render_to_frames(folder):
    command = ["render", "run.npz", "-o", "out/frames/%03d.png", *SMALL]
    done = invoke(*command)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == ("out/frames/%03d.png: 8 frames, 320x180, steps 0 to 149")
    there = sorted(Path("out/frames").iterdir())
    assert [path.name for path in there] == [f"{index:03d}.png" for index in range(8)]
    assert invoke("frame", "run.npz", "-o", "f.png", *SMALL, "--frame", 3).exit_code == 0
    with Image.open("f.png") as alone, Image.open("out/frames/003.png") as frame:
        np.testing.assert_array_equal(np.asarray(frame), np.asarray(alone))

    done = invoke(*command, "--frames", 2)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "out/frames holds frames of an earlier film, 8 of them; replace them" in done.stderr
    assert invoke(*command, "--frames", 2, "--overwrite").exit_code == 0
    assert sorted(path.name for path in Path("out/frames").iterdir()) == ["000.png", "001.png"]
    assert list(Path("out").iterdir()) == [Path("out/frames")]


def test_draft_is_small_unless_told_otherwise(folder):
    for options, size in (
        (["--draft"], (1280, 720)),
        (["--draft", "--size", "320X180"], (320, 180)),
    ):
        assert invoke("frame", "run.npz", "-o", "f.png", *options).exit_code == 0
        with Image.open("f.png") as image:
            assert image.size == size


def test_options_reach_the_film(folder, monkeypatch):
    seen = {}

    def write_film(film, path, encoding, work, *, progress, **settings):
        seen.update(settings, path=path, encoding=encoding, work=work, spec=film.spec)
        return real(film, path, EncodingSpec(preset="ultrafast"))

    real = latentviz.film.render.write_film
    monkeypatch.setattr("latentviz.film.render.write_film", write_film)
    done = invoke(
        *("render", "run.npz", "-o", "out/film.mkv", "--dims", "0,1", "--dims", "3,2"),
        *("--names", "hue, tint", "--size", "320x180", "--frames", "4", "--pace", "linear:40"),
        *("--steps", "10:", "--alpha", "0.5", "--dot-radius", "0.2", "--limits", "2"),
        *("--theme", "light", "--colormap", "magma", "--fps", "25", "--crf", "30"),
        *(
            "--preset",
            "fast",
            "--threads",
            "2",
            "--hold",
            "2",
            "--model",
            "trainers.models:ColorMLP",
        ),
    )
    assert done.stdout.splitlines()[0] == (
        "out/film.mkv: 4 frames, 2.2 s (the last frame is held for 2 s), 320x180, steps 10 to 149"
    )
    assert seen == {
        **{"path": Path("out/film.mkv"), "work": WorkSpec(threads=2), "overwrite": False},
        "frame_hashes": None,
        "encoding": EncodingSpec(fps=25, crf=30, preset="fast", hold=2),
        "spec": FilmSpec(
            dims=[(0, 1), (3, 2)],
            names=["hue", "tint"],
            size=(320, 180),
            frames=4,
            pace="linear:40",
            steps=(10, None),
            alpha=0.5,
            dot_radius=0.2,
            limits=2.0,
            theme="light",
            colormap="magma",
        ),
    }


def test_without_a_hold_the_closing_line_says_nothing_of_it(folder):
    done = invoke("render", "run.npz", "-o", "out/f.mp4", *SMALL, "--hold", "0")
    assert done.stdout.startswith("out/f.mp4: 8 frames, 0.3 s, 320x180, steps 0 to 149\n")


def test_a_film_is_planned_once(folder, monkeypatch):
    planned = []

    class Film(latentviz.Film):
        def __init__(self, runs, spec, **options):
            planned.append(spec)
            super().__init__(runs, spec, **options)

    monkeypatch.setattr("latentviz.film.film.Film", Film)
    assert invoke("render", "run.npz", "-o", "out/f.mp4", *SMALL).exit_code == 0
    assert len(planned) == 1


@pytest.mark.parametrize("name", ["slices", "errors", "timeline", "history", "sphere"])
def test_the_least_size_of_a_picture_is_said_where_it_is_asked_for(folder, name):
    told = " ".join(invoke(name, "--help").stdout.split())
    width, height = map(int, re.search(r"Size in pixels, from (\d+)x(\d+) on", told).groups())
    for size in (f"{width - 1}x{height}", f"{width}x{height - 1}"):
        done = invoke(name, "run.npz", "-o", "p.png", "--size", size)
        assert done.exit_code == 2
        assert re.search("can be read from|sides must lie within", done.stderr)
    if name in ("timeline", "history"):
        size = f"{width}x{height}"
        assert invoke(name, "run.npz", "-o", "p.png", "--size", size).exit_code == 0


def test_for_which_machines_frame_hashes_hold_is_said_where_they_are_offered():
    told = " ".join(invoke("render", "--help").stdout.split())
    for words in ("hold for one kind of CPU", "latents=True hold everywhere", "a tolerance"):
        assert words in told
    page = Path(__file__).parents[1].joinpath("docs", "reliability.md").read_text()
    for text in (render.__doc__, pytest_plugin.__doc__, page):
        assert re.search(r"kind\s+of\s+CPU", text)


def test_what_is_not_given_is_left_to_the_code(folder, monkeypatch):
    seen = {}

    def write_film(film, path, encoding, work, **given):
        seen.update(given, encoding=encoding, work=work, spec=film.spec)
        raise OptionError("seen")

    monkeypatch.setattr("latentviz.film.render.write_film", write_film)
    assert "seen" in invoke("render", "run.npz", "-o", "film.mp4").stderr
    assert seen == {
        **{"encoding": EncodingSpec(), "work": WorkSpec(), "spec": FilmSpec()},
        **{"overwrite": False, "frame_hashes": None, "progress": None},
    }


def test_info(folder):
    done = latentviz_("info", "run.npz", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    with open_run("run.npz") as run:
        about = json.loads(done.stdout)
        spread = about.pop("spread")
        assert about == run.describe()
        np.testing.assert_allclose(spread, spread_of(run), rtol=1e-6)
    lines = invoke("info", "run.npz").stdout.splitlines()
    assert lines[0] == "run.npz"
    rows = dict(re.split(r":\s+", line.strip(), maxsplit=1) for line in lines[1:])
    assert rows["steps"] == "150 (0 to 149)"
    assert rows["model"] == "color-mlp"
    assert rows["state"] == "8 tensors, 263 values a step"
    assert rows["probe"] == "512 x 3"
    assert rows["params"] == "lr, reg-norm"
    assert rows["labels"] == "red, vibrant"
    assert rows["phases"] == "Train from 0"
    assert rows["spread"].startswith(f"{max(spread):.3g} along ")


BAD_FILMS = {
    "--dims 1,9": "dims 1,9 are out of range: the latents have 4 dimensions, 0 to 3",
    "--dims=-1,0": "dims must be two dimensions such as 1,0, or three such as 1,0,2, got '-1,0'",
    "--dims 1": "dims must be two dimensions",
    "--dims a,b": "dims must be two dimensions",
    "--names a,b,c,d": "got 4 names for 3 projections",
    "--size 321x180": "both sides of a film's size must be even, got 321x180; use 322x180",
    "--size 320": "size must be WIDTHxHEIGHT such as 1920x1080, got '320'",
    "--size 1000000x1000000": "size must lie within 120 to 8192, got 1000000x1000000",
    "--size 2x2": "size must lie within 120 to 8192",
    "--frames 0": "frames must lie within 1 to 1000000, got 0",
    "--pace sine": "pace must be bezier, bezier:X1,Y1,X2,Y2, geometric, geometric:OFFSET, linear",
    "--pace bezier:2,0,0,1": "monotonic",
    "--pace linear:0": "a linear pace's stride must be 1 or more, got 0",
    "--steps 5": "steps must be A:B, whole numbers of 0 or more, either of which may be left out",
    "--steps=-5:10": "either of which may be left out, got '-5:10'",
    "--steps 20:10": "steps 20:10 hold no recorded step; they are from the first up to, "
    "and without, the second, and the run has 0 to 149",
    "--alpha 0": "alpha must be above 0 and at most 1, got 0",
    "--dot-radius nan": "a dot's radius must be above 0 and at most 1e+06, got nan",
    "--limits 0": "limits must lie within 1e-06 to 1e+06, got 0",
    "--limits inf": "limits must lie within 1e-06 to 1e+06, got inf",
    "--model nosuch.module:Model": "--model nosuch.module:Model: No module named 'nosuch'",
    "--model nosuch": "--model must be package.module:factory, got 'nosuch'",
    "--max-bytes 9": "more than the limit of 9; raise the limit with --max-bytes if you trust it",
}
RENDER = "render run.npz -o out/film.mp4 --size 320x180 --frames 3 "
FRAME = "frame run.npz -o out/f.png --size 320x180 --frames 3 "
ERRORS = {
    **{RENDER + options: message for options, message in BAD_FILMS.items()},
    **{FRAME + options: message for options, message in list(BAD_FILMS.items())[::5]},
    RENDER + "--fps 0": "fps must be above 0 and at most 240, got 0",
    RENDER + "--fps x": "fps must be a number such as 30 or 30000/1001, got 'x'",
    RENDER + "--crf 99": "crf must lie within 1 (best) to 51 (smallest), got 99",
    RENDER + "--preset x": "preset must be one of film, draft, ultrafast, ",
    RENDER + "--threads 0": "threads must lie within 1 to 256, got 0",
    RENDER + "--frame-hashes none/h.txt": "the folder none does not exist; create it first",
    FRAME + "--frame 3": "frame must lie within 0 to 2, got 3",
    FRAME + "--step 150": "step 150 was not recorded; the run has 150 steps, 0 to 149",
    FRAME + "--frame 0 --step 0": "give a frame or a step, not both",
    "render run.npz -o out/film.avi": "must be one of .mp4, .mov, .mkv, .webm, .gif, .webp, or it",
    "render run.npz -o out/film.gif --crf 9": "crf is for .mp4, .mov, .mkv, .webm, not for .gif",
    "render run.npz -o out/film.webm --preset fast": "preset is for .mp4, .mov, .mkv, not for",
    "render run.npz -o out/film.mp4 --loop 2": "loop is for .gif, .webp, not for .mp4",
    "render run.npz -o out/film.mp4 --quality 9": "quality is for .webp, not for .mp4",
    "render run.npz -o out/film.gif --fps 60": "a GIF's fps must lie within 0.01 to 50, got 60",
    "render run.npz -o out/%05d.png --fps 9": "fps is for videos; frames have none",
    "render run.npz -o out/%05d%05d.png": "must have one number such as %05d, and end in .png; got",
    "render run.npz -o none/frames/%05d.png": "the folder none does not exist; create it first",
    "render run.npz -o none/film.mp4": "the folder none does not exist; create it first",
    "render run.npz -o out": "a video's extension must be one of",
    "frame run.npz -o out/f.jpg": "extension must be .png or .svg or .pdf, got 'f.jpg'",
    "frame run.npz -o none/f.png": "the folder none does not exist; create it first",
    "render none.npz -o out/film.mp4": "none.npz does not exist; name a run archive",
    "frame none.npz -o out/f.png": "none.npz does not exist",
    "info none.npz": "none.npz does not exist",
    "info text.npz": "text.npz is not a readable run archive: it does not end in a ZIP directory",
    "info out": "cannot read out: Is a directory",
    "info pipe.npz": "cannot read pipe.npz: it is no regular file",
    "info run.npz --model json:nosuch": "--model json:nosuch: module 'json' has no attribute",
    "render hurt.npz -o out/film.mp4": "model 'stranger' is not registered (registered: cn-",
    "render hurt.npz -o out/film.mp4 --size 320x180 --frames 9 --frame-hashes out/h.txt "
    "--model trainers.models:ColorMLP": "the latents at step 64 are not finite at 512 of 512",
}
USAGE = {
    RENDER + "--theme neon": "neon",
    RENDER + "--crf x": "crf",
    RENDER + "--nosuch": "--nosuch",
    "render run.npz": "no output is named; give -o film.mp4",
    "rendr run.npz": "rendr",
}
RAW_ERROR = {
    RENDER + "--frames 10000000000000": "frames",
    RENDER + "--fps 1e400": "fps",
    RENDER + "--limits 1e300": "limits",
    RENDER + "--limits 1e-300": "limits",
    RENDER + "--pace geometric:1e300": "pace",
    RENDER + "--model .x:y": "--model",
    f"frame run.npz -o out/{'x' * 300}.png": "File name too long",
    f"info {'x' * 300}.npz": "File name too long",
    "render run.npz -o out/film.mp4 --frame-hashes run.npz": "would overwrite the run",
    "render run.npz -o out/film.mp4 --frame-hashes out/../out/film.mp4": "overwrite the film",
}


def test_an_error_is_one_line_and_nothing_is_written(folder):
    wrong = {}
    for command, message in (ERRORS | USAGE | RAW_ERROR).items():
        done = invoke(*command.split())
        is_line = re.fullmatch("Error: .*\n", done.stderr) and message in done.stderr
        if (done.exit_code, done.stdout) != (2, "") or not is_line or any(Path("out").iterdir()):
            wrong[command] = (done.exit_code, done.output, sorted(Path("out").iterdir()))
    assert wrong == {}


@pytest.mark.parametrize(
    "command", ["render none.npz -o out/film.mp4", "render hurt.npz -o out/film.mp4"]
)
def test_an_error_of_the_installed_command(folder, command):
    done = latentviz_(*command.split())
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert list(Path("out").iterdir()) == []


def processes_that_name(text):
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if text in command and int(entry.parent.name) != os.getpid():
            found.append(command)
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for orphans in /proc")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_render_leaves_nothing(folder, signum):
    out = folder / "out"
    command = ["render", "drawn.npz", "-o", str(out / "film.mp4"), "--pace", "linear"]
    with subprocess.Popen(
        # Enough for many seconds, if it were left to run.
        [*LATENTVIZ, *command, "--preset", "veryslow", "--size", "2560x1440"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not list(out.iterdir()):
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            time.sleep(0.5)
            assert any("ffmpeg" in command for command in processes_that_name(str(out)))
            os.killpg(process.pid, signum)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert (stdout, stderr) == ("", "Interrupted; nothing is left half-written.\n")
    assert list(out.iterdir()) == []
    assert processes_that_name(str(out)) == []


def test_a_model_in_the_current_folder_is_found(folder, monkeypatch):
    Path("model_of_mine.py").write_text("from trainers.models import ColorMLP as Mine\n")
    monkeypatch.delitem(sys.modules, "model_of_mine", raising=False)
    before = list(sys.path)
    command = "frame hurt.npz -o out/f.png --size 320x180 --steps :9 --model model_of_mine:Mine"
    done = invoke(*command.split())
    assert done.exit_code == 0, done.output
    assert sys.path == before


def test_a_reader_that_goes_away_is_no_error(folder):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*LATENTVIZ, "info", "run.npz"], stdout=write, stderr=subprocess.PIPE, text=True
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_is_quick_and_lists_the_commands():
    heavy = ["torch", "matplotlib", "numba", "pyvista", "numpy", "PIL", "rich"]
    code = f"""
import sys
from latentviz.cli import main
from latentviz.errors import OptionError
try:
    main(["--help"])
finally:
    assert not [name for name in {heavy} if name in sys.modules]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for name, command in main.commands.items():
        listed = re.search(rf"^  {name} +\w", done.stdout, re.MULTILINE)
        assert (listed is None) == command.hidden
        assert command.help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name):
    done = invoke(name, "--help")
    assert done.exit_code == 0
    assert done.output == invoke(name, "-h").output
    for option in main.commands[name].params:
        if option.param_type_name == "option":
            assert option.help
            assert re.search(rf"{max(option.opts, key=len)}\b", done.output)


def test_the_defaults_in_the_help_are_those_of_the_code():
    stated = {}
    for name in ("render", "frame"):
        for option in main.commands[name].params:
            if "Default: " in (getattr(option, "help", None) or ""):
                default = re.search(r"Default: (.+)\.$", option.help)[1]
                assert stated.setdefault(option.name, default) == default

    options = FilmSpec()
    pace = parse_pace(options.pace) if isinstance(options.pace, str) else options.pace
    assert parse_pace(stated.pop("pace")) == pace
    pairs, _, more = stated.pop("dims").partition("; ")
    assert [parse_dims(pair) for pair in pairs.split(" and ")] == list(DEFAULT_DIMS)
    assert more == "auto with --project, and for more than four dimensions"
    assert (FEW_DIMS, options.project, options.center) == (4, None, None)
    assert stated.pop("project").startswith("none")
    assert stated.pop("center") == "run for pca and classes, none for matrix and rows"
    assert options.dims is None
    assert stated.pop("size") == "{}x{}".format(*options.size)
    assert (stated.pop("steps"), options.steps) == ("all", (None, None))
    assert (stated.pop("threads"), WorkSpec().threads) == ("one a core", None)
    assert stated.pop("jobs").startswith("half as many as there are cores")
    assert stated.pop("max_bytes") == "64 MiB plus 50 times the file's size"
    assert default_max_bytes(1000) == (64 << 20) + 50 * 1000
    for name in ("fps", "crf", "preset", "quality", "loop"):
        assert getattr(EncodingSpec(), name) is None  # the codec's own
    assert stated.pop("fps") == f"{H264.fps}; {GIF.fps} in a GIF"
    assert {VP9.fps, WebP.fps} == {H264.fps}
    other = H264(preset="medium").crf
    assert other == H264(preset="draft").crf
    assert stated.pop("crf") == (
        f"{H264().crf}; {other} with any other preset than film; {VP9().crf} in a WebM"
    )
    assert stated.pop("preset").startswith(f"{H264().preset}, ")
    assert stated.pop("quality") == str(WebP().quality)
    assert stated.pop("loop") == str(WebP().loop) == str(GIF().loop)
    assert (options.limits, options.dot_radius) == (None, None)
    assert (stated.pop("layer"), options.layer) == ("the first that was recorded", None)
    assert (stated.pop("points"), options.points) == (
        "as the run was recorded, or the first layer",
        (),
    )
    assert f"points that are colors {LEAST_LIMITS} or a round number" in stated.pop("limits")
    assert options.alpha is None
    assert stated.pop("alpha").startswith(f"{COLOR_ALPHA}, less for more than {MANY} points")
    assert (stated.pop("hold"), EncodingSpec().hold) == (str(HOLD_S), None)
    radius = DOT_SHARE * LEAST_LIMITS
    said = f"{DOT_SHARE} of the limits, {radius:g} for {LEAST_LIMITS}, of points that are colors"
    assert stated.pop("dot_radius").startswith(said)
    for name, words in stated.items():
        value = getattr(options, name)
        # Of None the words say more than a test could know.
        said = "none" if value in ((), 0) else "" if value is None else str(value)
        assert f"{words}, ".startswith((f"{said}, ", f"{said};")) or not said, (name, words)


def test_alone_it_says_what_there_is():
    done = invoke()
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == invoke("--help").stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(folder):
    with Path("/dev/full").open("w") as full:
        command = [*LATENTVIZ, "info", "run.npz"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "Error: No space left on device\n")


def test_version():
    assert invoke("--version").output == f"latentviz, version {latentviz.__version__}\n"
