import io
import itertools
import json
import math
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentviz.archive import format as f
from latentviz.archive.deflate import crc32, deflate, inflate
from latentviz.errors import ArchiveError

quick = settings(max_examples=60, deadline=None, database=None, derandomize=True)
shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def npy(text: str, data: bytes = b"", magic: bytes = b"\x93NUMPY\x01\x00") -> bytes:
    header = text.encode() + b"\n"
    return magic + len(header).to_bytes(2, "little") + header + data


def header(descr: str = "'<f4'", fortran: str = "False", shape: str = "(2,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


@quick
@given(dtype=st.sampled_from(sorted(f.DTYPES, key=str)), shape=shapes)
def test_npy_round_trip(dtype, shape):
    array = np.arange(math.prod(shape)).astype(dtype).reshape(shape)
    ours = f.npy_header(dtype, shape) + array.tobytes()
    stock = io.BytesIO()
    np.save(stock, array, allow_pickle=False)
    for back in (
        f.array_from_npy(ours, "x"),
        f.array_from_npy(memoryview(ours), "x"),
        f.array_from_npy(stock.getvalue(), "x"),
        np.load(io.BytesIO(ours), allow_pickle=False),
    ):
        assert back.dtype == dtype
        assert back.shape == shape
        assert back.tobytes() == array.tobytes()
    assert not f.array_from_npy(ours, "x").flags.writeable
    assert len(f.npy_header(dtype, shape)) % 64 == 0


@pytest.mark.parametrize("dtype", ["O", "U3", "S3", "c8", "M8[s]", ">f4", "f4,i4", np.longdouble])
def test_a_dtype_that_no_archive_may_hold_is_not_written(dtype):
    with pytest.raises(ArchiveError, match="float16/32/64, integer or bool, got"):
        f.npy_header(np.dtype(dtype), (2,))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a .npy array of version 1.0"),
        (b"\x93NUMPY\x01", "not a .npy array of version 1.0"),
        (npy(header(), bytes(8), b"\x93NUMPY\x02\x00"), "not a .npy array of version 1.0"),
        (npy(header(), bytes(8), b"PK\3\4\0\0\0\0"), "not a .npy array of version 1.0"),
        (npy(header(), bytes(7)), "should hold 76 bytes"),
        (npy(header(), bytes(9)), "should hold 76 bytes"),
        (npy(header(shape="(999999999999999999, 999999999999999999)")), "should hold"),
        (npy(header("'>f4'"), bytes(8)), "malformed"),
        (npy(header("'|O'"), bytes(8)), "malformed"),
        (npy(header("'<U1'"), bytes(8)), "malformed"),
        (npy(header("'<c8'"), bytes(16)), "dtype <c8, which is not allowed"),
        (npy(header("'<f3'"), bytes(6)), "dtype <f3, which is not allowed"),
        (npy(header("[('a', '<f4')]"), bytes(8)), "malformed"),
        (npy(header(fortran="True"), bytes(8)), "malformed"),
        (npy(header(shape="2"), bytes(8)), "malformed"),
        (npy(header(shape="(-2,)"), bytes(8)), "malformed"),
        (npy(header(shape="(2.0,)"), bytes(8)), "malformed"),
        (npy(header(shape="(2,,)"), bytes(8)), "malformed"),
        (npy(header(shape="(__import__('os').getpid(),)"), bytes(8)), "malformed"),
        (npy(header(shape="(" + "9" * 19 + ",)")), "malformed"),
        (npy(header()[:-1] + "'x': 1, }", bytes(8)), "malformed"),
        (npy("{'shape': (2,), 'descr': '<f4', 'fortran_order': False, }", bytes(8)), "malformed"),
        (npy(header() + " " * f.MAX_HEADER_BYTES, bytes(8)), "malformed"),
        (npy(header(), bytes(8)).replace(b"\n", b" ", 1), "malformed"),
        (npy(header())[:40], "malformed"),
    ],
)
def test_a_malformed_npy_is_refused(data, message):
    with pytest.raises(ArchiveError, match=message) as caught:
        f.array_from_npy(data, "states/000000/w")
    assert "member 'states/000000/w'" in str(caught.value)


def test_every_dtype_that_the_grammar_admits_is_one_of_ours_or_refused():
    allowed = {dtype.str for dtype in f.DTYPES}
    for order, kind, size in itertools.product("<|", string.ascii_lowercase, string.digits):
        code = f"{order}{kind}{size}"
        data = npy(header(f"'{code}'", shape="()"), bytes(int(size)))
        try:
            array = f.array_from_npy(data, "x")
        except ArchiveError:
            assert code not in allowed
        else:
            assert array.dtype.str in allowed


