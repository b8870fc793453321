// A row's points on the GPU: their order, and how each looks.

/** @typedef {import("./document.js").Theme} Theme */
/** @typedef {import("./view.js").View} View */

/**
 * A row's arrays.
 * @typedef {object} RowArrays
 * @property {import("./document.js").ByTheme<Uint8Array>} rgb (N * 3)
 * @property {Uint32Array} order (N) the lowest first
 * @property {Float32Array} alphas
 * @property {Float32Array} fadedAlphas
 * @property {Uint32Array | null} highlighted
 * @property {Uint16Array | null} classes (N)
 */

const FARTHEST_DIM = 0.55; // the share of its own color that the farthest point keeps
const [HIDDEN, SEEN, FADED] = [0, 1, 2]; // kinds, as the shader has them

/** The points of a row. */
export class RowPoints {
  #gl;
  #arrays;
  #row;
  #count;
  #points;
  #looks;
  /** @type {Uint32Array} the lowest first, where there is no depth */
  #order = new Uint32Array(0);
  #colors = new Uint8Array(0);
  /** @type {unknown[]} what these were made for */
  #known = [];
  #isFilled = false;

  /**
   * @param {WebGL2RenderingContext} gl
   * @param {RowArrays} arrays
   * @param {number} row
   * @param {number} count N
   */
  constructor(gl, arrays, row, count) {
    this.#gl = gl;
    this.#arrays = arrays;
    this.#row = row;
    this.#count = count;
    this.#points = gl.createBuffer();
    this.#looks = gl.createBuffer();
  }

  /**
   * Says which points there are, in which order, and how each looks; unless that is said already.
   * @param {View} view
   * @param {Float32Array | null} depths (N) in data units, where what is nearer lies on top
   * @param {number} limits of the panel, in data units
   * @param {Theme} theme
   */
  update(view, depths, limits, theme) {
    const known = [view.hidden[this.#row], view.chosen[this.#row], view.theme];
    if (!known.every((part, i) => part === this.#known[i])) {
      this.#known = known;
      this.#look(view);
      this.#isFilled = false;
    }
    const colors = this.#colors;
    if (!depths) {
      if (!this.#isFilled) this.#fill(this.#order, colors);
      this.#isFilled = true;
      return;
    }
    // Nearest on top; of those that stand out, too, but above the others.
    const high = (/** @type {number} */ i) => (colors[4 * i + 3] === FADED ? 0 : 1);
    const order = this.#order.slice().sort((a, b) => high(a) - high(b) || depths[a] - depths[b]);
    this.#fill(order, shaded(colors, depths, limits, rgbOf(theme)));
    this.#isFilled = false;
  }

  /**
   * Has each point's number and look last for all of its groups.
   * @param {number} groups of sub-steps
   */
  bind(groups) {
    const gl = this.#gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#points);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribIPointer(0, 1, gl.UNSIGNED_INT, 0, 0);
    gl.vertexAttribDivisor(0, groups);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#looks);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.vertexAttribDivisor(1, groups);
  }

  /**
   * Finds the order of the points, and the color and kind of each.
   * @param {View} view
   */
  #look(view) {
    const n = this.#count;
    const { rgb, order, highlighted, classes } = this.#arrays;
    const chosen = view.chosen[this.#row];
    const hidden = view.hidden[this.#row];
    const out = chosen.size ? chosen : highlighted ? new Set(highlighted) : null;
    const colors = new Uint8Array(4 * n);
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < 3; c++) colors[4 * i + c] = rgb[view.theme][3 * i + c];
      const isHidden = classes !== null && hidden.has(classes[i]);
      colors[4 * i + 3] = isHidden ? HIDDEN : out && !out.has(i) ? FADED : SEEN;
    }
    this.#colors = colors;
    this.#order = order;
    // Of the film's own highlighted points the order is known.
    if (chosen.size) {
      const low = order.filter((i) => !chosen.has(i));
      this.#order = new Uint32Array(n);
      this.#order.set(low);
      this.#order.set(order.filter((i) => chosen.has(i)), low.length);
    }
  }

  /**
   * Gives the GPU points in an order.
   * @param {Uint32Array} order
   * @param {Uint8Array} colors (N * 4)
   */
  #fill(order, colors) {
    const gl = this.#gl;
    const whole = new Uint32Array(colors.buffer, 0, colors.length / 4);
    const inOrder = new Uint32Array(order.length);
    for (let i = 0; i < order.length; i++) inOrder[i] = whole[order[i]];
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#points);
    gl.bufferData(gl.ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#looks);
    gl.bufferData(gl.ARRAY_BUFFER, inOrder, gl.DYNAMIC_DRAW);
  }
}

/**
 * Colors of points in depth: the farther, the closer to the background.
 * @param {Uint8Array} colors (N * 4)
 * @param {Float32Array} depths (N)
 * @param {number} limits
 * @param {readonly number[]} ground
 */
function shaded(colors, depths, limits, ground) {
  const found = new Uint8Array(colors);
  for (let i = 0; i < depths.length; i++) {
    const near = Math.min(1, Math.max(0, (depths[i] / limits + 1) / 2));
    const share = FARTHEST_DIM + (1 - FARTHEST_DIM) * near;
    for (let c = 0; c < 3; c++) {
      found[4 * i + c] = Math.round(share * colors[4 * i + c] + (1 - share) * ground[c]);
    }
  }
  return found;
}

/**
 * The bytes of a theme's background.
 * @param {Theme} theme
 */
function rgbOf(theme) {
  return [1, 3, 5].map((at) => parseInt(theme.background.slice(at, at + 2), 16));
}
