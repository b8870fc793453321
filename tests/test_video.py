import os
import re
import signal
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from latentviz.errors import EncodeError, OptionError
from latentviz.video.formats import (
    GIF,
    H264,
    PALETTE_FRAMES,
    VideoSettings,
    WebP,
    codec_for,
    names_video,
    parse_fps,
)
from latentviz.video.writer import VideoWriter, packer

SIZE = (192, 128)
SETTINGS = VideoSettings(SIZE, Fraction(30))
PATCHES = np.array(
    [
        [(255, 0, 0), (0, 255, 0), (0, 0, 255)],
        [(20, 21, 25), (240, 228, 66), (128, 128, 128)],
    ]
)


def raw(rgb, settings=SETTINGS):
    """The bytes that a writer takes, of (H, W, 3) uint8."""
    out = np.empty(settings.frame_bytes, np.uint8)
    packer(settings.codec.pixel_format)(np.ascontiguousarray(rgb.transpose(2, 0, 1)), out)
    return out


def frames(count):
    """Six patches of color, and a bar that moves through the last row of pixels."""
    for i in range(count):
        rgb = PATCHES.repeat(64, 0).repeat(64, 1).astype(np.uint8)
        rgb[-8:, 8 * i : 8 * i + 8] = 255
        yield rgb


def encode(path, count=6, settings=SETTINGS, **options):
    film = list(frames(count))
    with VideoWriter(path, settings, **options) as writer:
        for index in [*settings.codec.ahead(count), *range(count)]:
            writer.write(raw(film[index], settings))
    return path


def settings_for(path, fps=30, **chosen):
    return VideoSettings(SIZE, Fraction(fps), codec_for(path, **chosen))


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
        with VideoWriter(path, VideoSettings(SIZE, Fraction(30), H264(**changes))) as writer:
            writer.write(noise)
        return path.stat().st_size

    assert size(crf=5) > size() > size(crf=51)
    assert size(preset="ultrafast") != size(preset="slow")
    assert size(preset="draft", crf=5) > size(preset="draft") > size(preset="draft", crf=51)


def test_the_best_quality_plays_in_browsers_too(tmp_path):
    path = encode(tmp_path / "film.mp4", settings=VideoSettings(SIZE, Fraction(30), H264(crf=1)))
    assert "h264 (High) " in decode(path)[0]


FORMATS = ["film.mp4", "film.webm", "film.gif", "film.webp", "frames/%05d.png"]
# How far a patch's color may be off, and on the mean all that is seen.
BOUNDS = {".webm": (4, 2), ".gif": (0, 0), ".webp": (4, 2), ".png": (0, 0)}


def pictures(path):
    """What Pillow finds in a GIF, a WebP or a folder of frames: (F, H, W, 3), seconds of each."""
    files = sorted(path.parent.iterdir()) if path.suffix == ".png" else [path]
    found, seconds = [], []
    for file in files:
        with Image.open(file) as image:
            for index in range(image.n_frames):
                image.seek(index)
                found.append(np.asarray(image.convert("RGB")))
                seconds.append(image.info.get("duration", 0) / 1000)
    return np.stack(found), seconds


@pytest.mark.parametrize("name", FORMATS[1:])
def test_every_format_holds_the_frames(tmp_path, name):
    path = encode(tmp_path / name, settings=settings_for(tmp_path / name, fps=25))
    if path.suffix == ".webm":
        about, decoded = decode(path)
        stream = re.search(r"Stream #0:0.*Video: (.*)", about)[1]
        assert stream.startswith("vp9 (Profile 0)")
        assert re.search(r"yuv420p\(tv, bt709(/bt709/bt709)?(, progressive)?\)", stream)
        assert "25 fps" in stream
        assert "Duration: 00:00:00.24" in about
    else:
        decoded, seconds = pictures(path)
        assert seconds == [0 if path.suffix == ".png" else 0.04] * 6
    wanted = np.stack(list(frames(6))).astype(int)
    assert decoded.shape == wanted.shape
    most, mean = BOUNDS[path.suffix]
    assert np.abs(decoded[:, 32::64, 32::64] - PATCHES).max() <= most
    assert np.abs(decoded - wanted).mean() <= mean
    assert names(tmp_path) == [path.name if path.suffix != ".png" else "frames"]


