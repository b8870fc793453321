"""Arrays as bytes: what is put in comes out, in Python and in the page."""

import base64
import json
import zlib

import numpy as np
import pytest
from by_node import printed

from latentviz.packing.arrays import ArrayTable, array_at, code, decode

RNG = np.random.default_rng(3)
WHOLE = {"u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "i32": np.int32}


def whole(dtype, *shape):
    """Of the type's whole range, with both its ends."""
    info = np.iinfo(dtype)
    array = RNG.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    array.reshape(-1)[:2] = info.max, info.min
    return array


def cases():
    """Name, array and options of arrays of every kind."""
    for name, dtype in WHOLE.items():
        for shape in ((7,), (5, 3), (4, 3, 2), (3, 1), (1, 6)):
            for delta in (False, True):
                for columns in (False, True):
                    yield name, whole(dtype, *shape), {"delta": delta, "columns": columns}
        yield name, np.zeros((0, 3), dtype), {"delta": True, "columns": True}
    special = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-310, np.pi]
    yield "f32", np.array(special, np.float32), {}
    yield "f64", np.array(special, np.float64), {}
    yield "f64", RNG.normal(size=(4, 5)), {"columns": True}
    far = np.array([[2.0**52 - 1, -3], [1 - 2.0**52, 5], [0, 2.0**40]])
    yield "f64", far, {"delta": True}
    yield "f64", far, {"delta": True, "columns": True}


def same(got, array):
    return (
        got.dtype == array.dtype and got.shape == array.shape and got.tobytes() == array.tobytes()
    )


def test_arrays_come_back():
    table = ArrayTable()
    refs = [(table.add(array, **options), array, name) for name, array, options in cases()]
    assert len(table.data) == table.n_bytes
    for ref, array, name in refs:
        assert ref["dtype"] == name
        assert same(array_at(table.data, ref), array), ref


def test_arrays_come_back_in_the_page():
    table = ArrayTable()
    all_cases = list(cases())
    refs = [table.add(array, **options) for _, array, options in all_cases]
    text = base64.b64encode(table.data).decode()
    got = json.loads(
        printed(
            """
import { bytesOfBase64, readArray } from "VIEWER/unpack.js";
const { text, refs } = given;
const bytes = bytesOfBase64(text);
const arrays = [];
for (const ref of refs) {
  const array = await readArray(bytes, ref);
  arrays.push([array.constructor.name, Buffer.from(array.buffer).toString("base64")]);
}
console.log(JSON.stringify(arrays));
""",
            given={"text": text, "refs": refs},
        )
    )
    types = {"u8": "Uint8", "u16": "Uint16", "u32": "Uint32", "i32": "Int32", "f32": "Float32",
             "f64": "Float64"}  # fmt: skip
    assert len(got) == len(all_cases)
    for (kind, data), (name, array, options) in zip(got, all_cases, strict=True):
        assert kind == types[name] + "Array"
        assert base64.b64decode(data) == array.tobytes(), (name, array.shape, options)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 49_152, 49_153, 100_000])
def test_base64_in_the_page(size):
    data = RNG.bytes(size)
    got = json.loads(
        printed(
            """
import { bytesOfBase64 } from "VIEWER/unpack.js";
const text = given;
const inPieces = bytesOfBase64(text);
Uint8Array.fromBase64 = (given) => new Uint8Array(Buffer.from(given, "base64"));
const builtIn = bytesOfBase64(text);
console.log(JSON.stringify([inPieces, builtIn].map((b) => Buffer.from(b).toString("hex"))));
""",
            given=base64.b64encode(data).decode(),
        )
    )
    assert got == [data.hex(), data.hex()]


def test_a_damaged_array_is_an_error_in_the_page():
    table = ArrayTable()
    ref = table.add(np.arange(10, dtype=np.int32))
    got = json.loads(
        printed(
            """
import { readArray } from "VIEWER/unpack.js";
const { data, ref } = given;
const error = await readArray(new Uint8Array(data), ref).catch((error) => error);
console.log(JSON.stringify(error.message));
""",
            given={"data": list(table.data), "ref": {**ref, "shape": [11]}},
        )
    )
    assert got == "An array of i32 and shape 11 holds 40 bytes"


def test_equal_arrays_are_there_once():
    table = ArrayTable()
    first = table.add(np.arange(1000, dtype=np.uint32))
    n_bytes = table.n_bytes
    again = table.add(np.arange(1000, dtype=np.uint32))
    assert again == first
    assert table.n_bytes == n_bytes
    again["shape"].append(1)  # what a caller does to a ref is no matter
    assert table.add(np.arange(1000, dtype=np.uint32)) == first
    assert table.add(np.arange(1000, dtype=np.uint32).reshape(10, 100)) != first
    assert table.add(np.arange(1000, dtype=np.int32)) != first


def test_the_order_of_bytes_in_memory_is_no_matter():
    array = whole(np.uint32, 5, 4)
    assert code(array.astype(">u4")) == code(array)
    assert code(np.asfortranarray(array)) == code(array)


def test_smooth_columns_are_small():
    steps = np.arange(5000)[:, None]
    array = (1000 * np.sin(steps / np.arange(300, 364))).astype(np.int32)
    assert len(code(array, delta=True, columns=True).data) < array.nbytes / 10


@pytest.mark.parametrize(
    ("array", "options", "error"),
    [
        (np.arange(3), {}, TypeError),
        (np.zeros(3, bool), {}, TypeError),
        (np.zeros(3, np.float32), {"delta": True}, TypeError),
        (np.int32(3).reshape(()), {}, ValueError),
        (np.array([0.5]), {"delta": True}, ValueError),
        (np.array([2.0**52]), {"delta": True}, ValueError),
        (np.array([np.nan]), {"delta": True}, ValueError),
    ],
)
def test_what_has_no_code(array, options, error):
    with pytest.raises(error):
        code(array, **options)


def test_another_may_compress():
    numbers = np.arange(60, dtype=np.int32).reshape(20, 3)
    given = []

    def compress(data):
        given.append(bytes(data))
        return zlib.compress(data, 0)

    coded = code(numbers, delta=True, compress=compress)
    assert len(given) == 1
    assert coded.data == zlib.compress(given[0], 0) != code(numbers, delta=True).data
    assert np.array_equal(decode(coded), numbers)