@quick
@given(st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.lists(st.booleans())))
def test_json_round_trip(value):
    array = f.json_array(value)
    assert array.dtype == np.uint8
    assert f.json_value(array, "header") == value


@pytest.mark.parametrize(
    "array",
    [
        np.frombuffer(b"[1]", np.uint8),
        np.frombuffer(b"{", np.uint8),
        np.frombuffer(b"\xff\xfe", np.uint8),
        np.frombuffer(b"[" * 100_000, np.uint8),
        np.frombuffer(b"{} ", np.int8),
        np.zeros(0, np.uint8),
    ],
)
def test_what_is_no_json_object_is_refused(array):
    with pytest.raises(ArchiveError, match="'manifest' should be a JSON object"):
        f.json_value(array, "manifest")


@pytest.mark.parametrize(
    "name", ["a", "states/000000/encoder.0.weight", "params/000000/a b", "x-y_z@1,(2)[3]=+", "a.b"]
)
def test_a_plain_name_is_stored_as_it_is(name):
    assert f.stored_name(name) == f.given_name(name) == name


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("losses/000000/β·KL", "losses/000000/%CE%B2%C2%B7KL"), ("損失", "%E6%90%8D%E5%A4%B1"),
        ("src#paper", "src%23paper"), ("x->y", "x-%3Ey"), ("größe", "gr%C3%B6%C3%9Fe"),
        ("100 %", "100 %25"), ("%41", "%2541"), (" a", "%20a"), ("a/.b", "a/%2Eb"),
        ("../x", "%2E./x"), ("/etc", "%2Fetc"), ("a//b", "a/%2Fb"), ("a/", "a%2F"), ("/", "%2F"),
        ("a\\b", "a%5Cb"), ("C:a", "C%3Aa"), ("a\n", "a%0A"), ("a\0", "a%00"),
        ("\ud800", "%ED%A0%80"),
        ("\ud83d\ude00", "%F0%9F%98%80"),
    ],
)  # fmt: skip
def test_a_name_that_is_escaped(name, stored):
    assert f.stored_name(name) == stored
    assert f.given_name(stored) == f.whole_text(name)


@quick
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=12))
def test_any_name_is_stored_in_plain_ascii_and_read_back(name):
    stored = f.stored_name(f"losses/000000/{name}")
    assert all(part.strip(" .") for part in stored.split("/"))
    assert set(stored) <= set(string.ascii_letters + string.digits + "_-.+@=,()[]/ %")
    assert f.given_name(stored) == f"losses/000000/{f.whole_text(name)}"
    assert json.loads(json.dumps(name)) == f.whole_text(name)


@pytest.mark.parametrize("name", ["", "a" * 201, "損" * 23])
def test_a_name_that_is_refused(name):
    with pytest.raises(ArchiveError, match="cannot name a member"):
        f.stored_name(name)


@pytest.mark.parametrize(
    "stored",
    [
        *(
            "%61",
            "a%2Fb",
            "%e6%90%8d",
            "%E6%90",
            "%FF",
            "%",
            "%2",
            "%GG",
            "a%",
            "%ED%A0%BD%ED%B8%80",
        ),
        *("", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.b", "a\\b", "C:a"),
        *("a\n", "a\0b", "é", "a*", "a?", "~a/b;c", "'a'", "a" * 201, "%E6%90%8D" * 23, "%C0%AF"),
    ],
)
def test_a_stored_name_that_nobody_writes(stored):
    assert f.given_name(stored) is None


@quick
@given(st.binary(max_size=2000), st.integers(1, 50))
def test_deflate_round_trip(data, repeats):
    data *= repeats
    packed = deflate(data)
    assert inflate(packed, len(data)) == data
    assert inflate(packed, len(data) + 1) is None
    assert inflate(packed + b"\0", len(data)) is None
    assert inflate(packed[:-1], len(data)) is None
    if data:
        assert inflate(packed, len(data) - 1) is None


def test_a_bomb_is_not_unpacked():
    bomb = deflate(bytes(50_000_000))
    assert inflate(bomb, 10) is None


def test_crc32_can_be_continued():
    assert crc32(b"123456789") == 0xCBF43926  # the check value of CRC-32/ISO-HDLC
    assert crc32(b"6789", crc32(b"12345")) == 0xCBF43926
