import os
import re
import signal
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from latentviz.encode import VideoSettings, VideoWriter, parse_fps
from latentviz.errors import EncodeError, OptionError
from latentviz.raster.yuv import yuv420_from_rgb

SIZE = (192, 128)
SETTINGS = VideoSettings(SIZE, Fraction(30))
PATCHES = np.array(
    [
        [(255, 0, 0), (0, 255, 0), (0, 0, 255)],
        [(20, 21, 25), (240, 228, 66), (128, 128, 128)],
    ]
)


def yuv(rgb):
    """The bytes that a writer takes, of (H, W, 3) uint8."""
    height, width, _ = rgb.shape
    out = np.empty(height * width * 3 // 2, np.uint8)
    yuv420_from_rgb(np.ascontiguousarray(rgb.transpose(2, 0, 1)), out)
    return out


def frames(count):
    """Six patches of colour, and a bar that moves through the last row of pixels."""
    for i in range(count):
        rgb = PATCHES.repeat(64, 0).repeat(64, 1).astype(np.uint8)
        rgb[-8:, 8 * i : 8 * i + 8] = 255
        yield rgb


def encode(path, count=6, settings=SETTINGS):
    with VideoWriter(path, settings) as writer:
        for rgb in frames(count):
            writer.write(yuv(rgb))
    return path


def decode(path, size=SIZE):
    """What ffmpeg says of a video, and its frames (F, H, W, 3)."""
    about = subprocess.run([get_ffmpeg_exe(), "-i", path], capture_output=True, text=True).stderr
    command = [get_ffmpeg_exe(), "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24"]
    raw = subprocess.run([*command, "-"], capture_output=True, check=True).stdout
    return about, np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 3)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("extension", ["mp4", "mov", "mkv", "MP4"])
def test_a_video_is_what_players_expect(tmp_path, extension):
    path = encode(tmp_path / f"a film: 100%d.{extension}")
    assert names(tmp_path) == [path.name]
    about, decoded = decode(path)
    stream = re.search(r"Stream #0:0.*Video: (.*)", about)[1]
    assert stream.startswith("h264 (High)")
    assert re.search(r"yuv420p\(tv, bt709(, progressive)?\)", stream)
    assert "192x128" in stream
    assert "30 fps" in stream
    assert decoded.shape == (6, 128, 192, 3)


def test_colors_survive(tmp_path):
    _, decoded = decode(encode(tmp_path / "film.mp4"))
    centers = decoded[:, 32::64, 32::64].astype(int)
    # Limited range and chroma's 8 bits cost up to 2 levels, quantization at CRF 23 the rest.
    assert np.abs(centers - PATCHES).max() <= 4
    bars = decoded[:, -4].mean(-1)
    assert (bars.argmax(1) // 8 == np.arange(6)).all()


@pytest.mark.parametrize(
    ("fps", "said"), [("24", "24 fps"), ("30000/1001", "29.97 fps"), ("0.5", "0.50 fps")]
)
def test_the_frame_rate_is_exact(tmp_path, fps, said):
    path = encode(tmp_path / "film.mp4", 3, VideoSettings(SIZE, parse_fps(fps)))
    about, _ = decode(path)
    assert said in about
    seconds = float(re.search(r"Duration: 00:00:([\d.]+)", about)[1])
    assert seconds == pytest.approx(float(3 / parse_fps(fps)), abs=0.01)


def test_the_same_frames_give_the_same_bytes(tmp_path):
    first = encode(tmp_path / "a.mp4").read_bytes()
    assert encode(tmp_path / "b.mp4").read_bytes() == first
    assert first.index(b"moov") < first.index(b"mdat")  # plays while it is being loaded


def test_quality_and_preset_count(tmp_path):
    noise = np.random.default_rng(0).integers(16, 235, 192 * 128 * 3 // 2, np.uint8)

    def size(**changes):
        path = tmp_path / "film.mp4"
        with VideoWriter(path, VideoSettings(SIZE, Fraction(30), **changes)) as writer:
            writer.write(noise)
        return path.stat().st_size

    assert size(crf=5) > size() > size(crf=51)
    assert size(preset="ultrafast") != size(preset="slow")


def test_the_best_quality_plays_in_browsers_too(tmp_path):
    path = encode(tmp_path / "film.mp4", settings=VideoSettings(SIZE, Fraction(30), crf=1))
    assert "h264 (High) " in decode(path)[0]


def test_permissions_are_those_of_a_new_file(tmp_path):
    (tmp_path / "plain").touch()
    path = encode(tmp_path / "film.mp4", 1)
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30", Fraction(30)),
        ("29.97", Fraction(2997, 100)),
        ("30000/1001", Fraction(30000, 1001)),
        ("1e1", Fraction(10)),
        (" 25 ", Fraction(25)),
    ],
)
def test_parse_fps(text, rate):
    assert parse_fps(text) == rate