def test_frames_are_numbered_as_a_film_s(tmp_path):
    path = encode(tmp_path / "100%" / "a %03d: b.png", 11, settings_for(Path("%03d.png")))
    assert names(path.parent) == [f"a {index:03d}: b.png" for index in range(11)]
    np.testing.assert_array_equal(pictures(path)[0], np.stack(list(frames(11))))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_bytes_again(tmp_path, name):
    def written(folder):
        path = encode(tmp_path / folder / name, settings=settings_for(Path(name)))
        return [file.read_bytes() for file in sorted(path.parent.iterdir())]

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = written("a")
    assert written("b") == first
    assert not any(str(tmp_path).encode() in there for there in first)
    assert not any(re.search(rb"Lav[fc]\d", there) for there in first)


@pytest.mark.parametrize(("fps", "hundredths"), [(30, [3, 4, 3]), (50, [2, 2, 2]), (8, [12, 13])])
def test_a_gifs_frames_last_as_long_as_asked_on_the_whole(tmp_path, fps, hundredths):
    path = encode(tmp_path / "film.gif", 9, settings_for(Path("film.gif"), fps))
    seconds = [round(100 * s) for s in pictures(path)[1]]
    assert set(seconds) == set(hundredths)
    assert sum(seconds) == pytest.approx(900 / fps, abs=1)


@pytest.mark.parametrize(("times", "said"), [(0, 0), (1, None), (2, 1), (65535, 65534)])
def test_how_often_a_gif_plays(tmp_path, times, said):
    path = encode(tmp_path / "film.gif", settings=settings_for(Path("film.gif"), loop=times))
    with Image.open(path) as image:  # a GIF says how often it is to be repeated
        assert image.info.get("loop") == said


@pytest.mark.parametrize("times", [0, 1, 3])
def test_how_often_a_webp_plays(tmp_path, times):
    path = encode(tmp_path / "film.webp", settings=settings_for(Path("film.webp"), loop=times))
    with Image.open(path) as image:
        assert image.info["loop"] == times


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", FORMATS)
def test_a_film_of_hardly_a_frame(tmp_path, name, count):
    path = encode(tmp_path / name, count, settings_for(Path(name)))
    if path.suffix in (".mp4", ".webm"):
        assert len(decode(path)[1]) == count
    else:
        assert len(pictures(path)[0]) == count


@pytest.mark.parametrize("name", ["film.gif", "film.webp"])
def test_frames_that_are_alike_count_too(tmp_path, name):
    settings = settings_for(Path(name), fps=10)
    with VideoWriter(tmp_path / name, settings) as writer:
        for _ in range(settings.codec.n_ahead + 5):
            writer.write(raw(next(frames(1)), settings))
    # A WebP holds them as one, that lasts as long.
    assert sum(pictures(tmp_path / name)[1]) == pytest.approx(0 if name == "film.webp" else 0.5)


def test_quality_counts_in_other_formats(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (128, 192, 3), np.uint8)

    def size(name, **chosen):
        settings = settings_for(Path(name), **chosen)
        with VideoWriter(tmp_path / name, settings) as writer:
            writer.write(raw(noise, settings))
        return (tmp_path / name).stat().st_size

    assert size("a.webm", crf=5) > size("a.webm") > size("a.webm", crf=63)
    assert size("a.webp", quality=100) > size("a.webp") > size("a.webp", quality=0)


