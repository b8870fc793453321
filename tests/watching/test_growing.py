"""Following a recording: what is whole of it, and what has become of it."""

import os

import numpy as np
import pytest

from latentviz import ArchiveError, open_run
from latentviz.archive import ArchiveWriter
from latentviz.archive import format as f
from latentviz.archive import schema as s
from latentviz.archive.salvage import Salvager, reader_of, salvage
from latentviz.watching.growing import QUIET_S, Growing, State

N, D = 5, 3


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def latents(step):
    """(N, D), another at each step."""
    return np.random.default_rng(step).normal(size=(N, D)).astype(np.float32)


@pytest.fixture
def begin():
    """Makes writers of runs, with headers; they are closed in the end."""
    writers = []

    def begun(path, **options):
        writers.append(begun_writer(path, **options))
        return writers[-1]

    yield begun
    for writer in writers:
        writer.abandon(keep=True)


def begun_writer(path, **options):
    writer = ArchiveWriter(path, **options)
    header = {
        "format": f.FORMAT, "model": None, "layer": "encoder", "seed": None,
        "keyframes": {}, "phases": [], "versions": {},
    }  # fmt: skip
    writer.add(s.HEADER, f.json_array(header))
    writer.sync()
    return writer


def add(writer, steps):
    number = writer.n_chunks
    steps = np.array(steps)
    writer.add_chunk(
        steps,
        [
            (s.latents_member(number, "encoder"), np.stack([latents(k) for k in steps])),
            (s.curve_member(s.LOSSES, number, "loss"), 1.0 / (1 + steps)),
        ],
    )


def finish(writer):
    writer.add(s.final_member(s.LATENTS, "encoder"), latents(999))
    writer.add(s.final_member(s.LOSSES, "loss"), np.array(0.125))
    writer.add_manifest()
    writer.finish()


def check(run, steps):
    assert run.steps.tolist() == steps
    assert np.array_equal(run.latents(run.steps), np.stack([latents(k) for k in steps]))
    assert run.losses["loss"].tolist() == [1 / (1 + k) for k in steps]


def test_chunks_are_found_as_they_come(tmp_path, begin):
    path, clock = tmp_path / "run.npz", Clock()
    growing = Growing(path, clock=clock)
    assert growing.look() is State.WAITING
    writer = begin(path)
    assert (growing.look(), growing.n_chunks) == (State.WAITING, 0)
    add(writer, [0, 1, 2])
    assert growing.look() is State.RECORDING
    add(writer, [3, 4])
    add(writer, [6])
    assert growing.look() is State.RECORDING
    assert (growing.n_chunks, growing.n_steps, growing.last_step) == (3, 6, 6)
    with growing.run(0, 3) as run:
        check(run, [0, 1, 2, 3, 4, 6])
        assert (run.name, run.has_final) == ("run", False)
    with growing.run(1, 3) as run:
        check(run, [3, 4, 6])
    add(writer, [7])
    finish(writer)
    assert growing.look() is State.FINISHED
    assert growing.counts(2, 4) == [1, 1]
    assert [growing.ends_at(stop) for stop in (3, 4)] == [False, True]
    with growing.run(3, 4) as run:
        assert not run.has_final
    with growing.run(3, 4, whole=True) as run:
        check(run, [7])
        assert run.final_losses == {"loss": 0.125}
        assert np.array_equal(run.final_latents(), latents(999))
    with growing.run(0, 4) as run, open_run(path) as whole:
        check(run, whole.steps.tolist())


def test_what_is_written_meanwhile_does_not_count(tmp_path, begin):
    path = tmp_path / "run.npz"
    writer = begin(path)
    growing = Growing(path)
    sizes = []
    for steps in ([0, 1], [2], [3, 4, 5]):
        add(writer, steps)
        sizes.append(writer.part.stat().st_size)
    data = writer.part.read_bytes()
    writer.abandon(keep=False)
    found = []
    for size in range(1, len(data) + 1, 7):
        with writer.part.open("ab") as file:
            file.write(data[file.tell() : size])
        growing.look()
        found.append(growing.n_chunks)
        assert growing.n_chunks == sum(size >= at for at in sizes)
    assert sorted(set(found)) == [0, 1, 2]


def test_it_stops_where_nobody_writes_it(tmp_path, begin):
    path, clock = tmp_path / "run.npz", Clock()
    writer = begin(path)
    add(writer, [0])
    growing = Growing(path, clock=clock)
    assert growing.look() is State.RECORDING
    clock.now += 2 * QUIET_S
    assert growing.look() is State.RECORDING  # the recorder has it locked
    writer.abandon(keep=True)
    assert growing.look() is State.STOPPED
    with growing.run(0, 1) as run:
        check(run, [0])
    assert growing.look() is State.STOPPED


