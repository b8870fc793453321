"""Archives made to do harm: each is refused with one error, before it costs time or memory."""

import io
import json
import pickle
import struct
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from itertools import starmap
from pathlib import Path
from xml.etree import ElementTree

import fuzz
import numpy as np
import pytest
from fuzz import Entry, npy, pack, sealed

from latentviz import ArchiveError, ModelError, open_run
from latentviz.archive import ArchiveReader, recovery
from latentviz.archive import format as f
from latentviz.archive.deflate import deflate
from latentviz.archive.salvage import salvage
from latentviz.figures.timeline import plot_timeline
from latentviz.runs.run import archived_run
from latentviz.text import printable

NASTY = "\x1b[2J\x1b]0;owned\x07$x^2$ _x\n\r\u202eb\ud800\u2028" + "long " * 100


@pytest.fixture(scope="module")
def subject():
    arrays = fuzz.members(registered=True)
    entries = tuple(Entry.of(name, npy(array)) for name, array in arrays.items())
    return fuzz.Subject("run", False, False, None, entries)


@pytest.fixture
def entries(subject):
    return list(subject.entries)


@pytest.fixture
def made(subject, tmp_path):
    """Writes an archive with other contents, its lists and checksums in order."""

    def make(header=None, members=None, **changes):
        contents = {e.name: e.data for e in subject.entries}
        changes |= members or {}
        if header is not None:
            about = json.loads(f.array_from_npy(contents["header"], "header").tobytes())
            changes["header"] = text_member(json.dumps(about | header))
        for name, value in changes.items():
            contents[name] = value if isinstance(value, bytes) else npy(value)
        return written(tmp_path, sealed(contents, subject))

    return make


def text_member(text):
    return npy(np.frombuffer(text.encode("ascii"), np.uint8))


