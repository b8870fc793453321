// Where marks stand at a panel's edges, beyond which points lie.

/**
 * The marks of a panel; one where they would overlap, as the film has them (raster/marks.py).
 * @param {Float32Array} spots (2 * N) right and down; NaN: nowhere
 * @param {readonly [number, number]} middle of the panel
 * @param {readonly [number, number]} reach points farther from it lie beyond
 * @param {readonly [number, number]} half of the panel's width and height
 * @param {number} size of a mark
 * @returns {[axis: number, sign: number, along: number][]} the axis across the edge, 0 or 1; on
 *     which side of the middle; and how many sizes from it along the edge
 */
export function edgeMarks(spots, [cx, cy], reach, half, size) {
  // Corners are left to nobody: two sides' marks would meet there.
  const roomX = Math.max(0, half[0] - 1.5 * size);
  const roomY = Math.max(0, half[1] - 1.5 * size);
  const most = Math.ceil(Math.max(roomX, roomY) / size);
  const width = 2 * most + 1;
  const found = new Uint8Array(4 * width);
  // One pass over as many points as there may be: nothing is made for each.
  for (let i = 0; i < spots.length; i += 2) {
    const x = spots[i] - cx;
    const y = spots[i + 1] - cy;
    const across = Math.abs(x) / reach[0];
    const down = Math.abs(y) / reach[1];
    if (!(across > 1 || down > 1)) continue;
    const isAside = across >= down;
    const room = isAside ? roomY : roomX;
    const near = isAside ? y : x;
    const along = Math.round((near < -room ? -room : near > room ? room : near) / size);
    const edge = (isAside ? 0 : 2) + ((isAside ? x : y) > 0 ? 1 : 0);
    // A point that is nowhere along the edge has no mark.
    if (!Number.isNaN(along)) found[edge * width + along + most] = 1;
  }
  /** @type {[number, number, number][]} */
  const marks = [];
  found.forEach((isThere, at) => {
    const edge = Math.floor(at / width);
    if (isThere) marks.push([edge >> 1, edge & 1 ? 1 : -1, (at % width) - most]);
  });
  return marks;
}