def test_a_gifs_palette_is_of_the_whole_film(tmp_path):
    """Of a film whose colors come one after the other, each is in it."""
    colors = np.random.default_rng(1).integers(0, 255, (40, 3), np.uint8)
    film = [np.full((128, 192, 3), color, np.uint8) for color in colors]
    settings = settings_for(Path("film.gif"))
    ahead = settings.codec.ahead(40)
    assert (len(ahead), ahead[0], ahead[-1]) == (PALETTE_FRAMES, 0, 39)
    with VideoWriter(tmp_path / "film.gif", settings) as writer:
        for index in [*ahead, *range(40)]:
            writer.write(raw(film[index], settings))
    found = pictures(tmp_path / "film.gif")[0]
    for index in ahead:
        assert np.abs(found[index].astype(int) - colors[index]).max() <= 1


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


NO_RATES = ["", "x", "1/0", "nan", "inf", "30,0", "30/1001/2", "0x10", "1_0", "٣"]


def test_a_frame_rate_that_is_none():
    for text in [*NO_RATES, "1e-9999999", "1e99999999", "9" * 99_999]:
        try:
            said = f"accepted: {parse_fps(text)}"
        except OptionError as error:
            said = str(error)
        shown = repr(text)[:40]
        assert said.startswith(f"fps must be a number such as 30 or 30000/1001, got {shown}")


@pytest.mark.parametrize(
    ("fps", "codec", "message"),
    [
        ("0", H264(), "fps must be above 0 and at most 240, got 0"),
        ("-30", H264(), "got -30"),
        ("241", H264(), "got 241"),
        ("1e400", H264(), "fps must be above 0 and at most 240, got inf"),
        ("60", GIF(), "a GIF's fps must lie within 0.01 to 50, got 60"),
        ("1/200", GIF(), "got 0.005"),
        ("91", WebP(), "a WebP's fps must lie within 0.01 to 90, got 91"),
        ("1e-9", WebP(), "got 1e-09"),
    ],
)
def test_a_rate_out_of_range(fps, codec, message):
    with pytest.raises(OptionError, match=message):
        VideoSettings(SIZE, parse_fps(fps), codec)


NOT_CHOSEN = [
    ("film.mp4", {"crf": 0}, r"crf must lie within 1 \(best\) to 51 \(smallest\), got 0"),
    ("film.mp4", {"crf": -1}, "got -1"),
    ("film.mp4", {"crf": 52}, "got 52"),
    (
        "film.mp4",
        {"preset": "fastest"},
        "preset must be one of film, draft, ultrafast, .*, got 'fastest'",
    ),
    ("film.webm", {"crf": 64}, r"crf must lie within 1 \(best\) to 63 \(smallest\), got 64"),
    ("film.webp", {"quality": -1}, r"must lie within 0 \(smallest\) to 100 \(best\), got -1"),
    ("film.webp", {"quality": 101}, "got 101"),
    ("film.gif", {"loop": -1}, r"loop must lie within 0 \(for ever\) to 65535 .*, got -1"),
    ("film.webp", {"loop": 65536}, "got 65536"),
    ("film.mp4", {"loop": 0}, r"loop is for \.gif, \.webp, not for \.mp4"),
    ("film.GIF", {"crf": 20}, r"crf is for \.mp4, \.mov, \.mkv, \.webm, not for \.gif"),
    ("film.webm", {"preset": "fast"}, r"preset is for \.mp4, \.mov, \.mkv, not for \.webm"),
    ("film.gif", {"quality": 75}, r"quality is for \.webp, not for \.gif"),
    ("%05d.png", {"crf": 20}, r"crf is for .*, not for \.png"),
]


def test_what_cannot_be_chosen():
    wrong = []
    for name, chosen, message in NOT_CHOSEN:
        try:
            said = f"accepted: {codec_for(Path(name), **chosen)}"
        except OptionError as error:
            said = str(error)
        if not re.search(message, said):
            wrong.append((name, chosen, said))
    assert wrong == []