def written(tmp_path, data, name="run.npz"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def index_of(entries, name):
    return next(i for i, e in enumerate(entries) if e.name == name)


def read_all(path, **options):
    with ArchiveReader(path, **options) as reader:
        for name in reader.members:
            reader.read(name)


def refused(path, message, **options):
    with pytest.raises(ArchiveError, match=message) as caught:
        read_all(path, **options)
    assert str(caught.value).isprintable()


def test_the_archive_that_the_others_are_made_of(made):
    with open_run(made()) as run:
        assert run.latents().shape == (9, 5, 4)
        assert run.batch(2).labels["red"].shape == (3,)
        run.evaluate(run.probe)


# --- what runs or imports something


class Exploit:
    def __reduce__(self):
        return Path.touch, (Path("/tmp/latentviz-was-here"),)


def test_a_pickle_is_not_loaded(made):
    file = io.BytesIO()
    np.save(file, np.array([Exploit()], object), allow_pickle=True)
    for data in (file.getvalue(), pickle.dumps(Exploit())):
        refused(made(**{"probe/inputs": data}), r"'probe/inputs' (has a malformed|is not a) ?.*npy")
    assert not Path("/tmp/latentviz-was-here").exists()


@pytest.mark.parametrize("name", ["os:system", "trainers.models:ColorMLP", "../evil", NASTY])
def test_a_model_is_a_registered_name_and_nothing_else(made, name):
    with open_run(made(header={"model": {"name": name, "args": {}}})) as run:
        with pytest.raises(ModelError, match="is not registered") as caught:
            run.latents(0)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600


def test_a_model_larger_than_its_states_is_not_built(made, tmp_path):
    sizes = [
        {"k_codec": 1 << 28},
        {"k_codec": 0, "n_nonlinear": 100_000},
        {"n_nonlinear": 1 << 40},
        {"k_codec": 1 << 62},
        {"k_codec": 100_000, "n_nonlinear": 100_000},
    ]
    paths = [tmp_path / f"{i}.npz" for i in range(len(sizes))]
    for path, args in zip(paths, sizes, strict=True):
        made(header={"model": {"name": "cn-color-mlp", "args": args}}).rename(path)
    code = (
        "import resource, sys, torch, latentviz\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "most = pages * resource.getpagesize() + (4 << 30)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (most, most))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        latentviz.open_run(path).latents(0)\n"
        "    except latentviz.ModelError as error:\n"
        "        assert 'cannot be built' in str(error), error\n"
        "    else:\n"
        "        raise SystemExit(f'{path} was built')\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, *map(str, paths)], check=True)


# --- what is larger than it looks


def peak_bytes(path, **options):
    """The most memory it takes to read every member, or to refuse to."""
    tracemalloc.start()
    try:
        read_all(path, **options)
    except ArchiveError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


def test_a_bomb_costs_no_more_than_the_limit(made):
    path = made(**{"probe/inputs": np.zeros((10_000_000, 3), np.uint8)})
    assert path.stat().st_size < 300_000
    refused(path, "unpacks to 300.* more than the limit", max_bytes=30_000_000)
    assert peak_bytes(path, max_bytes=30_000_000) < 1_000_000
    assert peak_bytes(path, max_bytes=31_000_000) < 100_000_000


@pytest.mark.parametrize("name", ["probe/inputs", "probe/colors", "x"])
@pytest.mark.parametrize("part", [False, True])
def test_a_small_file_of_gigabytes_is_refused_by_default(entries, tmp_path, name, part):
    bomb = Entry.of("x", npy(np.zeros(400_000_000, np.uint8)))
    entries[1:] = [replace(bomb, name=name), *(e for e in entries[1:] if e.name != name)]
    path = written(tmp_path, pack(entries, part=part), "run.npz.part" if part else "run.npz")
    assert path.stat().st_size < 2_000_000
    tracemalloc.start()
    for call in (open_run, *([recovery.recover] if part else [])):
        with pytest.raises(ArchiveError, match=r"limit.*--max-bytes if you trust it"):
            call(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_curves_of_gigabytes_in_a_small_file_are_refused_by_default(subject, tmp_path):
    n = 1_000_000
    contents = {e.name: e.data for e in subject.entries if not e.name.startswith("states")}
    contents |= {f"losses/000000/m{i}": npy(np.zeros(3)) for i in range(300)}
    manifest = json.loads(f.array_from_npy(contents["manifest"], "x").tobytes())
    steps = npy(np.arange(6, n))
    contents["steps/000002"] = steps
    changed = [e for e in subject.entries if not e.name.startswith("states")]
    manifest["chunks"][2]["count"] = n - 6
    manifest["steps"] = n
    for name in ("losses/000002/loss", "losses/000002/late", "params/000002/lr"):
        contents[name] = npy(np.zeros(n - 6))
    contents["gaps/000002/losses/late"] = npy(np.zeros(n - 6, bool))
    text = text_member(json.dumps(manifest))
    changed = [replace(e, data=text) if e.name == "manifest" else e for e in changed]
    contents["manifest"] = text
    path = written(tmp_path, sealed(contents, replace(subject, entries=tuple(changed))))
    assert path.stat().st_size < 2_000_000
    with pytest.raises(ArchiveError, match="302 losses over 1000000 steps are more than"):
        open_run(path)


def test_a_bomb_that_says_it_is_small(entries, tmp_path):
    i = index_of(entries, "probe/inputs")
    entries[i] = replace(entries[i], packed=deflate(bytes(50_000_000)), method=f.DEFLATED)
    path = written(tmp_path, pack(entries))
    refused(path, "'probe/inputs' is damaged")
    assert peak_bytes(path) < 2_000_000


def test_a_recording_that_is_a_bomb(entries, tmp_path):
    zeros = np.zeros(40_000_000, np.uint8)
    bomb = Entry.of("probe/inputs", npy(zeros))
    path = written(tmp_path, pack([entries[0], bomb], part=True), "run.npz.part")
    for call in (open_run, recovery.recover):
        with pytest.raises(ArchiveError, match="more bytes than the limit allows, at member"):
            call(path, max_bytes=30_000_000)
    lie = replace(bomb, local={8: 100})
    path.write_bytes(pack([entries[0], lie], part=True))
    with pytest.raises(ArchiveError, match="no chunk of it is whole"):
        recovery.recover(path)


def test_members_that_share_their_bytes(entries, tmp_path):
    """As in a quine, or a bomb of overlapping members: many in the directory, one in the file."""
    whole = pack(entries)
    big = index_of(entries, "states/000000/decoder.0.weight")
    offset = whole.index(b"PK\3\4", whole.index(entries[big - 1].name.encode()))
    same = {"central": {16: offset}}
    entries[big + 1 :] = [
        replace(entries[big], name=e.name, **same) if e.name != "manifest" else e
        for e in entries[big + 1 :]
    ]
    refused(written(tmp_path, pack(entries)), "overlaps another or leaves a gap")


def test_a_header_of_100_mb(made):
    for length in (5000, 0xFFFF):
        start = npy(np.zeros(3))[:8] + struct.pack("<H", length)
        path = made(**{"probe/inputs": start + b" " * 100_000_000})
        refused(path, "malformed .npy header", max_bytes=1 << 30)


@pytest.mark.parametrize(
    "shape",
    [
        "0, 999999999999999999",
        "0, 999999999999999999, 999999999999999999",
        "4611686018427387904, 4",
        "999999999999999999, 999999999999999999",
        "1, " * 60 + "3",
        "1, " * 1000,
        "0, 1000000000",
    ],
)
def test_a_shape_out_of_range(made, shape):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}\n".encode()
    data = npy(np.zeros(3))[:8] + struct.pack("<H", len(text)) + text + bytes(12)
    if shape.startswith("0"):
        data = data[:-12]
    refused(made(**{"probe/inputs": data}), "out of range|should hold|malformed")


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"a":' + "[" * 900 + "]" * 900 + "}",
        '{"a":' + "9" * 100_000 + "}",
        '{"a":NaN}',
        '{"a":Infinity}',
        "[" + "{}," * 6_000_000 + "{}]",
    ],
    ids=["deep", "less deep", "digits", "NaN", "Infinity", "long"],
)
def test_a_header_that_is_a_bomb_of_json(made, text):
    with pytest.raises(ArchiveError, match="header"):
        open_run(made(members={"header": text_member(text)}))


