"""A film's segments, and how they are joined."""

from fractions import Fraction

import numpy as np
import pytest
from films import packets, parameter_sets, pixels

from latentviz.errors import EncodeError
from latentviz.video.formats import H264, VP9, VideoSettings
from latentviz.video.parts import Parts, passing_folder
from latentviz.video.segments import (
    SEGMENT_FRAMES,
    Segment,
    join_segments,
    segments_of,
    write_segments,
    write_video,
)

SIZE = (64, 48)
N_BYTES = 64 * 48 * 3 // 2


def drawn(order):
    """A frame of noise for each number, and the number."""
    for number in order:
        noise = np.random.default_rng(number).integers(16, 235, N_BYTES, dtype=np.uint8)
        yield noise, number


def test_segments_by_hand():
    assert segments_of(1) == (Segment(0, range(1), 0),)
    assert segments_of(120) == (Segment(0, range(120), 0),)
    assert segments_of(121) == (Segment(0, range(120), 0), Segment(1, range(120, 121), 0))
    # The last frame comes again: within its segment, and in others that have no other.
    assert segments_of(121, 300) == (
        *(Segment(0, range(120), 0), Segment(1, range(120, 121), 119)),
        *(Segment(2, range(120, 121), 119), Segment(3, range(120, 121), 60)),
    )
    assert segments_of(119, 2) == (Segment(0, range(119), 1), Segment(1, range(118, 119), 0))


@pytest.mark.parametrize("n_frames", [1, 119, 120, 121, 500])
@pytest.mark.parametrize("n_repeats", [0, 1, 45, 240])
def test_segments_hold_every_frame_once(n_frames, n_repeats):
    shown = []
    for segment in segments_of(n_frames, n_repeats):
        shown += [*segment.frames, *[segment.frames[-1]] * segment.n_repeats]
        assert len(segment) <= SEGMENT_FRAMES
    assert shown == [*range(n_frames), *[n_frames - 1] * n_repeats]


@pytest.mark.parametrize(
    ("name", "fps"),
    [
        *[("film.mp4", fps) for fps in ("30", "30000/1001", "7", "60")],
        *[("film.mov", "24000/1001"), ("film.mkv", "30000/1001"), ("film.mkv", "7")],
        ("film.webm", "30"),
    ],
)
def test_a_joined_film_is_its_segments(tmp_path, name, fps):
    codec = VP9() if name.endswith("webm") else H264(preset="ultrafast")
    settings = VideoSettings(SIZE, Fraction(fps), codec)
    path, told, kept = tmp_path / name, [], []
    with passing_folder(path) as folder:
        parts = Parts(folder, "key", codec.segment_suffix)
        segments = segments_of(250, 20)
        write_segments(segments, settings, parts, drawn, written=told.append)
        join_segments(path, settings, segments, parts)
        kept = [pixels(parts[k]) for k in range(3)]
    assert told == list(range(250))
    assert pixels(path) == b"".join(kept)
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == [path]

    base, decoding, showing, durations = packets(path)
    assert len(showing) == 270
    assert decoding == sorted(set(decoding))
    spans = set(np.diff(showing).tolist())
    if name.endswith((".mp4", ".mov")):
        # One constant duration, to the last bit.
        assert spans == set(durations) == {1 / (base * settings.fps)}
    else:
        # Matroska's clock has whole milliseconds: each time is the nearest one, and none drifts.
        exact = [float(k / settings.fps / base) for k in range(270)]
        start = showing[0]
        assert max(abs(t - start - e) for t, e in zip(showing, exact, strict=True)) <= 1


def test_all_segments_have_the_same_headers(tmp_path):
    settings = VideoSettings(SIZE, Fraction(30), H264())
    write_video(tmp_path / "film.mp4", settings, 250, drawn)
    assert len(parameter_sets(tmp_path / "film.mp4")) == 1


def test_a_film_does_not_depend_on_the_order_of_its_segments(tmp_path):
    settings, films = VideoSettings(SIZE, Fraction(30)), []
    for name, turn in (("a", 1), ("b", -1)):
        path, segments = tmp_path / f"{name}.mp4", segments_of(300)
        with passing_folder(path) as folder:
            parts = Parts(folder, "key", ".mp4")
            for segment in segments[::turn]:
                write_segments([segment], settings, parts, drawn)
            join_segments(path, settings, segments, parts)
        films.append(path.read_bytes())
    assert films[0] == films[1]


@pytest.fixture
def parts(tmp_path):
    """A folder with the three segments of a film; each has noted its frames."""
    folder = tmp_path / "parts"
    folder.mkdir()
    made = Parts(folder, "abc", ".mp4")
    settings = VideoSettings(SIZE, Fraction(30), H264(preset="ultrafast"))
    write_segments(segments_of(250), settings, made, drawn, noted=str)
    return made


def found_in(parts):
    again = Parts(parts.folder, parts.key, parts.suffix)
    again.look()
    return [k for k in range(3) if k in again]


def test_segments_are_found_again(parts):
    assert found_in(parts) == [0, 1, 2]
    again = Parts(parts.folder, "abc", ".mp4")
    again.look()
    assert again.notes(1) == [str(k) for k in range(120, 240)]


def test_of_another_film_none_is_found(parts):
    assert found_in(Parts(parts.folder, "abd", ".mp4")) == []
    assert found_in(parts) == [0, 1, 2]


@pytest.mark.parametrize("harm", ["a bit", "cut off", "empty", "its notes"])
def test_a_damaged_segment_is_not_found_and_gone(parts, harm):
    path = parts[1]
    content = bytearray(path.read_bytes())
    if harm == "a bit":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif harm == "cut off":
        path.write_bytes(content[:-1])
    elif harm == "empty":
        path.write_bytes(b"")
    else:
        path.with_suffix(".txt").write_text("0\n")
    assert found_in(parts) == [0, 2]
    assert not path.exists()


def test_what_comes_from_elsewhere_is_whole_or_refused(parts, tmp_path):
    here = Parts(tmp_path / "here", "abc", ".mp4")
    here.folder.mkdir()
    name, content, notes = parts[1].name, parts[1].read_bytes(), parts.notes(1)
    for odd in (
        (name, content[:-1], notes),
        (name, content, ["0"]),
        (f"../{name}", content, notes),
    ):
        with pytest.raises(EncodeError, match="segment 1 came damaged from its worker"):
            here.receive(1, *odd)
        assert found_in(here) == []
    here.receive(1, name, content, notes)
    assert found_in(here) == [1]
    assert here.notes(1) == notes
    assert not list(tmp_path.glob("*.mp4"))


def test_what_is_cleared_is_only_ours(parts):
    other = parts.folder / "notes of mine.txt"
    other.write_text("mine")
    parts.clear()
    assert list(parts.folder.iterdir()) == [other]
    other.unlink()
    parts.clear()
    assert not parts.folder.exists()


def test_an_encoder_that_fails_leaves_those_that_were_finished(tmp_path):
    def failing(order):
        for number, (frame, known) in enumerate(drawn(order)):
            if number == 200:
                raise EncodeError("no more")
            yield frame, known

    settings = VideoSettings(SIZE, Fraction(30), H264(preset="ultrafast"))
    parts = Parts(tmp_path, "abc", ".mp4")
    with pytest.raises(EncodeError, match="no more"):
        write_segments(segments_of(250), settings, parts, failing)
    assert [path.name.split("-")[1] for path in tmp_path.iterdir()] == ["000000"]
    assert found_in(parts) == [0]
