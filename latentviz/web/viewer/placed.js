// Where points are at the sub-steps of a frame, as a texture of pixels on the canvas.

import { bindTo, ListTexture, programOf } from "./gl.js";
import { COVER_VERTEX, SUMS_FRAGMENT } from "./shaders.js";

/** @typedef {import("./places.js").PlacesReader} PlacesReader */
/** @typedef {import("./planes.js").Plane} Plane */
/** @typedef {import("./gl.js").Program} Program */

const FAR = 1e9; // where nothing is seen
const MOST_WIDTH = 4096;

/**
 * Which sub-steps are drawn: all from `start` up to, and without, `stop`; or, of more than there is
 * room for, that many evenly, the last one always.
 * @param {number} start
 * @param {number} stop
 * @param {number} most
 * @returns {number[]}
 */
export function chosenSteps(start, stop, most) {
  const n = stop - start;
  if (n <= most) return Array.from({ length: n }, (_, i) => start + i);
  return Array.from({ length: most }, (_, i) => start + Math.ceil(((i + 1) * n) / most) - 1);
}

/** The places of a panel's points; on the GPU where it can add up an SVD, else on the CPU. */
export class PanelPlaces {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {PlacesReader} reader
   * @param {boolean} sums whether the GPU may write floats to a texture
   */
  constructor(gl, reader, sums) {
    this.gl = gl;
    this.reader = reader;
    this.texture = new ListTexture(gl, sums && reader.svd ? 4 : 2);
    this.count = 0;
    this.#width = Math.min(MOST_WIDTH, gl.getParameter(gl.MAX_TEXTURE_SIZE));
    if (sums && reader.svd) this.#sums = new Sums(gl, reader, this.texture, this.#width);
  }

  #width;
  /** @type {Sums | null} */
  #sums = null;
  #numbers = new Float32Array(0);

