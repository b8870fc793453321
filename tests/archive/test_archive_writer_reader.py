import json
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from latentviz.archive import ArchiveReader, ArchiveWriter, check_destination
from latentviz.archive import format as f
from latentviz.archive import schema as s
from latentviz.errors import ArchiveError

RNG = np.random.default_rng(0)
OUTSIDE = {
    "header": f.json_array({"format": 1}),
    "probe/inputs": np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3),
    "final/states/scalar": np.array(7, np.int64),
}
CHUNK = {
    "steps/000000": np.arange(2, dtype=np.int64),
    "states/000000/w": RNG.random((2, 30)),
    "states/000000/none": np.zeros((2, 0), np.float16),
    "batches/000000/labels/red": np.array([True, False]),
    "losses/000000/loss": np.array([1.0, np.nan]),
}
ARRAYS = OUTSIDE | CHUNK


def write(path: Path, **changes: object) -> Path:
    """An archive of `ARRAYS`, whose manifest has the given changes."""
    with ArchiveWriter(path, overwrite=True) as writer:
        outside = {name: writer.add(name, array) for name, array in OUTSIDE.items()}
        chunk = {name: writer.add(name, array) for name, array in CHUNK.items()}
        entry = s.ChunkEntry.of(CHUNK["steps/000000"], chunk)
        manifest = s.Manifest(f.FORMAT, [entry], outside).to_json()
        text = json.dumps(manifest | changes).encode()
        writer.add(s.MANIFEST, np.frombuffer(text, np.uint8))
    return path


def contents(path: Path) -> dict[str, bytes]:
    with ArchiveReader(path) as reader:
        return {name: reader.read(name).tobytes() for name in reader.members}