@pytest.mark.parametrize("model", [{"name": "color-mlp", "args": {"a": None}}])
def test_arguments_that_nest_deeper_than_they_can_be_shown(made, model):
    deep = 1
    for _ in range(500):
        deep = [deep]
    model["args"]["a"] = deep
    with pytest.raises(ArchiveError, match="nest deeper than 16 levels"):
        open_run(made(header={"model": model}))


def test_many_names_of_few_steps_are_no_way_around_the_limit(made):
    names = {f"losses/000000/m{i}": np.zeros(3) for i in range(2000)}
    path = made(**names)
    open_run(path, max_bytes=600_000).close()
    with ArchiveReader(path) as reader:
        reader.max_bytes = 40_000
        with pytest.raises(ArchiveError, match="2002 losses over 9 steps are more than the limit"):
            archived_run(reader)


# --- members that are not where or what the directory says


DIRECTORY = {
    "a wrong CRC": ({6: 1}, {7: 1}, "manifest disagrees"),
    "CRCs that differ": ({6: 1}, {}, "disagrees with the directory"),
    "names that differ": ({"name": b"probe/inputz.npy"}, {}, "disagrees with the directory"),
    "a longer name": ({"name": b"probe/inputs0.npy", 9: 17}, {}, "leaves a gap"),
    "sizes that differ": ({8: 99}, {}, "disagrees with the directory"),
    "packed sizes that differ": ({7: 12}, {}, "disagrees with the directory"),
    "a size that is wrong": ({8: 99}, {9: 99}, "is damaged"),
    "a packed size that is wrong": ({7: 12}, {8: 12}, "overlaps another or leaves a gap"),
    "methods that differ": ({3: 0}, {}, "disagrees with the directory"),
    "another method": ({3: 12}, {4: 12}, "malformed entry"),
    "encrypted": ({2: 1}, {3: 1}, "malformed entry"),
    "encrypted in one place": ({2: 1}, {}, "disagrees with the directory"),
    "a data descriptor": ({2: 8}, {3: 8}, "malformed entry"),
    "UTF-8 names": ({2: 0x800}, {3: 0x800}, "malformed entry"),
    "a symbolic link": ({}, {15: 0o120777 << 16}, "malformed entry"),
    "a device": ({}, {15: 0o060666 << 16}, "malformed entry"),
    "a comment": ({}, {12: 5}, "malformed entry"),
    "another disk": ({}, {13: 1}, "malformed entry"),
    "another place": ({}, {16: 0}, "overlaps another"),
    "a place out of the file": ({}, {16: 1 << 31}, "overlaps another"),
    "an upward path": ({"name": b"../../inputs.npy"}, {"name": b"../../inputs.npy"}, "malformed"),
    "an absolute path": ({"name": b"/tmp//inputs.npy"}, {"name": b"/tmp//inputs.npy"}, "malformed"),
    "a drive": ({"name": b"C:\\be\\inputs.npy"}, {"name": b"C:\\be\\inputs.npy"}, "malformed"),
    "a line end": ({"name": b"probe/input\n.npy"}, {"name": b"probe/input\n.npy"}, "malformed"),
    "no name": ({"name": b"", 9: 0}, {"name": b"", 10: 0}, "malformed"),
    "a long name": ({"name": b"x" * 60000}, {"name": b"x" * 60000, 10: 60000}, "malformed"),
    "another's name": ({"name": b"header.npy", 9: 10}, {"name": b"header.npy", 10: 10}, "two"),
    "no entry": ({}, {0: b"PK\3\4"}, "malformed entry"),
    "64 bits for nothing": (
        {},
        {"extra": struct.pack("<2H", 1, 0), 11: 4},
        "malformed entry",
    ),
    "64 bits that do not say so": (
        {},
        {"extra": f.ZIP64_OFFSET.pack(1, 24, 1, 1, 1), 11: 28},
        "malformed entry",
    ),
    "a size of 64 bits that is small": (
        {8: f.LIMIT32, "extra": f.ZIP64_SIZES.pack(1, 16, 188, 100), 10: 20},
        {9: f.LIMIT32, "extra": struct.pack("<2HQ", 1, 8, 1 << 62), 11: 12},
        "more than the limit",
    ),
    "64 bits are missing": ({}, {9: f.LIMIT32}, "malformed entry"),
    "too few 64 bits": (
        {},
        {8: f.LIMIT32, 9: f.LIMIT32, "extra": struct.pack("<2HQ", 1, 8, 9), 11: 12},
        "malformed entry",
    ),
    "64 bits of another kind": (
        {},
        {9: f.LIMIT32, "extra": struct.pack("<2HQ", 2, 8, 188), 11: 12},
        "malformed entry",
    ),
    "64 bits in the local header alone": (
        {7: f.LIMIT32, 8: f.LIMIT32, "extra": f.ZIP64_SIZES.pack(1, 16, 188, 76), 10: 20},
        {},
        "overlaps another|disagrees|damaged",
    ),
    "64 bits in the local header, after a name that ends beyond the member": (
        {7: f.LIMIT32, 8: f.LIMIT32, 9: 60000, 10: 20}, {}, "disagrees",
    ),
    "a packed size of 63 bits": (
        {}, {8: f.LIMIT32, "extra": struct.pack("<2HQ", 1, 8, (1 << 63) - 1), 11: 12}, "overlaps",
    ),
    "a packed size of 64 bits": (
        {}, {8: f.LIMIT32, "extra": struct.pack("<2HQ", 1, 8, 1 << 63), 11: 12}, "malformed entry",
    ),
    "a place of 63 bits": (
        {}, {16: f.LIMIT32, "extra": struct.pack("<2HQ", 1, 8, (1 << 63) - 1), 11: 12}, "overlaps",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", DIRECTORY)
def test_a_member_that_is_not_as_it_says(entries, tmp_path, lie):
    local, central, message = DIRECTORY[lie]
    i = index_of(entries, "probe/inputs")
    entries[i] = replace(entries[i], local=local, central=central)
    refused(written(tmp_path, pack(entries)), message)


def test_a_size_that_reads_like_the_beginning_of_an_entry(made):
    size = int.from_bytes(b"PK\1\2", "little")
    inputs = np.zeros(size - len(f.npy_header(np.dtype("u1"), (size,))), np.uint8)
    assert len(npy(inputs)) == size
    with ArchiveReader(made(**{"probe/inputs": inputs})) as reader:
        assert reader.members["probe/inputs"].size == size
        assert len(reader.read("probe/inputs")) == len(inputs)
        for name in reader.members:
            reader.read(name)


def test_an_offset_of_64_bits_as_other_tools_write_it(subject, tmp_path):
    """Only what does not fit stands in the extra field; the place in it counts."""
    at = pack(list(subject.entries)).index(b"PK\3\4", 10)
    extra = struct.pack("<2HQ", 1, 8, at)
    entries = list(subject.entries)
    entries[1] = replace(entries[1], central={16: f.LIMIT32, "extra": extra, 11: 12})
    open_run(written(tmp_path, pack(entries))).close()


@pytest.mark.parametrize("before", [b"x", b"PK\3\4" + bytes(26), bytes(5000)])
@pytest.mark.parametrize("name", ["header", "probe/inputs", "manifest"])
def test_bytes_between_members(entries, tmp_path, before, name):
    i = index_of(entries, name)
    entries[i] = replace(entries[i], before=before)
    refused(written(tmp_path, pack(entries)), "overlaps another or leaves a gap")


def test_members_of_one_name(entries, tmp_path):
    for name in ("header", "probe/inputs", "manifest"):
        twice = [*entries, entries[index_of(entries, name)]]
        refused(written(tmp_path, pack(twice)), f"it has two members '{name}'")


@pytest.mark.parametrize("tail", [b"x", b"\0" * 22, b"PK\5\6" + bytes(18), bytes(70_000)])
def test_something_after_the_end(entries, tmp_path, tail):
    refused(written(tmp_path, pack(entries) + tail), "not a readable run archive")


END = {
    "a comment": {"comment": b"hello", "end": {7: 5}},
    "a comment's length": {"end": {7: 5}},
    "another disk": {"end": {1: 1}},
    "a directory on another disk": {"end": {2: 1}},
    "fewer members on this disk": {"end": {3: 1}},
    "fewer members": {"end": {3: 3, 4: 3}},
    "more members": {"end": {3: 9999, 4: 9999}},
    "a shorter directory": {"end": {5: 100}},
    "a directory elsewhere": {"end": {6: 0}},
    "64 bits that are missing": {"end": {3: f.LIMIT16, 4: f.LIMIT16}},
    "a directory of 4 GiB": {"end": {5: f.LIMIT32}},
}


@pytest.mark.parametrize("lie", END)
def test_an_end_record_that_lies(entries, tmp_path, lie):
    refused(written(tmp_path, pack(entries, END[lie])), "not a readable run archive")


# The places are those of the records' fields, as `format` spells them.
ZIP64 = {
    "no record": {"record": {0: b"PK\6\7"}},
    "a longer record": {"record": {1: 45}},
    "another disk": {"record": {4: 1}},
    "counts that differ": {"record": {6: 3}},
    "fewer members": {"record": {6: 3, 7: 3}},
    "a directory of 2**63 bytes": {"record": {8: 1 << 63}},
    "a directory at 2**64 - 1": {"record": {9: (1 << 64) - 1}},
    "a locator that points elsewhere": {"locator": {2: 0}},
    "a locator of two disks": {"locator": {3: 2}},
    "two counts": {"end": {3: 7, 4: 7}},
    "two sizes": {"end": {5: 7}},
    "two places": {"end": {6: 7}},
}


@pytest.mark.parametrize("lie", ZIP64)
def test_64_bit_records_that_disagree(entries, tmp_path, lie):
    with fuzz.limits(small=True):
        open_run(written(tmp_path, pack(entries))).close()
        refused(written(tmp_path, pack(entries, ZIP64[lie])), "not a readable run archive")


@pytest.mark.parametrize(
    "lie",
    [
        {7: 100}, {8: 100}, {7: 100, 8: 100},
        {"extra": f.ZIP64_SIZES.pack(2, 16, 6128, 5698)},
        {"extra": f.ZIP64_SIZES.pack(1, 8, 6128, 5698)},
        {"extra": f.ZIP64_SIZES.pack(1, 16, 6129, 5698)},
        {"extra": b"", 10: 0},
    ],
)  # fmt: skip
def test_64_bit_sizes_that_disagree(tmp_path, entries, lie):
    with fuzz.limits(small=True):
        i = index_of(entries, "states/000000/decoder.0.weight")
        entries[i] = Entry.of(entries[i].name, npy(np.random.default_rng(0).random((3, 16, 40))))
        assert len(entries[i].packed) > f.LIMIT32
        entries[i] = replace(entries[i], local=lie)
        refused(written(tmp_path, pack(entries)), "disagrees|damaged|overlaps")


def test_a_manifest_for_other_members(entries, made, tmp_path):
    refused(written(tmp_path, pack(entries[1:])), "manifest disagrees with its directory")
    extra = [*entries[:-1], Entry.of("more", npy(np.zeros(3))), entries[-1]]
    refused(written(tmp_path, pack(extra)), "manifest disagrees with its directory")
    i, j = index_of(entries, "steps/000000"), index_of(entries, "steps/000001")
    entries[i], entries[j] = (
        replace(entries[j], name=entries[i].name),
        replace(entries[i], name=entries[j].name),
    )
    refused(written(tmp_path, pack(entries)), "manifest disagrees with its directory")


@pytest.mark.parametrize("version", [0, 4, 10**300, "1", NASTY, 1.0, True, [[[]]], None])
def test_another_version_of_the_format(entries, tmp_path, version):
    manifest = json.loads(f.array_from_npy(entries[-1].data, "manifest").tobytes())
    text = json.dumps(manifest | {"format": version})
    entries[-1] = Entry.of("manifest", text_member(text))
    refused(written(tmp_path, pack(entries)), "of format .* reads formats 1 to 3; upgrade")


@pytest.mark.parametrize("version", [4, "2", None])
def test_a_recording_of_another_version(entries, tmp_path, version):
    header = json.loads(f.array_from_npy(entries[0].data, "header").tobytes())
    entries[0] = Entry.of("header", text_member(json.dumps(header | {"format": version})))
    path = written(tmp_path, pack(entries[:-1], part=True), "run.npz.part")
    refused(path, "of format .* reads formats 1 to 3; upgrade latentviz")
    with pytest.raises(ArchiveError, match=r"cannot be recovered: it is of format"):
        recovery.recover(path)


# --- arrays that do not fit together


TOP = (1 << 63) - 1
SHAPES = "batches/000000/shapes/inputs"
STEPS = np.array([6, 7, 8])
ARRAYS = {
    "steps that overflow": ("steps/000002", np.array([TOP - 2, TOP - 1, TOP]), "lie within 0"),
    "steps that turn over": ("steps/000002", np.array([7, TOP, -TOP - 1]), "do not increase"),
    "steps below 0": ("steps/000000", np.array([-TOP, -5, 2]), "lie within 0"),
    "unsigned steps": ("steps/000002", STEPS.astype("u8"), "not .K,. int64"),
    "steps of bool": ("steps/000002", np.ones(3, bool), "not .K,. int64"),
    "steps beyond any float": ("steps/000002", np.array([7, 8, 1 << 54]), "lie within 0"),
    "unsigned offsets": ("batches/000000/offsets", np.array([0, 2, 1, 5], "u8"), "malformed"),
    "offsets that turn over": ("batches/000000/offsets", np.array([0, TOP, -9, 5]), "malformed"),
    "offsets from below 0": ("batches/000000/offsets", np.array([-5, 2, 2, 5]), "malformed"),
    "offsets from above 0": ("batches/000000/offsets", np.array([1, 2, 2, 5]), "malformed"),
    "shapes below 0": (SHAPES, np.array([[3], [-1], [3]]), "malformed"),
    "shapes beyond what is there": (SHAPES, np.array([[3], [4], [3]]), "malformed"),
    "shapes that turn over": (SHAPES, np.array([[3], [TOP], [3]]), "malformed"),
    "shapes of another dtype": (SHAPES, np.array([[3], [3], [3]], "i4"), "malformed"),
    "shapes of another length": (SHAPES, np.array([[3], [3]]), "malformed"),
    "shapes of other dimensions": (SHAPES, np.array([[3, 3]] * 3), "malformed"),
    "shapes without dimensions": (SHAPES, np.array([3, 3, 3]), "malformed"),
    "shapes of nothing": (
        "batches/000000/shapes/labels/x",
        np.zeros((3, 0), np.int64),
        "malformed",
    ),
    "labels of another length": ("batches/000000/labels/red", np.zeros(4, bool), "malformed"),
    "states of other shapes": ("states/000001/encoder.0.bias", np.zeros((3, 4)), "hold steps"),
    "states of other dtypes": ("states/000001/encoder.0.bias", np.zeros((3, 16)), "hold steps"),
    "a probe without points": ("probe/inputs", np.zeros((0, 3), "f4"), "N above 0"),
    "gaps of no curve": ("gaps/000000/losses/late", np.ones(3, bool), "should be .K,. bool"),
    "gaps of nothing": ("gaps/000000/losses", np.ones(3, bool), "should be .K,. bool"),
    "gaps of another group": ("gaps/000000/states/x", np.ones(3, bool), "should be .K,. bool"),
    "gaps of another dtype": ("gaps/000001/losses/late", np.ones(3, "u1"), "should be .K,. bool"),
    "gaps of two dimensions": ("gaps/000001/losses/late", np.ones((3, 1), bool), "should be .K,."),
    "gaps of another length": ("gaps/000001/losses/late", np.ones(2, bool), "should hold 3 steps"),
    "metrics of two dimensions": ("metrics/000001/accuracy", np.zeros((3, 2)), "one value a step"),
    "gaps of no metric": ("gaps/000000/metrics/x", np.ones(3, bool), "should be .K,. bool"),
    "a final loss of no step": ("final/losses/loss", np.zeros(1), "one float64, got float64 .1,."),
    "a final metric that is whole": ("final/metrics/x", np.array(1), "one float64, got int64 .."),
    "a gap that has a value": ("gaps/000001/losses/late", np.ones(3, bool), "should be .K,. bool"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit(made, name):
    member, array, message = ARRAYS[name]

    def read():
        with open_run(made(**{member: array})) as run:
            run.batch(0)
            run.latents()

    with pytest.raises(ArchiveError, match=message):
        read()


@pytest.mark.parametrize(
    "shapes",
    [
        [(3, 4, 2)] * 3, [(3, 1, 4)] * 3, [(3, 5, 0)] * 3, [(3, 5)] * 3, [(3,)] * 3,
        [(3, 5, 4), (3, 5, 3), (3, 5, 4)], [(3, 5, 4), (3, 5, 4), (3, 1, 4)],
    ],
)  # fmt: skip
def test_latents_that_do_not_fit(made, shapes):
    latents = {f"latents/00000{c}/encoder": np.zeros(s, "f4") for c, s in enumerate(shapes)}
    path = made(header={"model": None}, **latents)
    with open_run(path) as run, pytest.raises(ArchiveError, match="latents"):
        run.latents()


@pytest.mark.parametrize("shape", [(5, 1), (5, 5), (4, 4), (5,), (5, 4, 1)])
def test_a_final_state_of_another_shape_than_the_steps(made, invoke, tmp_path, shape):
    latents = {f"latents/00000{c}/encoder": np.zeros((3, 5, 4), "f4") for c in range(3)}
    path = made(**latents, **{"final/latents/encoder": np.zeros(shape, "f4")})
    for command in ("history", "frame"):
        failed = invoke(command, path, "-o", tmp_path / "x.png", status=2)
        assert "as at the last step, got" in failed.output


@pytest.mark.parametrize(
    "header",
    [
        {"seed": "7"}, {"seed": 1.5}, {"layer": None}, {"layer": ["encoder"]}, {"model": "os"},
        {"model": {"name": ["color-mlp"], "args": {}}}, {"model": {"name": "x", "args": [1, 2]}},
        {"keyframes": {"lr": ["0"]}}, {"keyframes": {"lr": [10**30]}}, {"keyframes": [["lr", 0]]},
        {"phases": [[10**400, "x"]]}, {"phases": [[0, 5]]}, {"phases": ["ab"]},
        {"phases": {"a": 1}}, {"phases": [[0.5, "x"]]}, {"phases": None},
        {"versions": {"python": 3}}, {"actions": None}, {"actions": [[0]]}, {"actions": [["x", 0]]},
        {"actions": [[10**30, "x"]]}, {"tokens": "nonsense"}, {"tokens": 1}, {"tokens": ["mean"]},
        {"class_names": "ab"}, {"class_names": [1]}, {"class_names": {"a": 0}},
        {"points": 7}, {"points": "rows"}, {"points": "planes:encoder.0.weight"}, {"points": ["a"]},
    ],
)  # fmt: skip
def test_a_header_of_wrong_types(made, header):
    with pytest.raises(ArchiveError, match="header is malformed"):
        open_run(made(header=header))


@pytest.mark.parametrize("name", ["nope\x1b", "", "x" * 100_000])
def test_a_header_that_names_points_of_no_tensor(made, name):
    with pytest.raises(ArchiveError, match=r"no tensor|header is malformed") as caught:
        open_run(made(header={"points": f"rows:{name}"}))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_gaps_of_nothing_in_a_format_that_has_none(invoke, tmp_path):
    arrays = fuzz.members(registered=True, version=1)
    contents = {name: npy(array) for name, array in arrays.items()}
    old = fuzz.Subject("run", False, False, None, tuple(starmap(Entry.of, contents.items())))
    contents["gaps/000000"] = npy(np.zeros(3, bool))
    path = written(tmp_path, sealed(contents, old))
    assert "a step:" in invoke("info", path).output


@pytest.mark.parametrize(
    "colors",
    [np.arange(5), np.arange(-1, 4), np.zeros(5), np.zeros((5, 3)), np.zeros((5, 2), int), None],
)
def test_names_of_classes_that_the_colors_do_not_number(made, colors):
    members = {} if colors is None else {"probe/colors": colors}
    with pytest.raises(ArchiveError, match=r"colors must be \(N,\) numbers of the 4 classes"):
        open_run(made(header={"class_names": list("abcd")}, **members))
    with open_run(
        made(header={"class_names": list("abcd")}, **{"probe/colors": np.ones(5, int)})
    ) as run:
        assert run.class_names == tuple("abcd")


@pytest.mark.parametrize(
    ("tokens", "layer", "message"),
    [
        ("each", "encoder", 'tokens="each" makes a point of each token .* leave tokens= out'),
        ("mean", "encoder:0", "there is no layer 'encoder:0': the output of 'encoder' is"),
        ("mean", "encoder" + ":1" * 100_000, "the model has no layer"),
    ],
)
def test_tokens_and_positions_that_the_model_does_not_have(
    made, invoke, tmp_path, tokens, layer, message
):
    path = made(header={"tokens": tokens, "layer": layer})
    with open_run(path) as run:
        assert run.tokens == tokens
        with pytest.raises(ModelError, match=message) as caught:
            run.latents()
        assert str(caught.value).isprintable()
    assert len(invoke("frame", path, "-o", tmp_path / "x.png", status=2).output.splitlines()) == 1
    invoke("info", path)


@pytest.mark.parametrize(
    "shapes", [[(3, 4, 2), (3, 5, 2), (3, 4, 2)], [(3, 0, 2)] * 3, [(3, 4)] * 3, [(3, 4, 0)] * 3]
)
def test_points_of_tokens_that_are_of_another_number(made, invoke, tmp_path, shapes):
    latents = {f"latents/00000{c}/encoder": np.zeros(s, "f4") for c, s in enumerate(shapes)}
    path = made(header={"model": None, "tokens": "each"}, **latents)
    with open_run(path) as run, pytest.raises(ArchiveError, match="latents"):
        run.latents()
    invoke("frame", path, "-o", tmp_path / "x.png", status=2)


def test_colors_of_other_points_than_the_tokens_are(made, invoke, tmp_path):
    latents = {f"latents/00000{c}/encoder": np.zeros((3, 10, 4), "f4") for c in range(3)}
    latents["final/latents/encoder"] = np.zeros((10, 4), "f4")
    path = made(header={"model": None, "tokens": "each"}, **latents)
    with open_run(path) as run:
        assert run.n_points == 10
    refused = invoke("frame", path, "-o", tmp_path / "x.png", status=2).output
    assert "colors must be (10, 3)" in refused


# --- names that are more than text


def test_names_are_shown_as_text(made, invoke, tmp_path):
    header = {
        "layer": NASTY, "phases": [[0, NASTY], [3, "_x"], [5, "$\\frac{1}{0}$"]],
        "actions": [[1, NASTY], [2, "$\\frac{1}{0}$"]],
        "versions": {NASTY: NASTY}, "model": {"name": NASTY, "args": {NASTY: NASTY}},
        "seed": 10**300,
    }  # fmt: skip
    path = made(header=header)
    for line in invoke("info", path).output.splitlines():
        assert line.isprintable(), line
        assert len(line) < 1000
    assert json.loads(invoke("info", path, "--json").output)["layer"] == NASTY
    svg = tmp_path / "timeline.svg"
    assert invoke("timeline", path, "-o", svg).output.rstrip("\n").isprintable()
    words = ElementTree.parse(svg).getroot()
    assert "Phases: " in "".join(words.itertext())
    with open_run(path) as run:
        picture = plot_timeline(run)
        assert picture.title.isprintable()
        assert picture.alt.isprintable()
        assert "$\\frac{1}{0}$ from step 5" in picture.alt
        assert repr(run).isprintable()
    failed = invoke("render", path, "-o", tmp_path / "film.mp4", status=2)
    assert failed.output.startswith("Error: model ")
    assert failed.output.rstrip("\n").isprintable()


def test_a_factory_that_repeats_what_it_was_given(made):
    path = made(header={"model": {"name": "color-mlp", "args": {NASTY: NASTY}}})
    with open_run(path) as run:
        with pytest.raises(ModelError, match="cannot be built from") as caught:
            run.latents()
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 1000


def test_printable():
    assert printable("a\x1b[31mb\nc\u202ed\u200be\ud800f\x7f") == "a [31mb c d e f "
    assert printable("Übung 色 $x_1$") == "Übung 色 $x_1$"
    assert len(printable("x" * 1000)) == 200


@pytest.mark.parametrize("last", [[6, 1 << 52, 1 << 53], [(1 << 53) - 2, (1 << 53) - 1, 1 << 53]])
def test_steps_at_the_limit_can_be_drawn(made, invoke, tmp_path, last):
    path = made(**{"steps/000002": np.array(last)})
    invoke("frame", path, "-o", tmp_path / "frame.png", "--size", "320x180")
    invoke("timeline", path, "-o", tmp_path / "timeline.png")


# --- recordings that were cut off


def test_a_recording_whose_lists_hold_what_is_no_json(entries, tmp_path):
    i = index_of(entries, "chunks/000000")
    entry = json.loads(f.array_from_npy(entries[i].data, "x").tobytes())
    for change in ({"steps": [float("nan"), 2]}, {"steps": ["0", "2"]}, {"count": 10**30}):
        entries[i] = Entry.of("chunks/000000", text_member(json.dumps(entry | change)))
        path = written(tmp_path, pack(entries[: i + 1], part=True), "run.npz.part")
        with pytest.raises(ArchiveError, match="no chunk of it is whole"):
            recovery.recover(path)


@pytest.mark.parametrize(
    "lie",
    [
        {2: 1}, {2: 8}, {3: 99}, {6: 0}, {7: f.LIMIT32}, {8: f.LIMIT32}, {8: 1 << 31},
        {"name": b"../../inputs.npy"}, {9: 0xFFFF}, {10: 20},
        {7: f.LIMIT32, 8: f.LIMIT32, "extra": f.ZIP64_SIZES.pack(1, 16, 188, 76), 10: 20},
        {7: f.LIMIT32, 8: f.LIMIT32, "extra": f.ZIP64_SIZES.pack(1, 16, 1 << 63, 1 << 63), 10: 20},
    ],
)  # fmt: skip
def test_a_recording_ends_where_a_member_lies(entries, tmp_path, lie):
    i = index_of(entries, "states/000001/encoder.0.bias")
    entries[i] = replace(entries[i], local=lie)
    data = pack(entries, part=True)
    found = salvage(lambda at, n: data[at : at + n], len(data), max_bytes=1 << 30)
    assert found.n_steps == 3


# --- all of it at random


def test_mutants():
    """A sample; CONTRIBUTING says how to try 100,000."""
    command = [sys.executable, fuzz.__file__, "--mutants", "300", "--seed", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mutant_reader_would_be_found_out(tmp_path):
    """The fuzzer's own oracles: a reader that looks away from the CRCs is caught."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import fuzz, pathlib\n"
        "from latentviz.archive import reader\n"
        "real = reader.crc32\n"
        "fuzz.MUTATIONS = [fuzz.flip_bits]\n"
        "made = fuzz.subjects\n"
        "def subjects(folder, **options):\n"
        "    found = [s for s in made(folder, **options) if not s.part]\n"
        "    class Any(int):\n"
        "        __eq__ = lambda a, b: True\n"
        "        __ne__ = lambda a, b: False\n"
        "        __hash__ = int.__hash__\n"
        "    reader.crc32 = lambda data, start=0: Any(0)\n"
        "    return found\n"
        "fuzz.subjects = subjects\n"
        "counts, findings = fuzz.try_mutants(range(200), 0, pathlib.Path(sys.argv[2]))\n"
        "assert any('differs' in finding for finding in findings), counts\n"
    )
    folder = str(Path(fuzz.__file__).parent)
    subprocess.run([sys.executable, "-c", code, folder, str(tmp_path)], check=True)
