"""Joined films in players: ffprobe's opinion of them, and a browser that plays and seeks."""

import base64
import json
import shutil
import subprocess
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from viewers import launched, needs_chromium

from latentviz.video.formats import H264, VP9, VideoSettings
from latentviz.video.segments import write_video

N_FRAMES = 300  # three segments
BITS, SIDE = 9, 32  # each frame has its own number in it: a square for each bit
SIZE = (BITS * SIDE, SIDE)

# Seeks to the middle of a frame, and reads the number that is seen then.
NUMBERS = f"""
const [BITS, SIDE, WIDTH] = [{BITS}, {SIDE}, {SIZE[0]}];
"""

PLAYER = (
    NUMBERS
    + """
const video = document.createElement("video");
const canvas = Object.assign(document.createElement("canvas"), {width: WIDTH, height: SIDE});
const seen = () => {
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.drawImage(video, 0, 0);
  let number = 0;
  for (let k = 0; k < BITS; k++) {
    const [light] = context.getImageData(k * SIDE + SIDE / 2, SIDE / 2, 1, 1).data;
    number += light > 127 ? 2 ** k : 0;
  }
  return number;
};
const heard = (name) => new Promise((done, failed) => {
  video.addEventListener(name, done, {once: true});
  video.addEventListener("error", () => failed(video.error.message), {once: true});
});
window.open_film = async (base64, type) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  video.muted = true;
  video.src = URL.createObjectURL(new Blob([bytes], {type}));
  await heard("loadeddata");
  return video.duration;
};
window.seek = async (time) => {
  const done = heard("seeked");
  // A busy machine shows the frame some time after it has found it.
  const shown = new Promise((drawn) => video.requestVideoFrameCallback(drawn));
  video.currentTime = time;
  await done;
  await Promise.race([shown, new Promise((late) => setTimeout(late, 5000))]);
  return seen();
};
window.play_on = async () => {
  const done = heard("ended");
  await video.play();
  await done;
  return video.currentTime;
};
null;
"""
)


def drawn(order):
    """Frames that have their numbers in them."""
    for number in order:
        lit = [235 if number >> k & 1 else 16 for k in range(BITS)]
        luma = np.tile(np.repeat(np.array(lit, np.uint8), SIDE), SIDE)
        yield np.concatenate([luma, np.full(luma.size // 2, 128, np.uint8)]), number


@pytest.fixture(scope="module", params=["mp4", "webm"])
def film(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / f"film.{request.param}"
    codec = VP9() if request.param == "webm" else H264()
    write_video(path, VideoSettings(SIZE, Fraction(30), codec), N_FRAMES, drawn)
    return path


@needs_chromium
def test_a_browser_plays_it_to_the_end_and_finds_every_place(film):
    with launched() as browser:
        page = browser.new_page()
        page.evaluate(PLAYER)
        content = base64.b64encode(film.read_bytes()).decode()
        kind = f"video/{film.suffix[1:]}"
        duration = page.evaluate("([film, kind]) => open_film(film, kind)", [content, kind])
        assert duration == pytest.approx(N_FRAMES / 30, abs=0.04)
        # The first and the last frame of each segment, and others, back and forth.
        places = [299, 0, 119, 120, 121, 239, 240, 60, 241, 180, 1]
        found = page.evaluate(
            "async (times) => { const f = []; for (const t of times) f.push(await seek(t));"
            " return f; }",
            [(place + 0.5) / 30 for place in places],
        )
        assert found == places
        page.evaluate("seek(7)")
        # A busy machine drops frames, so what is seen at the end says nothing.
        assert page.evaluate("play_on()") == pytest.approx(duration)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe is installed")
def test_ffprobe_finds_even_frames_and_keyframes_where_segments_begin(film):
    entries = "packet=pts,dts,duration,flags:stream=r_frame_rate,avg_frame_rate,nb_read_packets"
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", entries]
    said = subprocess.run(
        [*command, "-of", "json", str(film)], check=True, capture_output=True, text=True
    )
    assert said.stderr == ""
    about = json.loads(said.stdout)
    (stream,) = about["streams"]
    assert (stream["r_frame_rate"], stream["nb_read_packets"]) == ("30/1", str(N_FRAMES))
    packets = about["packets"]
    times = sorted(packet["pts"] for packet in packets)
    assert len(set(times)) == N_FRAMES
    assert all(a["dts"] < b["dts"] for a, b in pairwise(packets))
    spans = set(np.diff(times).tolist())
    if film.suffix == ".mp4":
        assert stream["avg_frame_rate"] == "30/1"
        assert spans == {packet["duration"] for packet in packets} == {512}
    else:
        assert spans <= {33, 34}  # WebM's clock has whole milliseconds
    keys = {packet["pts"] for packet in packets if "K" in packet["flags"]}
    assert {times[k] for k in (0, 120, 240)} <= keys
