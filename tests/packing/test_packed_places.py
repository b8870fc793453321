"""Places as few bytes: how far they are off, and what they look like where little is known."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from by_node import printed

from latentviz import open_run
from latentviz.errors import OptionError
from latentviz.packing.arrays import ArrayTable
from latentviz.packing.places import pack_places
from latentviz.packing.unpacking import unpack_places

RNG = np.random.default_rng(5)
PX = 380.0  # limits of 1


def packed(places, *, px=PX, **options):
    """What places (T, N, k) come to, and what the page makes of it."""
    places = np.asarray(places, np.float32)
    table = ArrayTable()
    pixels = np.broadcast_to(px, places.shape[2:])
    result = pack_places(
        lambda start, stop: places[start:stop], places.shape, pixels, table, **options
    )
    return result, unpack_places(result.places, table.data), table


def error_px(got, places, px=PX):
    """The largest distance over all components, in pixels."""
    apart = (got.astype(float) - np.asarray(places, np.float32)) * px
    return float(np.linalg.norm(apart, axis=2).max())


def assert_within(places, *, most=0.5, px=PX, **options):
    result, got, table = packed(places, px=px, **options)
    assert got.dtype == np.float32
    assert got.shape == np.shape(places)
    assert result.error_px == pytest.approx(error_px(got, places, px), rel=1e-5, abs=1e-9)
    assert result.error_px <= most
    assert result.kept is None
    assert result.n_bytes == table.n_bytes
    return result


def smooth(T=300, N=40, k=3, rank=4):
    """A motion of low rank."""
    times = np.sin(np.arange(T)[:, None] / RNG.uniform(20, 90, rank) + RNG.uniform(0, 6, rank))
    return (times @ RNG.normal(0, 0.3, (rank, N * k))).reshape(T, N, k)


def random_walk(T=400, N=30, k=3):
    return RNG.normal(0, 0.01, (T, N, k)).cumsum(axis=0) + RNG.uniform(-1, 1, (N, k))


def jumping(T=200, N=50, k=2):
    """Each point stands, and jumps now and then to somewhere else: no SVD is small."""
    places = RNG.uniform(-1, 1, (T, N, k))
    for t in range(1, T):
        stay = RNG.random(N) < 0.97
        places[t, stay] = places[t - 1, stay]
    return places


def test_smooth_motion_is_an_svd():
    places = smooth()
    result = assert_within(places)
    assert result.way == "svd"
    assert result.places["rank"] <= 6
    assert result.n_bytes < places.size / 10  # a tenth of a byte for each number


def test_a_real_run(short_run):
    with open_run(short_run) as run:
        places = run.latents()
    result = assert_within(places)
    assert result.n_bytes < places.size / 4


def test_jumping_points_are_differences():
    assert assert_within(jumping()).way == "deltas"


@pytest.mark.parametrize("most", [0.05, 0.5, 2.0])
def test_a_random_walk_keeps_the_bound(most):
    result = assert_within(random_walk(), most_px=most, most=most)
    assert result.error_px > 0.5 * most  # the bound is made use of


def test_a_larger_error_takes_fewer_bytes():
    places = smooth() + RNG.normal(0, 0.001, (300, 40, 3))
    sizes = [packed(places, most_px=most)[0].n_bytes for most in (0.1, 0.5, 2.5)]
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize("places", [jumping(k=3), smooth()], ids=["deltas", "svd"])
def test_each_component_counts_by_its_own_pixels(places):
    px = np.array([10, 380, 3000])
    assert_within(places, px=px)


@pytest.mark.parametrize("k", [1, 2, 5, 16])
def test_any_number_of_components(k):
    assert_within(smooth(60, 10, k))
    assert_within(jumping(60, 10, k))


def outlier(far):
    places = smooth(50, 9, 2)
    places[20, 4, 1] = far
    return places


HOSTILE = {
    "one step": RNG.normal(size=(1, 30, 3)),
    "one step and point": RNG.normal(size=(1, 1, 1)),
    "one point": RNG.normal(size=(200, 1, 3)),
    "two steps": RNG.normal(size=(2, 20, 4)),
    "all points equal": np.repeat(RNG.normal(size=(80, 1, 3)), 20, axis=1),
    "all points at the origin": np.zeros((30, 7, 3)),
    "all at 7": np.full((30, 7, 3), 7.25),
    "constant in time": np.repeat(RNG.normal(size=(1, 20, 3)), 80, axis=0),
    "noise": RNG.normal(size=(70, 20, 3)),
    "an outlier of 1e4": outlier(1e4),
    "an outlier of 1e6": outlier(1e6),
    "an outlier of -1e9": outlier(-1e9),
    "an outlier of 1e30": outlier(1e30),
    "an outlier of the largest float32": outlier(np.finfo(np.float32).max),
    "far off": smooth(50, 9, 2) + 1e6,
    "not so far off": smooth(50, 9, 2) + 3e4,
    "tiny": smooth(50, 9, 2) * 1e-30,
    "denormal": np.full((5, 3, 2), 1e-44),
    "more steps than numbers": RNG.normal(0, 0.01, (3000, 1, 2)).cumsum(axis=0),
    "one step stands out": np.where(np.arange(100)[:, None, None] == 50, 1, 0.01)
    * RNG.normal(size=(100, 30, 3)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_places_keep_the_bound(name):
    assert_within(HOSTILE[name])


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("most_exact", [0, 2500], ids=["sampled", "in blocks"])
def test_what_is_not_held_in_memory_keeps_the_bound(name, most_exact, monkeypatch):
    monkeypatch.setattr("latentviz.packing.steps.HELD_BYTES", 0)
    monkeypatch.setattr("latentviz.packing.steps.BLOCK_BYTES", 9000)
    monkeypatch.setattr("latentviz.packing.svd.MOST_EXACT", most_exact)
    assert_within(HOSTILE[name])


def test_a_basis_of_some_steps_learns_of_the_others(monkeypatch):
    monkeypatch.setattr("latentviz.packing.steps.HELD_BYTES", 0)
    monkeypatch.setattr("latentviz.packing.svd.MOST_EXACT", 0)
    monkeypatch.setattr("latentviz.packing.decomposition.MOST_SAMPLE", 40)
    monkeypatch.setattr("latentviz.packing.svd.FEWER_BYTES", 10_000)
    places = smooth(900, 50)
    # Between two of the sampled steps, all points go somewhere else for a while.
    places[460:466] += np.sin(np.arange(6) / 2)[:, None, None] * RNG.normal(0, 0.5, (1, 50, 3))
    result = assert_within(places)
    assert result.way == "svd"
    assert result.places["rank"] <= 8


def test_a_basis_of_some_steps_takes_about_as_much_as_one_of_all(monkeypatch):
    places = smooth(3000, 60, rank=12) + RNG.normal(0, 0.0002, (3000, 60, 3))
    at_hand = assert_within(places)
    monkeypatch.setattr("latentviz.packing.steps.HELD_BYTES", 0)
    monkeypatch.setattr("latentviz.packing.svd.MOST_EXACT", 0)
    monkeypatch.setattr("latentviz.packing.decomposition.MOST_SAMPLE", 30)
    monkeypatch.setattr("latentviz.packing.svd.FEWER_BYTES", 10_000)
    result = assert_within(places)
    assert at_hand.way == result.way == "svd"
    assert result.n_bytes < 2 * at_hand.n_bytes


def test_numbers_far_off_are_floats():
    result, *_ = packed(outlier(1e9))
    assert {ref["dtype"] for ref in result.places["chunks"]} == {"f64"}
    result, *_ = packed(outlier(1e6))
    assert {ref["dtype"] for ref in result.places["chunks"]} == {"i32"}


def test_the_last_step_of_a_chunk_that_is_not_full(monkeypatch):
    monkeypatch.setattr("latentviz.packing.deltas.CHUNK_BYTES", 1700)  # 800 bytes a step
    places = RNG.normal(size=(5, 100, 2))
    result = assert_within(places)
    assert [ref["shape"][0] for ref in result.places["chunks"]] == [2, 2, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_places_that_are_not_finite_are_refused(bad):
    places = smooth()
    places[100:, 3, 0] = bad
    with pytest.raises(OptionError, match=r"a point is NaN or infinite, from step 1000 on; "):
        packed(places, name_step=lambda index: f"step {10 * index}")
    places[200:, 5:9, 1] = np.nan
    places[250, 0, 1] = -np.inf
    places[250, 1, 1] = np.inf
    with pytest.raises(OptionError, match=r"7 of 40 points are NaN or infinite, from index 100 on"):
        packed(places)


def test_steps_are_read_in_order_and_within_bounds():
    places = smooth()
    passes = []

    def read(start, stop):
        if start == 0:
            passes.append([])
        passes[-1].append((start, stop))
        return places[start:stop].astype(np.float32)

    pack_places(read, places.shape, np.full(3, PX), ArrayTable())
    for calls in passes:
        assert all(0 <= start < stop <= 300 for start, stop in calls)
        assert calls == sorted(calls)
    assert len(passes) == 1  # so few are held in memory


def test_progress_grows_to_the_end():
    told = []
    packed(random_walk(), progress=lambda done, total: told.append((done, total)))
    done = [d for d, _ in told]
    assert done == sorted(set(done))
    assert {total for _, total in told} == {done[-1]}
    assert len(done) > 5


def test_the_same_places_are_the_same_bytes():
    for places in (jumping(), smooth(), random_walk()):
        first, _, table = packed(places)
        again, _, table_again = packed(places)
        assert table.data == table_again.data
        assert first.places == again.places
        assert first.error_px == again.error_px


def test_threads_of_blas_change_nothing():
    script = """
