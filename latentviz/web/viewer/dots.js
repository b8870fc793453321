// The dots: each a trail of its sub-steps, blended as the film's compositor does.

import { bindTo, programOf } from "./gl.js";
import { chosenSteps, PanelPlaces } from "./placed.js";
import { depthsOf, pagePlaces, planeOf } from "./planes.js";
import { RowPoints } from "./row-points.js";
import {
  COPY_FRAGMENT,
  COVER_VERTEX,
  DOTS_FRAGMENT,
  DOTS_VERTEX,
  MOST_GROUP,
} from "./shaders.js";

/** @typedef {import("./document.js").CloudPlace} CloudPlace */
/** @typedef {import("./document.js").Layout} Layout */
/** @typedef {import("./document.js").ViewerDocument} ViewerDocument */
/** @typedef {import("./gl.js").Program} Program */
/** @typedef {import("./moments.js").Moments} Moments */
/** @typedef {import("./places.js").PlacesReader} PlacesReader */
/** @typedef {import("./planes.js").Plane} Plane */
/** @typedef {import("./row-points.js").RowArrays} RowArrays */
/** @typedef {import("./view.js").View} View */

const HIGHLIGHTED_PX = 5; // radius, at least, times the layout's scale; as in the film
const DRAFT_SHARE = 0.5; // of the pixels of either side
const MANY_POINTS = 5000; // of which each sub-step has a quad of its own
const SAMPLED = 48; // points by which is judged how far they move
const MOST_ITEMS = 1 << 22; // of a texture of places
// Dots of a panel where the browser itself draws: it takes seconds for a hundred thousand.
const MOST_SOFTWARE_ITEMS = 100_000;