def repacked(source: Path, path: Path, rename=lambda name: name) -> Path:
    """The members as another tool packs them; those renamed to None are left out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if rename(name) is not None:
                new.writestr(rename(name), old.read(name))
    return path


@pytest.fixture
def archive(tmp_path):
    return write(tmp_path / "run.npz")


def test_what_was_written_is_read(archive):
    with ArchiveReader(archive) as reader:
        assert list(reader.members) == [*ARRAYS, "manifest"]
        for name, array in ARRAYS.items():
            back = reader.read(name)
            assert name in reader
            assert (back.dtype, back.shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(back, array)
            assert not back.flags.writeable
        assert reader.manifest.n_steps == 2
        with pytest.raises(ArchiveError, match="it has no member 'nosuch'"):
            reader.read("nosuch")


def test_stock_numpy_and_zipfile_read_every_member(archive):
    with np.load(archive, allow_pickle=False) as stock:
        assert stock.files == [*ARRAYS, "manifest"]
        for name, array in ARRAYS.items():
            assert stock[name].dtype == array.dtype
            np.testing.assert_array_equal(stock[name], array)
    with zipfile.ZipFile(archive) as stock:
        assert stock.testzip() is None


def test_what_does_not_shrink_is_stored(tmp_path):
    noise, zeros = RNG.integers(0, 256, 4_000_000, np.uint8), np.zeros(4_000_000)
    with ArchiveWriter(tmp_path / "run.npz") as writer:
        writer.add("noise", noise)
        writer.add("zeros", zeros)
    with zipfile.ZipFile(tmp_path / "run.npz") as stock:
        methods = [info.compress_type for info in stock.infolist()]
    assert methods == [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]
    with np.load(tmp_path / "run.npz") as stock:
        np.testing.assert_array_equal(stock["noise"], noise)


def test_the_same_contents_give_the_same_bytes(archive, tmp_path):
    assert write(tmp_path / "other.npz").read_bytes() == archive.read_bytes()


def test_an_archive_repacked_by_another_tool_is_read(archive, tmp_path):
    assert contents(repacked(archive, tmp_path / "other.npz")) == contents(archive)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.asfortranarray(np.eye(3)[:, :2]),
        np.arange(9)[::2],
    ],
)
def test_any_byte_and_memory_order_is_written_as_one(array, tmp_path):
    with ArchiveWriter(tmp_path / "run.npz") as writer:
        writer.add("x", array)
    with np.load(tmp_path / "run.npz") as stock:
        np.testing.assert_array_equal(stock["x"], array)
        assert stock["x"].dtype == array.dtype.newbyteorder("<")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("x", np.zeros(2), "already holds a member 'x'"),
        ("", np.zeros(2), "cannot name a member"),
        ("y", np.array(["text"]), "must be float16/32/64, integer or bool, got <U4"),
        ("y", np.array([None]), "got object"),
        ("y", np.zeros(2, complex), "got complex128"),
    ],
)
def test_what_cannot_be_added_leaves_the_archive_whole(name, array, message, tmp_path):
    with ArchiveWriter(tmp_path / "run.npz") as writer:
        writer.add("x", np.zeros(2))
        with pytest.raises(ArchiveError, match=message):
            writer.add(name, array)
    with np.load(tmp_path / "run.npz") as stock:
        assert stock.files == ["x"]


def test_it_is_a_part_until_it_is_finished(tmp_path):
    writer = ArchiveWriter(tmp_path / "run.npz")
    writer.add("x", np.zeros(2))
    writer.sync()
    part = tmp_path / "run.npz.part"
    assert part.read_bytes().startswith(b"PK\3\4")
    assert not writer.path.exists()
    writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_an_exception_keeps_the_part(tmp_path):
    writer = ArchiveWriter(tmp_path / "run.npz")
    with pytest.raises(ArchiveError), writer:
        writer.add("", np.zeros(2))
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz.part"]
    writer.abandon(keep=False)
    assert list(tmp_path.iterdir()) == []


def test_a_destination_that_cannot_take_an_archive(archive, tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "cut.npz.part").write_bytes(b"PK")
    for name, message in {
        "run.zip": r"must end in \.npz, got .*run\.zip",
        "none/run.npz": "none does not exist; create it first",
        "folder.npz": "is a folder",
        "run.npz": "exists; overwrite it with overwrite=True",
        "cut.npz": "cut off; save it with `latentviz recover",
    }.items():
        with pytest.raises(ArchiveError, match=message):
            ArchiveWriter(tmp_path / name)
    check_destination(archive, overwrite=True)


# 65,535 itself is the mark that says: look in the ZIP64 records.
@pytest.mark.parametrize("count", [65_535, 65_536])
def test_zip64_end_records(tmp_path, count):
    path = tmp_path / "many.npz"
    value = np.zeros((), np.uint8)
    with ArchiveWriter(path) as writer:
        for i in range(count - 1):
            writer.add(f"m/{i}", value)
        writer.add_manifest()
    with ArchiveReader(path) as reader:
        assert len(reader.members) == count
        assert reader.read(f"m/{count - 2}") == 0
    with zipfile.ZipFile(path) as stock:
        assert len(stock.namelist()) == count
        assert stock.read(f"m/{count - 2}.npy")[-1:] == b"\0"


def test_threads_share_a_reader(archive):
    with ArchiveReader(archive) as reader, ThreadPoolExecutor(4) as pool:
        names = list(ARRAYS) * 20
        for name, array in zip(names, pool.map(reader.read, names), strict=True):
            assert array.tobytes() == ARRAYS[name].tobytes()


def test_zlib_takes_over_where_isal_is_missing(archive, tmp_path):
    code = (
        "import sys; sys.modules['isal'] = None; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from latentviz.archive import deflate\n"
        "import test_archive_writer_reader as t\n"
        "assert deflate._codec.__name__ == 'zlib'\n"
        "theirs, ours = Path(sys.argv[2]), Path(sys.argv[3])\n"
        "assert t.contents(t.write(ours)) == t.contents(theirs)\n"
    )
    other = tmp_path / "zlib.npz"
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(archive), str(other)]
    subprocess.run(command, check=True)
    assert contents(other) == contents(archive)
    with zipfile.ZipFile(other) as stock:
        assert stock.testzip() is None


def test_a_flipped_byte_anywhere_is_found_or_harmless(archive):
    whole, data = contents(archive), archive.read_bytes()
    harmless = 0
    with archive.open("r+b", buffering=0) as file:
        for position, byte in enumerate(data):
            file.seek(position)
            file.write(bytes([byte ^ 0x10]))
            try:
                same = contents(archive) == whole
            except ArchiveError:
                pass
            else:
                assert same, position
                harmless += 1
            file.seek(position)
            file.write(bytes([byte]))
    # Versions, dates and attributes, and the bits after the end of a deflate stream.
    assert harmless <= 21 * len(whole)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.9, 0.99, 0.999])
def test_a_truncated_file(archive, share):
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ArchiveError, match="not a readable run archive") as caught:
        ArchiveReader(archive)
    assert str(archive) in str(caught.value)


def test_a_damaged_member_is_named(archive):
    with zipfile.ZipFile(archive) as stock:
        info = stock.getinfo("states/000000/w.npy")
    data = bytearray(archive.read_bytes())
    data[info.header_offset + 30 + len(info.filename) + 200] ^= 1
    archive.write_bytes(data)
    with ArchiveReader(archive) as reader:
        reader.read("header")
        with pytest.raises(ArchiveError, match="'states/000000/w' is damaged"):
            reader.read("states/000000/w")


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: None if name == "states/000000/w.npy" else name,
        lambda name: name.replace("labels/red", "labels/rad"),
        lambda name: None if name == "manifest.npy" else name,
        lambda name: name.replace("probe/", "../"),
        lambda name: name.replace("probe/inputs.npy", "probe/inputs.txt"),
        lambda name: name.replace("probe/inputs", "probe/é"),
    ],
)
def test_a_member_dropped_or_renamed(archive, tmp_path, rename):
    path = repacked(archive, tmp_path / "other.npz", rename)
    with pytest.raises(ArchiveError, match=f"{path} is not a readable run archive: "):
        ArchiveReader(path)


@pytest.mark.parametrize("what", ["extra member", "two of a name", "comment", "leading bytes"])
def test_something_added_to_the_file(archive, what):
    with zipfile.ZipFile(archive, "a") as stock:
        if what == "extra member":
            stock.writestr("extra.npy", b"x")
        elif what == "two of a name":
            with pytest.warns(UserWarning, match="Duplicate name"):
                stock.writestr("header.npy", stock.read("header.npy"))
        elif what == "comment":
            stock.comment = b"x"
    if what == "leading bytes":
        archive.write_bytes(b"#!/bin/sh\n" + archive.read_bytes())
    with pytest.raises(ArchiveError, match="not a readable run archive"):
        ArchiveReader(archive)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 3}, "manifest disagrees with its directory"),
        ({"chunks": []}, "manifest disagrees"),
        ({"members": {}}, "manifest disagrees"),
        ({"members": []}, "manifest is malformed"),
        ({"chunks": None}, "manifest is malformed"),
        ({"chunks": [{"count": 2}]}, "manifest is malformed"),
        ({"chunks": [{"count": None, "members": {}}]}, "manifest disagrees"),
        ({"chunks": [{"steps": [0], "count": 2, "members": {}}]}, "manifest disagrees"),
        ({"format": 4}, "of format 4 and this version of latentviz reads formats 1 to 3; upgrade"),
        ({"format": None}, "of format None"),
    ],
)
def test_a_manifest_that_disagrees(tmp_path, change, message):
    path = write(tmp_path / "run.npz", **change)
    with pytest.raises(ArchiveError, match=message):
        ArchiveReader(path)


def test_max_bytes_is_what_the_archive_unpacks_to(archive):
    with ArchiveReader(archive) as reader:
        total = sum(member.size for member in reader.members.values())
    ArchiveReader(archive, max_bytes=total).close()
    with pytest.raises(
        ArchiveError, match=rf"unpacks to {total} bytes.*limit of {total - 1}.*--max"
    ):
        ArchiveReader(archive, max_bytes=total - 1)


def test_no_archive_at_all(archive, tmp_path):
    (tmp_path / "cut.npz.part").write_bytes(b"PK\3\4")
    (tmp_path / "text.npz").write_text("not a zip file, but longer than an end record")
    (tmp_path / "short.npz").write_bytes(b"PK")
    np.savez(tmp_path / "stock.npz", latents=np.zeros((2, 3, 4)))
    for name, message in {
        "none.npz": "does not exist; name a run archive",
        "cut.npz": "cut.npz.part does: its recording was cut off or still runs",
        "text.npz": "does not end in a ZIP directory; record a training with",
        "short.npz": "too short to be a ZIP file",
        "stock.npz": "not a readable run archive",
        ".": "cannot read .*: Is a directory",
    }.items():
        with pytest.raises(ArchiveError, match=message) as caught:
            ArchiveReader(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