import hashlib, sys
import numpy as np
from threadpoolctl import threadpool_limits
from latentviz.packing.arrays import ArrayTable
from latentviz.packing.places import pack_places
rng = np.random.default_rng(0)
times = np.sin(np.arange(500)[:, None] / rng.uniform(5, 90, 40))
places = (times @ rng.normal(0, 0.1, (40, 240))).reshape(500, 80, 3).astype(np.float32)
for n in (1, 2):
    with threadpool_limits(n):
        table = ArrayTable()
        packed = pack_places(lambda a, b: places[a:b], places.shape, [380.0] * 3, table)
        assert packed.way == "svd"
        print(packed.error_px, hashlib.sha256(table.data).hexdigest())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2], env={"OMP_NUM_THREADS": "2", "PATH": ""},
    )  # fmt: skip
    one, two = done.stdout.splitlines()
    assert one == two


def evenly(T):
    return lambda n: np.unique(np.linspace(0, T - 1, n).round().astype(np.int64))


@pytest.mark.parametrize(
    ("places", "share"), [(RNG.uniform(-1, 1, (200, 50, 2)), 0.5), (random_walk(), 0.4)]
)
def test_steps_are_left_out_where_there_is_no_room(places, share):
    T = len(places)
    whole, *_ = packed(places)
    room = int(share * whole.n_bytes)
    asked = []

    def keep(n):
        asked.append(n)
        return evenly(T)(n)

    result, got, table = packed(places, max_bytes=room, keep=keep)
    assert all(2 <= n < T for n in asked)
    assert result.n_bytes == table.n_bytes <= room
    assert result.n_bytes > 0.85 * room
    assert 0.1 * T < len(result.kept) < T
    assert any(np.array_equal(result.kept, evenly(T)(n)) for n in asked)
    assert result.error_px == pytest.approx(error_px(got, places[result.kept]), rel=1e-5, abs=1e-9)
    assert result.error_px <= 0.5