/** Draws the dots of all panels on a transparent canvas. */
export class DotsPainter {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {ViewerDocument} document
   * @param {readonly PlacesReader[]} readers by row
   * @param {readonly RowArrays[]} arrays by row
   * @param {Moments} moments
   */
  constructor(canvas, document, readers, arrays, moments) {
    const gl = canvas.getContext("webgl2", {
      alpha: true,
      antialias: false,
      depth: false,
      premultipliedAlpha: true,
      preserveDrawingBuffer: true,
    });
    if (!gl) throw new Error("This page needs WebGL2, which this browser does not offer here.");
    this.canvas = canvas;
    this.document = document;
    this.readers = readers;
    this.arrays = arrays;
    this.moments = moments;
    this.gl = gl;
    /** @type {() => void} is called when the browser takes the GPU away */
    this.onLost = () => {};
    /** @type {() => void} is called when all must be drawn again */
    this.onRestored = () => {};
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault(); // else it would not come back
      this.onLost();
    });
    canvas.addEventListener("webglcontextrestored", () => {
      this.#build();
      this.onRestored();
    });
    this.#build();
  }

  /** @type {Layout | null} */
  #layout = null;
  /** @type {CloudPlace[]} */
  #clouds = [];
  #scale = 1;
  #full = 1;
  #draft = false;
  #sums = false;
  #fine = false;
  /** Whether there is no GPU, and the browser itself draws. */
  isSoftware = false;
  /** @type {Program} */
  #dots = /** @type {Program} */ (/** @type {unknown} */ (null));
  /** @type {Program} */
  #copy = /** @type {Program} */ (/** @type {unknown} */ (null));
  /** @type {WebGLVertexArrayObject | null} */
  #vertices = null;
  /** @type {RowPoints[]} by row */
  #points = [];
  /** @type {WebGLFramebuffer | null} */
  #buffer = null;
  /** @type {WebGLTexture | null} */
  #target = null;
  /** @type {PanelPlaces[]} */
  #places = [];

  /** Whether dots are blended in finer levels than the canvas has. */
  get #isFine() {
    return this.#fine && !this.#draft;
  }

  /** Whether the browser has taken the GPU away: nothing is drawn until it is back. */
  get isLost() {
    return this.gl.isContextLost();
  }

  /** Makes all that lives on the GPU. */
  #build() {
    const { gl } = this;
    this.#sums = gl.getExtension("EXT_color_buffer_float") !== null;
    this.#fine = this.#sums || gl.getExtension("EXT_color_buffer_half_float") !== null;
    const about = gl.getExtension("WEBGL_debug_renderer_info");
    const name = about ? String(gl.getParameter(about.UNMASKED_RENDERER_WEBGL)) : "";
    this.isSoftware = /swiftshader|llvmpipe|software|basic render/i.test(name);
    this.#dots = programOf(gl, DOTS_VERTEX, DOTS_FRAGMENT);
    this.#copy = programOf(gl, COVER_VERTEX, COPY_FRAGMENT);
    this.#vertices = gl.createVertexArray();
    this.#points = this.arrays.map((arrays, r) =>
      new RowPoints(gl, arrays, r, this.document.rows[r].points),
    );
    this.#buffer = gl.createFramebuffer();
    this.#target = null;
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.#places = this.document.layouts[0].panels
      .filter((panel) => panel.kind === "cloud")
      .map((panel) => new PanelPlaces(gl, this.readers[panel.row], this.#sums));
    if (this.#layout) this.setLayout(this.#layout, this.#full, this.#draft);
  }

  /**
   * Draws on a layout from now on.
   * @param {Layout} layout
   * @param {number} full pixels of the canvas for one of the layout
   * @param {boolean} [draft] whether to draw less sharply: what moves on a slow machine
   */
  setLayout(layout, full, draft = false) {
    const { gl, canvas } = this;
    this.#layout = layout;
    const scale = draft ? DRAFT_SHARE * full : full;
    this.#full = full;
    this.#draft = draft;
    this.#scale = scale;
    this.#clouds = layout.panels.filter((panel) => panel.kind === "cloud");
    const [width, height] = layout.size.map((side) => Math.max(1, Math.round(side * scale)));
    if (canvas.width !== width || canvas.height !== height || !this.#target) {
      canvas.width = width;
      canvas.height = height;
      if (this.#isFine) {
        gl.deleteTexture(this.#target);
        this.#target = gl.createTexture();
        gl.bindTexture(gl.TEXTURE_2D, this.#target);
        gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA16F, width, height);
        for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
          gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
        }
      }
    }
  }

  /**
   * Whether a view can be drawn at once.
   * @param {View} view
   */
  isReady(view) {
    return this.#needed(view).every(([reader, start, stop]) => reader.isLoaded(start, stop));
  }

  /**
   * Loads what a view needs.
   * @param {View} view
   */
  async prepare(view) {
    await Promise.all(this.#needed(view).map(([reader, start, stop]) => reader.load(start, stop)));
  }

  /**
   * Which places a view needs.
   * @param {View} view
   * @returns {[PlacesReader, number, number][]}
   */
  #needed(view) {
    return this.document.rows.map((row, r) => {
      const [start, stop] = this.moments.placesOf(row.run, view.moment, view.span);
      return [this.readers[r], start, stop];
    });
  }

  /**
   * Draws a view, which must be ready.
   * @param {View} view
   */
  draw(view) {
    const { gl, canvas } = this;
    const layout = this.#layout;
    if (!layout || gl.isContextLost()) return;
    // First all sums, then all dots: no switching to and fro between targets.
    const drawn = this.#clouds.map((place, p) => this.#place(place, p, view));
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#isFine ? this.#buffer : null);
    if (this.#isFine) {
      gl.framebufferTexture2D(
        gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.#target, 0,
      );
    }
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.enable(gl.SCISSOR_TEST);
    // Where dots of two overlap, the earlier panel's lie on top.
    for (let p = this.#clouds.length - 1; p >= 0; p--) this.#drawPanel(p, view, drawn[p], layout);
    gl.disable(gl.SCISSOR_TEST);
    gl.disable(gl.BLEND);
    if (this.#isFine) {
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.useProgram(this.#copy.program);
      bindTo(gl, this.#copy, "u_drawn", this.#target, 0);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
  }

  /**
   * Finds where a panel's points are.
   * @param {CloudPlace} place
   * @param {number} p
   * @param {View} view
   */
  #place(place, p, view) {
    const row = this.document.rows[place.row];
    const scaled = planeOf(place, row, view.panels[p], view.tour);
    /** @type {Plane} */
    const plane = {
      ...scaled,
      pxPerUnit: scaled.pxPerUnit * this.#scale,
      middle: [scaled.middle[0] * this.#scale, scaled.middle[1] * this.#scale],
    };
    const alphas = this.arrays[place.row].alphas;
    const [start, stop] = this.moments.placesOf(row.run, view.moment, view.span);
    const items = this.isSoftware ? MOST_SOFTWARE_ITEMS : MOST_ITEMS;
    const most = Math.max(1, Math.min(alphas.length, Math.floor(items / row.points)));
    const steps = chosenSteps(start, stop, most);
    // Without a frame a dot may run over into the neighbour, but not as far as to pass for one of
    // its own.
    const farthest = row.framed ? 1e8 : place.body.width * this.#scale;
    this.#places[p].fill(plane, steps, farthest);
    return { plane, steps };
  }

  /**
   * Draws a panel's dots.
   * @param {number} p
   * @param {View} view
   * @param {{plane: Plane, steps: number[]}} drawn
   * @param {Layout} layout
   */
  #drawPanel(p, view, { plane, steps }, layout) {
    const { gl, canvas } = this;
    const place = this.#clouds[p];
    const row = this.document.rows[place.row];
    const arrays = this.arrays[place.row];
    this.#clip(place, row.framed, layout);
    const count = steps.length;
    const chosen = view.chosen[place.row];
    const standsOut = chosen.size > 0 || arrays.highlighted !== null;
    const small = place.dot_radius * place.px_per_unit * this.#scale;
    const large = standsOut ? Math.max(small, HIGHLIGHTED_PX * layout.scale * this.#scale) : small;
    const points = this.#points[place.row];
    const depths = plane.toward
      ? depthsOf(plane, this.readers[place.row].read(steps[count - 1]))
      : null;
    points.update(view, depths, plane.limits, this.document.themes[view.theme]);
    const group = this.#groupOf(p, plane, steps, large);
    const groups = Math.ceil(count / group);
    const { program, at } = this.#dots;
    gl.useProgram(program);
    gl.bindVertexArray(this.#vertices);
    points.bind(groups);
    bindTo(gl, this.#dots, "u_places", this.#places[p].texture.texture, 0);
    gl.uniform1i(at("u_points"), row.points);
    gl.uniform1i(at("u_count"), count);
    gl.uniform1i(at("u_group"), group);
    gl.uniform1i(at("u_groups"), groups);
    gl.uniform2f(at("u_radius"), large, small);
    gl.uniform2f(at("u_alpha"), arrays.alphas[count - 1], arrays.fadedAlphas[count - 1]);
    gl.uniform2f(at("u_size"), canvas.width, canvas.height);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, row.points * groups);
    gl.bindVertexArray(null);
  }

  /**
   * Lets dots cover a panel's frame alone; or all that is above what stands below.
   * @param {CloudPlace} place
   * @param {boolean} framed
   * @param {Layout} layout
   */
  #clip(place, framed, layout) {
    const box = framed ? place.body : layout.dots;
    const [left, top] = [Math.round(box.x * this.#scale), Math.round(box.y * this.#scale)];
    const right = Math.round((box.x + box.width) * this.#scale);
    const bottom = Math.round((box.y + box.height) * this.#scale);
    this.gl.scissor(left, this.canvas.height - bottom, right - left, bottom - top);
  }

  /**
   * How many sub-steps share a quad: all of them where points move little, one where they jump.
   * @param {number} p
   * @param {Plane} plane
   * @param {readonly number[]} steps
   * @param {number} radius
   */
  #groupOf(p, plane, steps, radius) {
    const count = steps.length;
    const reader = this.#places[p].reader;
    const [, n, k] = reader.shape;
    if (count === 1 || n > MANY_POINTS) return 1;
    const every = Math.max(1, Math.floor(n / SAMPLED));
    const side = 2 * radius + 2;
    let boxes = 0;
    let discs = 0;
    const [first, last] = [reader.read(steps[0]), reader.read(steps[count - 1])];
    for (let i = 0; i < n; i += every) {
      const at = (/** @type {Float32Array} */ places) =>
        pagePlaces(plane, places.subarray(i * k, (i + 1) * k));
      const [a, b] = [at(first), at(last)];
      boxes += (side + Math.abs(a[0] - b[0])) * (side + Math.abs(a[1] - b[1]));
      discs += side * side;
    }
    return boxes <= 3 * discs ? Math.min(count, MOST_GROUP) : 1;
  }

  /** Frees all that lives on the GPU. */
  dispose() {
    for (const places of this.#places) places.dispose();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