def test_what_is_not_chosen_is_the_codecs_own():
    assert codec_for(Path("film.webp"), quality=None, crf=None) == WebP(quality=75, loop=0)
    assert codec_for(Path("film.webp"), loop=2) == WebP(loop=2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("film.avi", r"must be one of .mp4, .mov, .mkv, .webm, .gif, .webp, or .* got 'film.avi'"),
        ("film", "got 'film'"),
        ("frames/film.png", r"frames such as frames/%05d.png; got 'film.png'"),
        ("frames/%d.png", "must have one number such as %05d, and end in .png; got '%d.png'"),
        ("frames/%05d%05d.png", "must have one number"),
        ("frames/%05D.png", "must have one number"),
        ("frames/100%-%05d.png", "must have one number"),
        ("none/film.mp4", "none does not exist; create it first"),
        ("none/frames/%05d.png", "none does not exist; create it first"),
        ("folder.mp4", "is a folder; name a file"),
        ("file/%05d.png", "file is a file; name a folder for the frames"),
    ],
)
def test_a_path_that_cannot_take_a_video(tmp_path, name, message):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match=message):
        VideoWriter(tmp_path / name, SETTINGS)
    assert names(tmp_path) == ["file", "folder.mp4"]


@pytest.mark.parametrize("name", ["pipe.mp4", "link.mp4"])
def test_a_pipe_is_not_replaced(tmp_path, name):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to("pipe.mp4")
    with pytest.raises(OptionError, match="is a device or a pipe, which is not replaced"):
        VideoWriter(tmp_path / name, SETTINGS)
    assert names(tmp_path) == ["link.mp4", "pipe.mp4"]


def test_a_link_s_target_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "latest.mp4").symlink_to("shared.mp4")
    encode("~/latest.mp4", 3)
    assert names(tmp_path) == ["latest.mp4", "shared.mp4"]
    assert (tmp_path / "latest.mp4").is_symlink()
    assert len(decode(tmp_path / "shared.mp4")[1]) == 3


def test_what_names_a_video():
    names = ["a.mp4", "a.WEBM", "frames/%05d.png", "a.png", "a.svg", "a"]
    assert [names_video(Path(name)) for name in names] == [True, True, True, False, False, False]


def test_ffmpeg_killed_midway(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"precious")
    frame = raw(next(frames(1)))

    def film():
        with VideoWriter(path, SETTINGS) as writer:
            writer.write(frame)
            os.kill(writer.ffmpeg.process.pid, signal.SIGKILL)
            for _ in range(100):
                writer.write(frame)

    with pytest.raises(EncodeError, match="ffmpeg was killed by signal 9; no video was written"):
        film()
    assert names(tmp_path) == ["film.mp4"]
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("name", FORMATS)
def test_ffmpeg_killed_after_the_last_frame(tmp_path, name):
    settings = settings_for(Path(name))

    def film():
        with VideoWriter(tmp_path / name, settings) as writer:
            writer.write(raw(next(frames(1)), settings))
            os.kill(writer.ffmpeg.process.pid, signal.SIGKILL)

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
@pytest.mark.parametrize("name", FORMATS)
def test_an_exception_midway_leaves_nothing(tmp_path, name, error):
    settings = settings_for(Path(name))
    writer = VideoWriter(tmp_path / name, settings)

    def film():
        with writer:
            writer.write(raw(next(frames(1)), settings))
            assert len(names(tmp_path)) == 1
            raise error

    with pytest.raises(error):
        film()
    assert writer.ffmpeg.process.returncode == -signal.SIGKILL
    assert names(tmp_path) == []


def test_ctrl_c_while_ffmpeg_finishes_leaves_nothing(tmp_path):
    def interrupt(signum, frame):
        raise KeyboardInterrupt

    writer = VideoWriter(tmp_path / "film.mp4", SETTINGS)
    before = signal.signal(signal.SIGALRM, interrupt)
    os.kill(writer.ffmpeg.process.pid, signal.SIGSTOP)  # it takes forever now
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt), writer:
            pass
        assert writer.ffmpeg.process.poll() is not None
        assert names(tmp_path) == []
    finally:
        signal.signal(signal.SIGALRM, before)
        writer.abort()