@pytest.mark.parametrize("text", ["", "x", "1/0", "nan", "inf", "30,0", "30/1001/2", "0x10"])
def test_a_frame_rate_that_is_none(text):
    with pytest.raises(OptionError, match="fps must be a number such as 30 or 30000/1001, got"):
        parse_fps(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fps": Fraction(0)}, "fps must be above 0 and at most 240, got 0"),
        ({"fps": Fraction(-30)}, "got -30"),
        ({"fps": Fraction(241)}, "got 241"),
        ({"crf": 0}, "crf must lie within 1 .*, got 0"),
        ({"crf": -1}, "crf must lie within 1 .* to 51 .*, got -1"),
        ({"crf": 52}, "got 52"),
        ({"preset": "fastest"}, "preset must be one of ultrafast, .*, got 'fastest'"),
        pytest.param(*({"fps": Fraction(10) ** 400}, "fps must be")),
    ],
)
def test_settings_out_of_range(changes, message):
    with pytest.raises(OptionError, match=message):
        VideoSettings(**{"size": SIZE, "fps": Fraction(30)} | changes)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("film.avi", r"extension must be one of .mp4, .mov, .mkv, got 'film.avi'"),
        ("film", "got 'film'"),
        ("none/film.mp4", "none does not exist; create it first"),
        ("folder.mp4", "is a folder; name a file"),
    ],
)
def test_a_path_that_cannot_take_a_video(tmp_path, name, message):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OptionError, match=message):
        VideoWriter(tmp_path / name, SETTINGS)
    assert names(tmp_path) == ["folder.mp4"]


def test_ffmpeg_killed_midway(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"precious")
    frame = yuv(next(frames(1)))

    def film():
        with VideoWriter(path, SETTINGS) as writer:
            writer.write(frame)
            os.kill(writer._process.pid, signal.SIGKILL)
            for _ in range(100):
                writer.write(frame)

    with pytest.raises(EncodeError, match="ffmpeg was killed by signal 9; no video was written"):
        film()
    assert names(tmp_path) == ["film.mp4"]
    assert path.read_bytes() == b"precious"


def test_ffmpeg_killed_after_the_last_frame(tmp_path):
    def film():
        with VideoWriter(tmp_path / "film.mp4", SETTINGS) as writer:
            writer.write(yuv(next(frames(1))))
            os.kill(writer._process.pid, signal.SIGKILL)

    with pytest.raises(EncodeError, match="killed by signal 9"):
        film()
    assert names(tmp_path) == []


def test_an_error_shows_ffmpegs_own_words(tmp_path):
    writer = VideoWriter(tmp_path / "film.mp4", VideoSettings(SIZE, Fraction(1, 10**30)))
    with pytest.raises(EncodeError, match=r"ffmpeg failed with status \d+: .*framerate.*no video"):
        writer.finish()
    assert names(tmp_path) == []


def test_a_missing_ffmpeg(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    with pytest.raises(EncodeError, match=r"ffmpeg cannot be started: .*No such file"):
        VideoWriter(tmp_path / "film.mp4", SETTINGS)
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_midway_leaves_nothing(tmp_path, error):
    writer = VideoWriter(tmp_path / "film.mp4", SETTINGS)
    with pytest.raises(error), writer:
        raise error
    assert writer._process.returncode == -signal.SIGKILL
    assert names(tmp_path) == []


def test_ctrl_c_while_ffmpeg_finishes_leaves_nothing(tmp_path):
    def interrupt(signum, frame):
        raise KeyboardInterrupt

    writer = VideoWriter(tmp_path / "film.mp4", SETTINGS)
    before = signal.signal(signal.SIGALRM, interrupt)
    os.kill(writer._process.pid, signal.SIGSTOP)  # it takes forever now
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt), writer:
            pass
        assert writer._process.poll() is not None
        assert names(tmp_path) == []
    finally:
        signal.signal(signal.SIGALRM, before)
        writer.abort()


def test_frames_that_got_lost_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(VideoWriter, "_encoded_frames", lambda self: 5)
    with pytest.raises(EncodeError, match=r"ffmpeg encoded 5 of 6 frames of film\.mp4"):
        encode(tmp_path / "film.mp4")
    assert names(tmp_path) == []


@pytest.mark.parametrize("change", [-1, 1])
def test_a_frame_of_the_wrong_size(tmp_path, change):
    def film():
        with VideoWriter(tmp_path / "film.mp4", SETTINGS) as writer:
            writer.write(np.zeros(192 * 128 * 3 // 2 + change, np.uint8))

    with pytest.raises(OptionError, match="must have 36864 bytes, got 3686"):
        film()
    assert names(tmp_path) == []