  /**
   * Fills the texture, item s * N + i being point i at sub-step s.
   * @param {Plane} plane in pixels of the canvas
   * @param {readonly number[]} steps
   * @param {number} farthest so far to the sides of the middle nothing is drawn
   */
  fill(plane, steps, farthest) {
    const n = this.reader.shape[1];
    this.count = steps.length;
    this.texture.resize(steps.length * n, this.#width);
    if (this.#sums) {
      this.#sums.fill(plane, steps, farthest);
      return;
    }
    const rows = Math.ceil((steps.length * n) / this.#width);
    if (this.#numbers.length < 2 * rows * this.#width) {
      this.#numbers = new Float32Array(2 * rows * this.#width);
    }
    steps.forEach((step, s) => {
      const out = this.#numbers.subarray(2 * s * n, 2 * (s + 1) * n);
      projected(plane, this.reader.read(step), farthest, out);
    });
    this.texture.fill(this.#numbers, rows);
  }

  /** Frees it. */
  dispose() {
    this.texture.dispose();
    this.#sums?.dispose();
  }
}

/**
 * Where points are on the canvas, right and down.
 * @param {Plane} plane
 * @param {Float32Array} places (N * k)
 * @param {number} farthest
 * @param {Float32Array} out (2 * N)
 */
function projected(plane, places, farthest, out) {
  const { right, up, center, pxPerUnit, middle } = plane;
  const k = right.length;
  const used = usedComponents(plane);
  for (let i = 0; 2 * i < out.length; i++) {
    let x = 0;
    let y = 0;
    for (const j of used) {
      const from = places[i * k + j] - center[j];
      x += right[j] * from;
      y += up[j] * from;
    }
    x *= pxPerUnit;
    // A point that is nowhere is off the page.
    out[2 * i] = Math.abs(x) <= farthest ? middle[0] + x : FAR;
    out[2 * i + 1] = Number.isFinite(y) ? middle[1] - y * pxPerUnit : FAR;
  }
}

/**
 * The components of which a plane shows anything.
 * @param {Plane} plane
 */
function usedComponents(plane) {
  return Array.from(plane.right.keys()).filter((j) => plane.right[j] || plane.up[j]);
}

/** Adds up an SVD on the GPU. */
class Sums {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {PlacesReader} reader with an SVD
   * @param {ListTexture} target
   * @param {number} width of the target
   */
  constructor(gl, reader, target, width) {
    this.gl = gl;
    this.reader = reader;
    this.target = target;
    this.width = width;
    this.#program = programOf(gl, COVER_VERTEX, SUMS_FRAGMENT);
    this.#basis = new ListTexture(gl, 2);
    this.#mean = new ListTexture(gl, 2);
    this.#coefficients = new ListTexture(gl, 1);
    this.#buffer = gl.createFramebuffer();
  }

  /** @type {Program} */
  #program;
  #basis;
  #mean;
  #coefficients;
  #buffer;
  #known = "";

  /**
   * @param {Plane} plane
   * @param {readonly number[]} steps
   * @param {number} farthest
   */
  fill(plane, steps, farthest) {
    const { gl, reader, target } = this;
    const svd = reader.svd;
    if (!svd) return;
    const n = reader.shape[1];
    this.#turn(plane);
    const weights = new Float32Array(steps.length * svd.rank);
    steps.forEach((step, s) => {
      const from = step * svd.rank;
      weights.set(svd.coefficients.subarray(from, from + svd.rank), s * svd.rank);
    });
    this.#coefficients.resize(weights.length, svd.rank);
    this.#coefficients.fill(weights, steps.length);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#buffer);
    gl.framebufferTexture2D(
      gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, target.texture, 0,
    );
    const rows = Math.ceil((steps.length * n) / this.width);
    gl.viewport(0, 0, this.width, rows);
    gl.disable(gl.BLEND);
    gl.disable(gl.SCISSOR_TEST);
    const { program, at } = this.#program;
    gl.useProgram(program);
    bindTo(gl, this.#program, "u_basis", this.#basis.texture, 0);
    bindTo(gl, this.#program, "u_mean", this.#mean.texture, 1);
    bindTo(gl, this.#program, "u_coefficients", this.#coefficients.texture, 2);
    gl.uniform1i(at("u_points"), n);
    gl.uniform1i(at("u_rank"), svd.rank);
    gl.uniform1i(at("u_count"), steps.length);
    gl.uniform1i(at("u_width"), this.width);
    gl.uniform2f(at("u_middle"), plane.middle[0], plane.middle[1]);
    gl.uniform1f(at("u_farthest"), farthest);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  /**
   * Turns the basis and the mean to the page, if the plane is another one than before.
   * @param {Plane} plane
   */
  #turn(plane) {
    const { reader } = this;
    const svd = reader.svd;
    const key = [...plane.right, ...plane.up, ...plane.center, plane.pxPerUnit].join();
    if (!svd || key === this.#known) return;
    this.#known = key;
    const [, n, k] = reader.shape;
    const [across, down] = [new Float64Array(k), new Float64Array(k)];
    const shift = [0, 0];
    for (let j = 0; j < k; j++) {
      across[j] = plane.right[j] * plane.pxPerUnit * reader.scale[j];
      down[j] = -plane.up[j] * plane.pxPerUnit * reader.scale[j];
      const from = reader.origin[j] - plane.center[j];
      shift[0] += plane.right[j] * plane.pxPerUnit * from;
      shift[1] -= plane.up[j] * plane.pxPerUnit * from;
    }
    const used = usedComponents(plane);
    const fill = (
      /** @type {ListTexture} */ list,
      /** @type {Float32Array} */ values,
      /** @type {number[]} */ added,
    ) => {
      const count = values.length / k;
      list.resize(count, this.width);
      const rows = Math.ceil(count / this.width);
      const turned = new Float32Array(2 * rows * this.width);
      for (let i = 0; i < count; i++) {
        let [x, y] = added;
        for (const j of used) {
          x += across[j] * values[i * k + j];
          y += down[j] * values[i * k + j];
        }
        turned[2 * i] = x;
        turned[2 * i + 1] = y;
      }
      list.fill(turned, rows);
    };
    fill(this.#basis, svd.basis.subarray(0, svd.rank * n * k), [0, 0]);
    fill(this.#mean, svd.mean, shift);
  }

  /** Frees it. */
  dispose() {
    this.gl.deleteProgram(this.#program.program);
    this.gl.deleteFramebuffer(this.#buffer);
    for (const list of [this.#basis, this.#mean, this.#coefficients]) list.dispose();
  }
}