def test_frames_that_got_lost_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(H264, "n_encoded", lambda self, said, fps: 5)
    with pytest.raises(EncodeError, match=r"ffmpeg encoded 5 of 6 frames of film\.mp4"):
        encode(tmp_path / "film.mp4")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", FORMATS[1:])
def test_fewer_frames_than_were_written_are_noticed_in_every_format(tmp_path, name):
    settings = settings_for(Path(name))
    writer = VideoWriter(tmp_path / name, settings)
    for index in [*settings.codec.ahead(6), *range(6)]:
        writer.write(raw(list(frames(6))[index], settings))
    writer.n_written += 1
    with pytest.raises(EncodeError, match="ffmpeg encoded 6 of 7 frames"):
        writer.finish()
    assert names(tmp_path) == []


def test_frames_of_an_earlier_film_are_replaced_only_if_told_to(tmp_path):
    path = tmp_path / "frames" / "%03d.png"
    settings = settings_for(path)
    encode(path, 9, settings)
    # 7.png and 0012.png are no names that %03d gives.
    others = ["notes.txt", "x001.png", "001.png.bak", "cover.png", "7.png", "0012.png"]
    for name in others:
        (path.parent / name).write_text("precious")
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(OptionError, match=r"frames holds frames of an earlier film, 9 of them; re"):
        encode(path, 2, settings)

    def broken():
        with VideoWriter(path, settings, overwrite=True) as writer:
            writer.write(raw(next(frames(1)), settings))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    encode(path, 2, settings, overwrite=True)
    assert names(path.parent) == sorted(["000.png", "001.png", *others])
    assert (path.parent / "cover.png").read_text() == "precious"
    assert names(tmp_path) == ["frames"]


def test_where_an_old_frame_cannot_go_the_old_film_stays(tmp_path, monkeypatch):
    path = tmp_path / "frames" / "%03d.png"
    settings = settings_for(path)
    encode(path, 9, settings)
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    rename = Path.rename

    def refused(self, target):
        if self == path.parent / "004.png":  # as in a folder where only its owner may remove it
            raise PermissionError(1, "Operation not permitted", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(EncodeError, match=r"cannot move the video to .*: Operation not permitted"):
        encode(path, 2, settings, overwrite=True)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    (path.parent / "009.png").mkdir()
    with pytest.raises(
        OptionError, match=r"009\.png is not a file, and stands in the place of a frame"
    ):
        encode(path, 2, settings, overwrite=True)


def test_frames_go_where_there_are_other_files(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").touch()
    monkeypatch.chdir(tmp_path)
    encode(Path("%02d.png"), 2, settings_for(Path("%02d.png")))
    assert names(tmp_path) == ["00.png", "01.png", "notes.txt"]


def test_a_folder_that_came_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "frames" / "%02d.png"
    settings = settings_for(path)

    def film():
        with VideoWriter(path, settings) as writer:
            writer.write(raw(next(frames(1)), settings))
            path.parent.mkdir()
            (path.parent / "00.png").write_text("precious")

    with pytest.raises(EncodeError, match=r"cannot move the video to .*not empty"):
        film()
    assert names(tmp_path) == ["frames"]
    assert (path.parent / "00.png").read_text() == "precious"


@pytest.mark.parametrize("change", [-1, 1])
def test_a_frame_of_the_wrong_size(tmp_path, change):
    def film():
        with VideoWriter(tmp_path / "film.mp4", SETTINGS) as writer:
            writer.write(np.zeros(192 * 128 * 3 // 2 + change, np.uint8))

    with pytest.raises(OptionError, match="must have 36864 bytes, got 3686"):
        film()
    assert names(tmp_path) == []
