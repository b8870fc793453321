// A page that is open: what its parts share.

import { Clock } from "./clock.js";
import { byId, say } from "./element.js";
import { Moments } from "./moments.js";
import { initialState, Store, viewOf } from "./state.js";

/** @import { Data } from "./data.js" */
/** @import { State } from "./state.js" */

/**
 * What all parts of a page have in common. `live.js` follows a recording by way of it: it changes
 * `document`, `runs`, `starts`, `places` and `charts` in place, and calls `grown` and `say`.
 */
export class Page {
  /** @type {Set<() => void>} */
  #grownListeners = new Set();
  /** In which panel the pointer is, or was last. */
  hoveredPanel = 0;

  /** @param {Data} data */
  constructor(data) {
    this.data = data;
    /** How it opens where its address says nothing. */
    this.usual = initialState(data);
    this.store = new Store(this.usual);
    this.clock = new Clock(data.moments, data.document.fps);
    this.document = data.document;
    this.places = data.readers;
    this.charts = data.charts;
  }

  /** The steps of each run. */
  get runs() {
    return this.data.moments.runs;
  }

  /** The moment at which each frame of the film begins. */
  get starts() {
    return this.data.moments.starts;
  }

  /** What is drawn. */
  view() {
    return viewOf(this.store.get(), this.data);
  }

  /**
   * Change the state. A moment that is not there becomes the nearest that is.
   * @param {Partial<State>} change
   */
  set(change) {
    if (change.moment === undefined) return this.store.set(change);
    const whole = Math.round(change.moment) || 0;
    const moment = Math.max(0, Math.min(this.data.moments.count - 1, whole));
    this.store.set({ ...change, moment });
  }

  /**
   * Go to a moment, and stay there.
   * @param {number} moment
   */
  goTo(moment) {
    this.set({ moment, playing: false });
  }

  /** Begin to play, from the beginning where it is at the end; or pause. */
  toggle() {
    const { playing, moment } = this.store.get();
    const isLast = moment === this.data.moments.count - 1;
    this.set({ playing: !playing, moment: !playing && isLast ? this.clock.first : moment });
  }

  /**
   * Say something to who listens to the page.
   * @param {string} words
   */
  tell(words) {
    say(byId("told", HTMLElement), words);
  }

  /**
   * Show how a recording is doing.
   * @param {string} words
   */
  say(words) {
    say(byId("live", HTMLElement), words);
    byId("live", HTMLElement).hidden = !words;
  }

  /**
   * Be called when a recording has added to the data.
   * @param {() => void} listener
   */
  onGrown(listener) {
    this.#grownListeners.add(listener);
  }

  /** A recording has added to the data: who was at the newest moment goes on to the newest. */
  grown() {
    const { moments } = this.data;
    const { moment, playing } = this.store.get();
    const wasLast = moment >= moments.count - 1;
    const step = moments.stepAt(moment);
    Object.assign(moments, new Moments(moments.runs, moments.starts));
    for (const listener of this.#grownListeners) listener();
    if (!playing) this.set({ moment: wasLast ? moments.count - 1 : moments.momentOf(step) });
  }
}
