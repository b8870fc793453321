// Small things of WebGL2: programs, and textures that are lists.

/** @typedef {{program: WebGLProgram, at: (name: string) => WebGLUniformLocation | null}} Program */

/**
 * A compiled program.
 * @param {WebGL2RenderingContext} gl
 * @param {string} vertex
 * @param {string} fragment
 * @returns {Program}
 */
export function programOf(gl, vertex, fragment) {
  const program = gl.createProgram();
  const sources = /** @type {[number, string][]} */ ([
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ]);
  for (const [kind, source] of sources) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("WebGL has no more room for programs.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    const why = gl.getProgramInfoLog(program);
    throw new Error(`This browser's WebGL refuses the page's program: ${why}`);
  }
  /** @type {Map<string, WebGLUniformLocation | null>} */
  const known = new Map();
  const at = (/** @type {string} */ name) => {
    let place = known.get(name);
    if (place === undefined) {
      place = gl.getUniformLocation(program, name);
      known.set(name, place);
    }
    return place;
  };
  return { program, at };
}

/** Numbers in a texture, as a list of items of one, two or four of them. */
export class ListTexture {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {1|2|4} each how many numbers an item has
   */
  constructor(gl, each) {
    this.gl = gl;
    this.each = each;
    this.texture = gl.createTexture();
    this.width = 0;
    this.height = 0;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
    }
  }

  /**
   * Makes room for a list, in rows of a width.
   * @param {number} count
   * @param {number} width
   */
  resize(count, width) {
    const { gl } = this;
    const height = Math.max(1, Math.ceil(count / width));
    if (width === this.width && height <= this.height) return;
    this.width = width;
    this.height = Math.max(height, width === this.width ? 2 * this.height : 0);
    const [inside, format] = this.#formats();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, inside, width, this.height, 0, format, gl.FLOAT, null);
  }

  /**
   * Fills it from the beginning.
   * @param {Float32Array} numbers whole rows
   * @param {number} rows
   */
  fill(numbers, rows) {
    const { gl } = this;
    const format = this.#formats()[1];
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, this.width, rows, format, gl.FLOAT, numbers);
  }

  /** Frees it. */
  dispose() {
    this.gl.deleteTexture(this.texture);
  }

  #formats() {
    const { gl } = this;
    if (this.each === 1) return [gl.R32F, gl.RED];
    return this.each === 2 ? [gl.RG32F, gl.RG] : [gl.RGBA32F, gl.RGBA];
  }
}

/**
 * Has a sampler of the current program read a texture.
 * @param {WebGL2RenderingContext} gl
 * @param {Program} program
 * @param {string} name
 * @param {WebGLTexture | null} texture
 * @param {number} unit
 */
export function bindTo(gl, program, name, texture, unit) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.uniform1i(program.at(name), unit);
  gl.activeTexture(gl.TEXTURE0);
}
