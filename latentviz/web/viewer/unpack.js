// Arrays of a page, from its bytes; `latentviz/packing/arrays.py` says how they are coded.

/** @import { ArrayRef } from "./document.js" */

/**
 * @typedef {Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>
 *     | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>} Numbers
 */

const BYTES = { u8: 1, u16: 2, u32: 4, i32: 4, f32: 4, f64: 8 };
const PIECE = 1 << 16; // characters of base64; a multiple of 4

/**
 * The bytes that a text in base64 stands for.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytesOfBase64(text) {
  const builtIn = /** @type {{fromBase64?: (text: string) => Uint8Array<ArrayBuffer>}} */ (
    /** @type {unknown} */ (Uint8Array)
  );
  if (builtIn.fromBase64) return builtIn.fromBase64(text);
  const ends = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - ends);
  let n = 0;
  for (let at = 0; at < text.length; at += PIECE) {
    const piece = atob(text.slice(at, at + PIECE));
    for (let i = 0; i < piece.length; i++) bytes[n++] = piece.charCodeAt(i);
  }
  return bytes;
}

/**
 * The array that a reference is of.
 * @param {Uint8Array<ArrayBuffer>} bytes all of the page's
 * @param {ArrayRef} ref
 * @returns {Promise<Numbers>} its numbers by row
 */
export async function readArray(bytes, ref) {
  const size = ref.shape.reduce((product, n) => product * n, 1);
  const planes = await inflate(bytes.subarray(ref.at, ref.at + ref.bytes));
  if (planes.length !== size * BYTES[ref.dtype]) {
    throw new Error(
      `An array of ${ref.dtype} and shape ${ref.shape.join("x")} holds ${planes.length} bytes`,
    );
  }
  const rows = ref.shape[0];
  const width = rows === 0 ? 0 : size / rows;
  const numbers = joined(planes, ref.dtype, size);
  if (ref.dtype !== "f32" && ref.dtype !== "f64" && (ref.delta || ref.dtype === "i32")) {
    unfold(numbers);
  }
  const byRow = ref.columns ? transposed(numbers, width, rows) : numbers;
  // A typed array wraps a sum around as its type does.
  if (ref.delta) for (let i = width; i < size; i++) byRow[i] += byRow[i - width];
  return byRow;
}

/**
 * What a zlib stream holds.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Numbers of their byte planes.
 * @param {Uint8Array<ArrayBuffer>} planes
 * @param {ArrayRef["dtype"]} dtype
 * @param {number} size how many
 * @returns {Numbers}
 */
function joined(planes, dtype, size) {
  if (dtype === "u8") return planes;
  if (dtype === "u16") {
    const numbers = new Uint16Array(size);
    for (let i = 0; i < size; i++) numbers[i] = planes[i] | (planes[size + i] << 8);
    return numbers;
  }
  const n = BYTES[dtype] * size;
  const words = new Uint32Array(n / 4); // written one by one, so little-endian or not is no matter
  const stride = n / size / 4 || 0;
  for (let word = 0; word < stride; word++) {
    const first = 4 * word * size;
    // The lower word of a float64 is the first one where the machine is little-endian.
    const at = LITTLE_ENDIAN ? word : stride - 1 - word;
    for (let i = 0; i < size; i++) {
      words[i * stride + at] =
        planes[first + i] |
        (planes[first + size + i] << 8) |
        (planes[first + 2 * size + i] << 16) |
        (planes[first + 3 * size + i] << 24);
    }
  }
  if (dtype === "u32") return words;
  if (dtype === "i32") return new Int32Array(words.buffer);
  return dtype === "f32" ? new Float32Array(words.buffer) : new Float64Array(words.buffer);
}

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Undo in place what wrote 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
 * @param {Numbers} numbers
 */
function unfold(numbers) {
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = (numbers[i] >>> 1) ^ -(numbers[i] & 1);
  }
}

/**
 * A matrix, its rows for its columns.
 * @param {Numbers} numbers
 * @param {number} rows
 * @param {number} width
 * @returns {Numbers}
 */
function transposed(numbers, rows, width) {
  const result = numbers.slice();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) result[j * rows + i] = numbers[i * width + j];
  }
  return result;
}
