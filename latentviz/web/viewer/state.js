// The state of a page: one object, which nobody changes but by `set`.

/** @import { Data } from "./data.js" */
/** @import { PanelView, View } from "./view.js" */

/**
 * What there is besides `View`; `span` and `trail` follow from it.
 * @typedef {object} Playing
 * @property {boolean} playing
 * @property {number} speed how many times as fast as the film
 * @property {"film" | "even"} pace
 * @property {boolean} loops whether it starts again at the end
 * @property {boolean} blurred
 * @property {boolean} touring whether all panels show the grand tour
 * @property {boolean} going whether the tour goes on
 */

/** @typedef {Omit<View, "span" | "trail"> & Playing} State */

/** @typedef {(state: State, before: State) => void} Listener */

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
// So many frames of the film a trail reaches back where the film has none.
const TRAIL_FRAMES = 60;

/** Holds the state, and tells who asked for it that it changed. */
export class Store {
  #state;
  /** @type {Set<Listener>} */
  #listeners = new Set();

  /** @param {State} state */
  constructor(state) {
    this.#state = Object.freeze(state);
  }

  /** The state as it is. */
  get() {
    return this.#state;
  }

  /**
   * Change some of it. Nobody is told where it is the same as before.
   * @param {Partial<State>} change
   */
  set(change) {
    const before = this.#state;
    const keys = /** @type {(keyof State)[]} */ (Object.keys(change));
    if (keys.every((key) => Object.is(before[key], change[key]))) return;
    this.#state = Object.freeze({ ...before, ...change });
    for (const listener of this.#listeners) listener(this.#state, before);
  }

  /**
   * Be told of each change, after it.
   * @param {Listener} listener
   * @returns {() => void} ends that
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/**
 * How a page opens where its address says nothing.
 * @param {Data} data
 * @returns {State}
 */
export function initialState(data) {
  const { document, moments } = data;
  return {
    moment: moments.endOf(0),
    theme: document.theme,
    panels: document.rows.flatMap((_, row) => ownPanels(data, row)),
    tour: 0,
    touring: false,
    going: false,
    hidden: document.rows.map(() => new Set()),
    chosen: document.rows.map(() => new Set()),
    pinned: [],
    hovered: null,
    lasso: [],
    lassoPanel: -1,
    playing: false,
    speed: 1,
    pace: "film",
    loops: true,
    blurred: true,
  };
}

/**
 * How the film looks at the panels of a row.
 * @param {Data} data
 * @param {number} row
 * @returns {PanelView[]}
 */
function ownPanels(data, row) {
  return data.document.rows[row].projections.map(({ right, up }) => ({
    dims: [right, up],
    azimuth: 0,
    elevation: 0,
  }));
}

/**
 * What is drawn of a state.
 * @param {State} state
 * @param {Data} data
 * @returns {View}
 */
export function viewOf(state, data) {
  const { moments, document } = data;
  const { moment } = state;
  const first = moments.frameOf(moment) - (document.trail || TRAIL_FRAMES);
  return {
    moment,
    span: state.blurred ? spanAt(state, data) : 1,
    theme: state.theme,
    panels: state.touring ? state.panels.map((panel) => ({ ...panel, dims: [] })) : state.panels,
    tour: state.tour,
    hidden: state.hidden,
    chosen: state.chosen,
    pinned: state.pinned,
    hovered: state.hovered,
    trail: moment - (first < 0 ? 0 : moments.starts[first]),
    lasso: state.lasso,
    lassoPanel: state.lassoPanel,
  };
}

/**
 * How many moments are drawn as sub-steps.
 * @param {State} state
 * @param {Data} data
 */
function spanAt({ pace, moment }, { moments }) {
  if (pace === "film") return moments.strideAt(moment);
  return Math.max(1, Math.round(moments.count / moments.starts.length));
}

/**
 * The row that a panel is of, and which of its panels it is.
 * @param {Data} data
 * @param {number} panel
 * @returns {{row: number, projection: number}}
 */
export function placeOfPanel({ document }, panel) {
  let left = panel;
  for (let row = 0; row < document.rows.length; row++) {
    const n = document.rows[row].projections.length;
    if (left < n) return { row, projection: left };
    left -= n;
  }
  throw new RangeError(`There is no panel ${panel}`);
}

/**
 * What a point is called: by its name, else by its number.
 * @param {Data} data
 * @param {import("./view.js").PointOf} point
 */
export function pointName({ document }, { row, point }) {
  return document.rows[row].names?.[point] || `#${point}`;
}