def test_another_recording_in_its_place(tmp_path, begin):
    path = tmp_path / "run.npz"
    writer = begin(path)
    add(writer, [0])
    growing = Growing(path)
    growing.look()
    writer.abandon(keep=True)
    again = begin(path, overwrite=True)
    assert growing.look() is State.REPLACED
    add(again, [10, 11])
    assert growing.look() is State.REPLACED
    other = Growing(path)
    assert (other.look(), other.last_step) == (State.RECORDING, 11)
    finish(again)
    assert other.look() is State.FINISHED
    begin(path, overwrite=True)
    assert other.look() is State.REPLACED


def test_a_file_of_the_same_length_is_another(tmp_path, begin):
    path = tmp_path / "run.npz"
    writer = begin(path)
    add(writer, [0])
    growing = Growing(path)
    growing.look()
    size = writer.part.stat().st_size
    writer.abandon(keep=True)
    again = begin(path, overwrite=True)
    add(again, [1])
    assert writer.part.stat().st_size >= size - 2
    os.truncate(writer.part, max(size, writer.part.stat().st_size))
    assert growing.look() is State.REPLACED


def test_it_is_gone_when_removed(tmp_path, begin):
    path = tmp_path / "run.npz"
    writer = begin(path)
    add(writer, [0])
    growing = Growing(path)
    growing.look()
    writer.part.unlink()
    assert growing.look() is State.GONE
    with pytest.raises(ArchiveError, match="removed"):
        growing.run(0, 1)
    begin(path)
    assert growing.look() is State.REPLACED


def test_the_archive_or_the_recording_that_replaces_it(tmp_path, begin):
    path = tmp_path / "run.npz"
    writer = begin(path)
    add(writer, [0])
    finish(writer)
    old = Growing(path)
    assert (old.look(), old.last_step) == (State.FINISHED, 0)
    again = begin(path, overwrite=True)
    add(again, [5])
    os.utime(path, ns=(0, 0))
    growing = Growing(path)
    assert (growing.look(), growing.last_step) == (State.RECORDING, 5)
    # What was left of a recording from which the archive was saved.
    again.abandon(keep=True)
    os.utime(again.part, ns=(0, 0))
    os.utime(path, ns=(9, 9))
    assert Growing(path).look() is State.FINISHED
    assert Growing(again.part).look() is State.RECORDING


def test_what_is_no_recording_is_refused(tmp_path):
    for name, content, message in (
        ("a.npz", b"STEP,lr\n0,1\n", "dopesheet"),
        ("b.npz", b"something else", "not a readable recording: not even its header is whole"),
    ):
        (tmp_path / f"{name}.part").write_bytes(content)
        with pytest.raises(ArchiveError, match=message):
            Growing(tmp_path / name).look()
    (tmp_path / "c.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(ArchiveError, match=r"c\.npz is not a readable run archive"):
        Growing(tmp_path / "c.npz").look()
    with pytest.raises(ArchiveError, match=r"ends in \.npz"):
        Growing(tmp_path / "run.zip")
    with pytest.raises(ArchiveError, match="folder"):
        Growing(tmp_path / "missing" / "run.npz")


@pytest.mark.parametrize("thorough", [True, False])
def test_going_on_finds_what_a_walk_from_the_front_finds(tmp_path, begin, thorough):
    path = tmp_path / "run.npz"
    writer = begin(path)
    reads = []
    with writer.part.open("rb") as file:
        read = reader_of(file.fileno())

        def counted(offset, count):
            reads.append(offset)
            return read(offset, count)

        salvager = Salvager(counted, thorough=thorough)
        for steps in ([0], [1, 2], [3]):
            add(writer, steps)
            size = writer.part.stat().st_size
            reads.clear()
            before = salvager.end
            assert salvager.advance(size) == salvage(read, size)
            assert min(reads) >= before  # not from the front
        finish(writer)
        size = path.stat().st_size
        assert salvager.advance(size) == salvage(read, size)


def test_damage_is_found_where_it_is_read(tmp_path, begin):
    path = tmp_path / "run.npz"
    writer = begin(path)
    add(writer, [0])
    add(writer, [1])
    writer.abandon(keep=True)
    growing = Growing(path)
    growing.look()
    data = bytearray(writer.part.read_bytes())
    at = data.index(b"latents/000001/encoder.npy") + 60
    data[at] ^= 255
    writer.part.write_bytes(data)
    with growing.run(1, 2) as run, pytest.raises(ArchiveError, match="damaged"):
        run.latents(run.steps)
    # Whoever walks it thoroughly finds less.
    with writer.part.open("rb") as file:
        read = reader_of(file.fileno())
        assert salvage(read, len(data)).n_steps == 1
        assert Salvager(read, thorough=False).advance(len(data)).n_steps == 2
