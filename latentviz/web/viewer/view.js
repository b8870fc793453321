// What is looked at: plain data, made by `state.js` and drawn by the painters.

/**
 * How a panel of points is looked at.
 * @typedef {object} PanelView
 * @property {readonly number[]} dims indices among the row's components: two, right and up; or
 *     three, right, up and toward the viewer, which are turned; or none: the grand tour
 * @property {number} azimuth of three: turned about the upright axis, in radians
 * @property {number} elevation of three: then tipped toward the viewer, in radians
 */

/**
 * A point of a row.
 * @typedef {{row: number, point: number}} PointOf
 */

/**
 * A place in px of a layout.
 * @typedef {{x: number, y: number}} Spot
 */

/**
 * What a page shows at one time.
 * @typedef {object} View
 * @property {number} moment which is shown
 * @property {number} span how many moments, this one and those before it, are drawn as sub-steps: 1
 *     for no blur
 * @property {import("./document.js").ThemeName} theme
 * @property {readonly PanelView[]} panels one for each panel of points, row by row
 * @property {number} tour where the grand tour is; it goes by 1 from one plane to the next
 * @property {readonly ReadonlySet<number>[]} hidden for each row its classes that are not drawn
 * @property {readonly ReadonlySet<number>[]} chosen for each row the points of a lasso; where there
 *     are any, all others fade
 * @property {readonly PointOf[]} pinned points that have a ring, a name and a trail
 * @property {PointOf | null} hovered
 * @property {number} trail over how many moments a trail reaches back
 * @property {readonly Spot[]} lasso the outline that is being drawn
 * @property {number} lassoPanel in which panel it is; -1 for none
 */

export {};