def test_no_steps_are_left_out_where_there_is_room():
    places = jumping()
    whole, *_ = packed(places)
    result, *_ = packed(places, max_bytes=whole.n_bytes, keep=evenly(len(places)))
    assert result.kept is None
    assert result.n_bytes == whole.n_bytes


def test_no_room_for_two_steps():
    with pytest.raises(OptionError, match=r"two steps take about .* room for 100; give .* larger"):
        packed(jumping(), max_bytes=100, keep=evenly(200))
    with pytest.raises(OptionError, match=r"all steps take about"):
        packed(jumping(), max_bytes=100)
    with pytest.raises(OptionError, match=r"all steps take about"):
        packed(jumping()[:1], max_bytes=100, keep=evenly(1))


@pytest.mark.parametrize(
    ("shape", "px", "most"), [((0, 2, 2), [1, 1], 0.5), ((1, 2, 2), [1], 0.5),
                              ((1, 2, 2), [1, 0], 0.5), ((1, 2, 2), [1, np.inf], 0.5),
                              ((1, 2, 2), [1, 1], 0)],
)  # fmt: skip
def test_what_makes_no_sense(shape, px, most):
    with pytest.raises(ValueError, match=r"expected|pixels"):
        pack_places(lambda a, b: np.zeros(shape), shape, px, ArrayTable(), most_px=most)


READ = """
import { openPlaces } from "VIEWER/places.js";
const { places, data } = given;
const bytes = new Uint8Array(Buffer.from(data, "base64"));
const reader = await openPlaces(bytes, places);
const [T, N, k] = reader.shape;
"""


def in_the_page(places, table, script, **given):
    data = base64.b64encode(table.data).decode()
    return json.loads(printed(READ + script, given={"places": places, "data": data, **given}))


