"""Recordings that were cut off: at every byte, by kill -9, and by a power cut."""

import os
import random
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from latentviz import ArchiveError, IncompleteRunWarning, open_run, recover
from latentviz.archive import ArchiveReader, ArchiveWriter
from latentviz.archive import format as f
from latentviz.archive import schema as s
from latentviz.archive.deflate import inflate
from latentviz.archive.destination import open_alone
from latentviz.archive.salvage import salvage

K = 3
HEADER = {
    "format": f.FORMAT, "model": None, "layer": "0", "seed": 7, "keyframes": {}, "phases": [],
    "versions": {},
}  # fmt: skip


def steps_of(chunk):
    return np.arange(K) + chunk * K


def arrays_of(chunk):
    """What is in a chunk beside its steps; the states hold their numbers."""
    steps = steps_of(chunk)
    return {
        s.state_member(chunk, "w"): np.stack([np.full((2, 5), n, np.float32) for n in steps]),
        s.curve_member(s.LOSSES, chunk, "loss"): steps / 10,
    }


def contents_of(chunk):
    return {s.steps_member(chunk): steps_of(chunk), **arrays_of(chunk)}


def write_chunk(writer):
    writer.add_chunk(steps_of(writer.n_chunks), arrays_of(writer.n_chunks).items())


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A recording of 3 chunks that was never closed: its bytes, and where each chunk ends."""
    path = tmp_path_factory.mktemp("recording") / "run.npz"
    writer = ArchiveWriter(path)
    writer.add(s.HEADER, f.json_array(HEADER))
    writer.add(s.probe_member(), np.zeros((2, 3), np.float32))
    writer.sync()
    ends = []
    for _ in range(3):
        write_chunk(writer)
        ends.append(writer.part.stat().st_size)
    writer.abandon(keep=True)
    return writer.part.read_bytes(), ends


def salvaged(data):
    def read_at(offset, count):
        return data[offset : offset + count]

    return salvage(read_at, len(data), max_bytes=1 << 20)


def held(data, m):
    """The array of a member, as a file holds it."""
    start = m.offset + f.LOCAL_HEADER.size + len(f.stored_name(m.name) + ".npy")
    packed = data[start : start + m.compressed]
    return f.array_from_npy(packed if m.method == f.STORED else inflate(packed, m.size), m.name)


def test_cut_off_at_every_byte_it_gives_exactly_the_chunks_that_are_whole(recording):
    data, ends = recording
    whole = salvaged(data)
    header_end = next(m.offset for m in whole.members.values() if m.name == s.probe_member())
    for size in range(len(data) + 1):
        if size < header_end:
            with pytest.raises(ArchiveError, match="not even its header is whole"):
                salvaged(data[:size])
            continue
        found = salvaged(data[:size])
        n_chunks = sum(end <= size for end in ends)
        assert found.n_steps == n_chunks * K
        assert len(found.manifest.chunks) == n_chunks
        assert found.end + found.n_dropped_bytes == size
        if n_chunks:
            assert found.end == ends[n_chunks - 1]
        names = [name for chunk in range(n_chunks) for name in contents_of(chunk)]
        assert set(names) <= set(found.members)
        assert not any(s.parse_name(name).chunk == n_chunks for name in found.members)


def test_a_flipped_byte_costs_its_chunk_and_what_follows_and_nothing_else(recording):
    data, ends = recording
    contents = {name: held(data, member) for name, member in salvaged(data).members.items()}
    rng = random.Random(0)
    for _ in range(400):
        at = rng.randrange(len(data))
        damaged = bytearray(data)
        damaged[at] ^= 1 << rng.randrange(8)
        try:
            found = salvaged(bytes(damaged))
        except ArchiveError:
            assert at < ends[0]  # the header
            continue
        untouched = sum(end <= at for end in ends)
        # A bit that nobody reads (a date, a version) costs nothing.
        assert found.n_steps // K >= untouched
        for name, member in found.members.items():
            np.testing.assert_array_equal(held(damaged, member), contents[name])


def test_a_recording_can_be_read_and_recovered(recording, tmp_path, invoke):
    data, ends = recording
    part = tmp_path / "run.npz.part"
    part.write_bytes(data[: ends[1] + 50])
    with pytest.warns(IncompleteRunWarning, match="6 steps of it are whole, and the 50 bytes"):
        run = open_run(part)
    with run:
        assert run.steps.tolist() == list(range(2 * K))
        assert run.state(4)["w"].tolist() == [[4] * 5] * 2
        assert run.state()["w"].tolist() == [[5] * 5] * 2
        assert run.losses["loss"].tolist() == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    recovery = recover(part)
    assert (recovery.path, recovery.n_steps) == (tmp_path / "run.npz", 6)
    assert recovery.n_dropped_bytes == 50
    assert part.read_bytes() == data[: ends[1] + 50]
    with open_run(tmp_path / "run.npz") as run:
        assert len(run) == 6
        assert run.state(5)["w"].tolist() == [[5] * 5] * 2
        assert run.seed == 7
    with np.load(tmp_path / "run.npz", allow_pickle=False) as plain:
        assert plain["steps/000001"].tolist() == [3, 4, 5]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.npz", "run.npz.part"]

    done = invoke("recover", part, status=2)
    assert "run.npz exists; overwrite it with" in done.stderr
    done = invoke("recover", part, "-o", tmp_path / "other.npz")
    assert done.stdout == (
        f"{tmp_path / 'other.npz'}: 6 steps saved; 50 bytes after them were of no whole chunk and "
        "are left out\n"
    )
    assert invoke("recover", part, "--overwrite").exit_code == 0
    done = invoke("info", part)
    assert done.stderr.startswith("Warning: ")
    assert done.stderr.count("\n") == 1
    assert "steps:      6 (0 to 5)" in done.stdout


def test_a_recording_that_was_whole_but_for_its_directory(tmp_path):
    writer = ArchiveWriter(tmp_path / "run.npz")
    writer.add(s.HEADER, f.json_array(HEADER))
    write_chunk(writer)
    writer.add(s.final_member(s.STATES, "w"), np.full((2, 5), 99, np.float32))
    writer.abandon(keep=True)
    recovery = recover(tmp_path / "run.npz.part")
    assert recovery.n_steps == K
    with open_run(recovery.path) as run:
        # Whether all of the final state was there cannot be known.
        assert run.state()["w"].tolist() == [[2] * 5] * 2


def test_what_is_said_of_steps_that_were_not_written(recording, tmp_path, invoke):
    data, ends = recording
    part = tmp_path / "run.npz.part"
    part.write_bytes(data[: ends[1]])
    said = invoke("recover", part)
    assert said.stderr == ""
    assert "6 steps saved; no byte of the file is left over (steps that were not" in said.stdout


def test_a_recording_that_goes_on_may_be_recovered_and_that_is_said(tmp_path, invoke):
    with ArchiveWriter(tmp_path / "run.npz") as writer:
        writer.add(s.HEADER, f.json_array(HEADER))
        write_chunk(writer)
        said = invoke("recover", writer.part, "-o", tmp_path / "so-far.npz")
        assert said.stderr == f"Warning: {writer.part} is still being recorded; more may follow\n"
        assert "3 steps saved" in said.stdout
        writer.add_manifest()


def test_an_archive_that_was_cut_short_can_be_recovered_and_a_whole_one_need_not(
    short_run, tmp_path, invoke
):
    cut, output = tmp_path / "cut.npz", tmp_path / "whole.npz"
    cut.write_bytes(short_run.read_bytes()[:-100])
    assert "`latentviz recover` saves what is whole of it" in invoke("info", cut, status=2).stderr
    assert (
        "name the archive to write with output (or -o)" in invoke("recover", cut, status=2).stderr
    )
    invoke("recover", cut, "-o", output)
    with open_run(output) as run:
        assert len(run) == 150
    said = invoke("recover", short_run, "-o", tmp_path / "again.npz", status=2).stderr
    assert said == f"Error: {short_run} cannot be recovered: it is whole\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not even its header is whole"),
        (b"hello" * 100, "not even its header is whole"),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_recording(tmp_path, invoke, data, message):
    part = tmp_path / "run.npz.part"
    if data is not None:
        part.write_bytes(data)
    done = invoke("recover", part, status=2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == ([part] if data is not None else [])


def test_a_recording_without_a_whole_chunk(recording, tmp_path):
    data, ends = recording
    part = tmp_path / "run.npz.part"
    part.write_bytes(data[: ends[0] - 1])
    with pytest.raises(ArchiveError, match="no chunk of it is whole, so there is no step to save"):
        recover(part)
    with pytest.raises(ArchiveError, match="holds no steps"):
        open_run(part)
    with pytest.raises(ArchiveError, match=r"a recording's name ends in \.npz\.part, got"):
        recover(tmp_path / "run.npz")


def test_a_recording_that_unpacks_to_too_much_is_refused(tmp_path):
    writer = ArchiveWriter(tmp_path / "run.npz")
    writer.add(s.HEADER, f.json_array(HEADER))
    writer.add(s.probe_member(), np.zeros((1000, 1000), np.float32))
    writer.abandon(keep=True)
    with pytest.raises(ArchiveError, match=r"more bytes than the limit allows.*--max-bytes"):
        open_run(tmp_path / "run.npz.part", max_bytes=100_000)
    with pytest.raises(ArchiveError, match="--max-bytes"):
        recover(tmp_path / "run.npz.part", max_bytes=100_000)


def test_memory_to_recover_a_recording_does_not_grow_with_its_members(tmp_path):
    path = tmp_path / "run.npz"
    writer = ArchiveWriter(path)
    writer.add(s.HEADER, f.json_array(HEADER))
    noise = np.random.default_rng(0).integers(0, 1 << 63, (K, 1 << 20))
    arrays = {
        s.state_member(0, "zeros"): np.zeros_like(noise),
        s.state_member(0, "noise"): noise,  # 24 MiB
    }
    writer.add_chunk(steps_of(0), arrays.items())
    writer.abandon(keep=True)
    tracemalloc.start()
    try:
        recovery = recover(writer.part)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert recovery.n_steps == K
    assert most < 12 << 20
    with ArchiveReader(path) as reader:
        assert [reader.members[name].method for name in arrays] == [f.DEFLATED, f.STORED]
        for name, array in arrays.items():
            np.testing.assert_array_equal(reader.read(name), array)


def test_a_list_of_members_that_is_out_of_proportion_is_not_read(tmp_path):
    writer = ArchiveWriter(tmp_path / "run.npz")
    writer.add(s.HEADER, f.json_array(HEADER))
    writer.add(s.list_member(0), np.full(64 << 20, ord(" "), np.uint8))
    writer.abandon(keep=True)
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match="no chunk of it is whole"):
            recover(writer.part)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_recovery_that_fails_leaves_nothing_and_may_be_tried_again(recording, tmp_path, invoke):
    data, _ = recording
    part, output = tmp_path / "run.npz.part", tmp_path / "run.npz"
    part.write_bytes(data)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(data) // 2, limits[1]))
    try:
        with pytest.raises(ArchiveError, match=r"cannot write .*run\.npz: File too large"):
            recover(part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == [part]
    # One that was killed leaves its file, which is in nobody's way.
    (tmp_path / ".run.npz.recovered").write_bytes(data[:100])
    assert recover(part).n_steps == 3 * K
    assert sorted(tmp_path.iterdir()) == [output, part]


def test_a_recording_that_becomes_shorter_while_it_is_recovered(recording, tmp_path, monkeypatch):
    data, _ = recording
    part = tmp_path / "run.npz.part"
    part.write_bytes(data)

    def shortened(*args, **kwargs):
        found = salvage(*args, **kwargs)
        os.truncate(part, 1000)
        return found

    monkeypatch.setattr("latentviz.archive.recovery.salvage", shortened)
    with pytest.raises(ArchiveError, match="it was cut short at byte 1000 meanwhile"):
        recover(part)
    assert list(tmp_path.iterdir()) == [part]


def test_chunks_that_lie_are_not_believed(tmp_path):
    def with_entry(entry):
        path = tmp_path / "run.npz"
        writer = ArchiveWriter(path, overwrite=True)
        writer.add(s.HEADER, f.json_array(HEADER))
        members = {name: writer.add(name, array) for name, array in contents_of(0).items()}
        writer.add(s.list_member(0), f.json_array(entry(members)))
        writer.abandon(keep=True)
        return salvaged(writer.part.read_bytes()).n_steps

    def entry(members, **changes):
        return {"steps": [0, 2], "count": K, "members": members} | changes

    assert with_entry(entry) == K
    assert with_entry(lambda m: entry({**m, "steps/000000": 1})) == 0
    assert with_entry(lambda m: entry({k: v for k, v in m.items() if "steps" not in k})) == 0
    assert with_entry(lambda m: entry({**m, "states/000000/x": 1})) == 0
    assert with_entry(lambda m: entry(m, count=True)) == 0
    assert with_entry(lambda m: entry(m, count=-1)) == 0
    assert with_entry(lambda m: {"steps": [0, 2]}) == 0


# ---- two recorders ----


def test_two_recorders_on_one_path_are_refused_and_the_first_loses_nothing(tmp_path):
    path = tmp_path / "run.npz"
    first = ArchiveWriter(path)
    first.add(s.HEADER, f.json_array(HEADER))
    write_chunk(first)
    before = first.part.read_bytes()
    for overwrite in (False, True):
        with pytest.raises(ArchiveError, match="another recorder is writing"):
            ArchiveWriter(path, overwrite=overwrite)
    assert first.part.read_bytes() == before
    first.abandon(keep=True)
    with pytest.raises(ArchiveError, match=r"cut off; save it with `latentviz recover .*run\.npz"):
        ArchiveWriter(path)
    second = ArchiveWriter(path, overwrite=True)
    second.abandon(keep=False)
    assert list(tmp_path.iterdir()) == []


def test_a_recorder_may_follow_another_that_was_killed_before_its_first_flush(tmp_path):
    path = tmp_path / "run.npz"
    first = ArchiveWriter(path)
    first.add(s.HEADER, f.json_array(HEADER))
    first.add(s.probe_member(), np.zeros((2, 3), np.float32))
    first.abandon(keep=True)
    begun = first.part.read_bytes()
    for more in (b"x", begun):
        first.part.write_bytes(begun + more)
        with pytest.raises(ArchiveError, match="holds a recording that was cut off"):
            ArchiveWriter(path)
        assert first.part.read_bytes() == begun + more
    first.part.write_bytes(begun)
    second = ArchiveWriter(path)
    assert second.part.read_bytes() == b""
    second.abandon(keep=False)


def test_a_recorder_may_follow_another_that_is_done(tmp_path):
    path = tmp_path / "run.npz"
    for _ in range(3):
        with ArchiveWriter(path, overwrite=True) as writer:
            writer.add(s.HEADER, f.json_array(HEADER))
            write_chunk(writer)
            writer.add_manifest()
        with ArchiveReader(path) as reader:
            assert reader.salvaged is None


# ---- kill -9 ----


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its runs")
def test_runs_that_are_killed_keep_every_flush_that_was_acknowledged():
    script = Path(__file__).with_name("kill_runs.py")
    command = [sys.executable, str(script), "--runs", "40"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("40 runs killed: ")
    assert ", 0 lost, 0 wrong; " in done.stdout
    # The others were killed before their first flush.
    assert int(done.stdout.split("; ")[1].split()[0]) >= 20
    assert int(done.stdout.splitlines()[1].split(" killed in close()")[0]) > 0


# ---- a power cut ----


class Disk:
    """A disk in the manner of SQLite's tests: what is not synced may be lost, or torn."""

    def __init__(self):
        self.synced = b""
        self.since = []  # writes after the last sync

    def write(self, data):
        self.since.append(bytes(data))

    def sync(self):
        self.synced += b"".join(self.since)
        self.since = []

    def after_a_cut(self, rng):
        """What may be found: any of the writes since, each whole, torn, or never made."""
        image = bytearray(self.synced)
        for data in self.since:
            start = len(image)
            image += bytes(len(data))
            fate = rng.random()
            if fate < 0.4:
                image[start:] = data
            elif fate < 0.7:  # sectors are written in any order
                for at in range(0, len(data), 512):
                    if rng.random() < 0.5:
                        image[start + at : start + at + 512] = data[at : at + 512]
            elif fate < 0.85:
                garbage = rng.randbytes(len(data))
                image[start:] = garbage
        # The file's length may be short of the last writes.
        if self.since and rng.random() < 0.3:
            del image[rng.randrange(len(self.synced), len(image) + 1) :]
        return bytes(image)


class Logged:
    """A file that is written to a disk."""

    def __init__(self, disk, file):
        self.disk, self.file = disk, file

    def write(self, data):
        self.disk.write(data)
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


# CONTRIBUTING names the command that replays 20,000.
N_IMAGES = int(os.environ.get("LATENTVIZ_POWER_CUTS", "400"))


def test_a_power_cut_loses_no_synced_chunk_and_makes_none_up(tmp_path, monkeypatch):
    rng = random.Random(0)
    disk = Disk()

    def logged(part, **options):
        return Logged(disk, open_alone(part, **options))

    monkeypatch.setattr("latentviz.archive.writer.open_alone", logged)
    writer = ArchiveWriter(tmp_path / "run.npz")
    synced_chunks = 0
    images = []

    real_sync = writer.sync

    def sync():
        # A cut may come before the sync is done, or while it is under way.
        for _ in range(max(1, N_IMAGES // 8)):
            images.append((synced_chunks, disk.after_a_cut(rng)))
        real_sync()
        disk.sync()

    monkeypatch.setattr(writer, "sync", sync)
    writer.add(s.HEADER, f.json_array(HEADER))
    real_sync()
    disk.sync()
    for chunk in range(8):
        write_chunk(writer)
        synced_chunks = chunk + 1
    writer.abandon(keep=False)
    assert len(images) >= min(N_IMAGES, 8)
    for n_synced, image in images:
        found = salvaged(image)
        n_chunks = found.n_steps // K
        assert n_chunks in (n_synced, n_synced + 1)
        for chunk in range(n_chunks):
            for name, array in contents_of(chunk).items():
                np.testing.assert_array_equal(held(image, found.members[name]), array)