@pytest.mark.parametrize(
    ("places", "way"),
    [(smooth(), "svd"), (jumping(), "deltas"), (outlier(1e6), "deltas"), (outlier(1e30), "deltas"),
     (HOSTILE["constant in time"], None), (HOSTILE["one step and point"], None)],
)  # fmt: skip
def test_the_page_reads_the_same(places, way):
    result, got, table = packed(places)
    assert way in (None, result.way)
    read = in_the_page(
        result.places,
        table,
        """
await reader.load(0, T);
const all = [];
for (let t = 0; t < T; t++) all.push(...reader.read(t));
console.log(JSON.stringify({
  all, shape: reader.shape, svd: reader.svd ? reader.svd.rank : null,
  scale: [...reader.scale], origin: [...reader.origin],
}));
""",
    )
    assert read["shape"] == list(places.shape)
    assert read["svd"] == result.places.get("rank")
    in_page = np.array(read["all"]).reshape(places.shape)
    if result.way == "deltas":
        assert np.array_equal(in_page.astype(np.float32), got)
    else:
        assert np.abs(in_page - got).max() * PX < 1e-3
    assert error_px(in_page, places) <= 0.5


def test_chunks_are_inflated_when_they_are_needed(monkeypatch):
    monkeypatch.setattr("latentviz.packing.deltas.CHUNK_BYTES", 1700)
    places = RNG.normal(size=(5, 100, 2))
    result, got, table = packed(places)
    read = in_the_page(
        result.places,
        table,
        """
const log = [];
const loaded = () => log.push([0, 1, 2, 3, 4].map((t) => reader.isLoaded(t, t + 1)));
const fails = (act) => { try { act(); return ""; } catch (error) { return error.message; } };
loaded();
log.push(fails(() => reader.read(3)));
await reader.load(3, 4);
loaded();
const twice = [reader.load(0, 1), reader.load(0, 2)];
await Promise.all(twice);
loaded();
log.push(reader.isLoaded(0, 4), reader.isLoaded(1, 5), reader.isLoaded(2, 2));
const out = new Float32Array(N * k);
log.push(reader.read(3, out) === out, out[0], out.at(-1), reader.read(3)[0]);
out[0] = 77;
log.push(reader.read(3)[0]);
log.push(fails(() => reader.isLoaded(0, 6)));
console.log(JSON.stringify(log));
""",
    )
    assert read[:4] == [
        [False] * 5,
        "Step 3 is not loaded",
        [False, False, True, True, False],
        [True, True, True, True, False],
    ]
    first, last = float(got[3].ravel()[0]), float(got[3].ravel()[-1])
    assert read[4:] == [
        *(True, False, True),
        *(True, first, last, first, first),
        "Steps 0 to 6 are not all of the 5 steps",
    ]


def test_what_is_inflated_is_let_go():
    # 40 MB a chunk of one step: 256 MB hold 6 of them.
    table = ArrayTable()
    chunk = table.add(np.zeros((1, 10 * 2**20), np.int32), delta=True)
    unit = table.add(np.ones(1))
    places = {"way": "deltas", "shape": [7, 10 * 2**20, 1], "chunks": [chunk] * 7}
    read = in_the_page(
        {**places, "scale": unit, "origin": unit},
        table,
        """
for (let t = 0; t < T; t++) {
  await reader.load(t, t + 1);
  if (t === 4) reader.read(0);
}
const loaded = [];
for (let t = 0; t < T; t++) loaded.push(reader.isLoaded(t, t + 1));
console.log(JSON.stringify(loaded));
""",
    )
    assert read == [True, False, True, True, True, True, True]


def test_a_live_recording_appends_steps():
    places = jumping()
    result, got, table = packed(places[:150])
    more, got_more, more_table = packed(places[150:])
    data = list(more_table.data)
    read = in_the_page(
        result.places,
        table,
        """
const { more, moreData } = given;
for (const ref of more.chunks) reader.append(new Uint8Array(moreData), ref);
await reader.load(0, reader.shape[0]);
let error = "";
const narrow = { ...more.chunks[0], shape: [1, 3] };
try { reader.append(new Uint8Array(moreData), narrow); } catch (e) { error = e.message; }
console.log(JSON.stringify([reader.shape, [...reader.read(149)], [...reader.read(199)], error]));
""",
        more=more.places,
        moreData=data,
    )
    assert read[0] == [200, 50, 2]
    assert np.array_equal(np.float32(read[1]), got[-1].ravel())
    assert np.array_equal(np.float32(read[2]), got_more[-1].ravel())
    assert read[3] == "Steps that follow have 100 numbers each, got 3"


def test_what_steps_are_to_follow_is_differences():
    places = smooth()
    assert packed(places)[0].way == "svd"
    result, got, _ = packed(places, appendable=True)
    assert result.way == "deltas"
    assert error_px(got, places) <= 0.5
    most = result.n_bytes // 3
    keep = lambda n: np.unique(np.linspace(0, len(places) - 1, n).astype(int))  # noqa: E731
    result, got, _ = packed(places, appendable=True, max_bytes=most, keep=keep)
    assert result.way == "deltas"
    assert result.n_bytes <= most
    assert error_px(got, places[result.kept]) <= 0.5
