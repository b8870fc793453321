// The stage: chooses a layout, and draws what the state says whenever that has changed.

import { stepAtX } from "./charts.js";
import { DotsPainter } from "./dots.js";
import { byId } from "./element.js";
import { DAMAGED } from "./fault.js";
import { Gestures } from "./gestures.js";
import { drawWords } from "./lettering.js";
import { drawOver, placesOf } from "./over.js";
import { drawUnder, penFor } from "./under.js";
import { Words } from "./words.js";

/** @import { Layout } from "./document.js" */
/** @import { PanelSpots } from "./over.js" */
/** @import { Page } from "./page.js" */
/** @import { View } from "./view.js" */

const MOST_RATIO = 2; // pixels of a canvas for one of the window, to either side
const UPRIGHT = 0.85; // a window that is narrower, for its height, has the upright layout
const TOUR_S = 4; // from one plane of the grand tour to the next

/** Draws a page. */
export class Stage {
  #page;
  #under = canvasOf("under");
  #over = canvasOf("over");
  #dotsCanvas = byId("dots", HTMLCanvasElement);
  #dots;
  #words;
  #gestures;
  /** @type {Layout} */
  #layout;
  #scale = 1;
  #drawnUnder = "";
  /** @type {unknown[]} what the dots that are seen were drawn for */
  #drawnDots = [];
  #isDraft = false;
  #asked = false;
  #isBusy = false;
  /** Whether the state changed while places were loaded for another one. */
  #isLate = false;
  #time = 0;
  /** @type {PanelSpots[]} */
  #spots = [];
  /** @type {Set<(view: View) => void>} */
  #listeners = new Set();
  /** @type {(words: string) => void} */
  #failed = () => {};

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    const { data } = page;
    const rows = data.rows.map((row) => ({
      ...row,
      fadedAlphas: row.fadedAlphas ?? row.alphas,
    }));
    this.#dots = new DotsPainter(
      this.#dotsCanvas, data.document, data.readers, rows, data.moments,
    );
    this.#dots.onLost = () => this.ask();
    this.#dots.onRestored = () => {
      this.#drawnDots = [];
      this.ask();
    };
    this.#words = new Words(page);
    this.#gestures = new Gestures(page, byId("surfaces", HTMLElement), (_, panel, x) =>
      stepAtX(panel, data.charts[panel.chart], x),
    );
    this.#layout = data.document.layouts[0];
    this.resize();
    new ResizeObserver(() => this.resize()).observe(byId("room", HTMLElement));
    page.store.subscribe(() => this.ask());
    page.onGrown(() => {
      this.#drawnUnder = "";
      this.#drawnDots = [];
      this.ask();
    });
  }

  /** The layout that is shown. */
  get layout() {
    return this.#layout;
  }

  /** Pixels of the window for one of the layout. */
  get scale() {
    return this.#scale;
  }

  /** Where the points of each panel are, as they were drawn last. */
  get spots() {
    return this.#spots;
  }

  /** Whether dots cannot be drawn for now. */
  get isLost() {
    return this.#dots.isLost;
  }

  /** The canvases, the lowest first. */
  get canvases() {
    return [this.#under.canvas, this.#dotsCanvas, this.#over.canvas];
  }

  /**
   * Be called after each drawing.
   * @param {(view: View) => void} listener
   * @returns {() => void} ends that
   */
  onDrawn(listener) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Has the state drawn. Done once it is. */
  async drawn() {
    this.ask();
    await new Promise((done) => {
      const end = this.onDrawn(() => {
        // What is drawn next is what was asked for; where things move, there is always a next.
        const { playing, going } = this.#page.store.get();
        if (playing || going || !(this.#asked || this.#isLate)) done(end());
      });
    });
  }

  /**
   * Be told why a state could not be drawn.
   * @param {(words: string) => void} listener
   */
  onFailed(listener) {
    this.#failed = listener;
  }

  /** Fits the stage into the window. */
  resize() {
    const room = byId("room", HTMLElement);
    const { layouts } = this.#page.data.document;
    const [width, height] = [room.clientWidth, room.clientHeight];
    if (!width || !height) return;
    this.#layout = layouts[width / height < UPRIGHT ? layouts.length - 1 : 0];
    const [w, h] = this.#layout.size;
    // On whole pixels: else the window would blur what the canvases have.
    this.#scale = Math.floor(w * Math.min(width / w, height / h)) / w;
    const stage = byId("stage", HTMLElement);
    stage.style.width = `${w * this.#scale}px`;
    stage.style.height = `${Math.floor(h * this.#scale)}px`;
    stage.style.left = `${Math.floor((width - w * this.#scale) / 2)}px`;
    stage.style.top = `${Math.floor((height - h * this.#scale) / 2)}px`;
    for (const { canvas } of [this.#under, this.#over]) {
      canvas.width = Math.round(w * this.#scale * ratio());
      canvas.height = Math.round(h * this.#scale * ratio());
    }
    this.#setDots();
    this.#words.setLayout(this.#layout, this.#scale);
    this.#gestures.setLayout(this.#layout, this.#scale);
    this.#drawnUnder = "";
    this.ask();
  }

  /** Has the state drawn with the window's next frame. */
  ask() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame((now) => this.#frame(now));
  }

  /** @param {number} now in ms */
  async #frame(now) {
    this.#asked = false;
    if (this.#isBusy) {
      this.#isLate = true;
      return;
    }
    const { store, clock } = this.#page;
    const state = store.get();
    // A page that was not seen for a while goes on where it was.
    const seconds = Math.min(0.1, Math.max(0, (now - (this.#time || now)) / 1000));
    this.#time = now;
    if (state.playing) {
      const isEnd = !state.loops && state.moment === this.#page.data.moments.count - 1;
      if (isEnd) store.set({ playing: false });
      else store.set({ moment: clock.tick(state.moment, seconds, state.speed, state.pace) });
    }
    if (state.touring && state.going) store.set({ tour: store.get().tour + seconds / TOUR_S });
    const view = this.#page.view();
    const { playing, touring, going } = store.get();
    const goes = playing || (touring && going);
    this.#isBusy = true;
    try {
      if (await this.#isAtHand(view)) {
        this.#setDraft(goes);
        this.#draw(view);
      }
    } finally {
      this.#isBusy = false;
    }
    if (!goes) this.#time = 0;
    if (goes || this.#isLate) this.ask();
    this.#isLate = false;
  }

  /**
   * Whether a view's places can be had. Where they cannot, the page stops there, and says so.
   * @param {View} view
   */
  async #isAtHand(view) {
    try {
      if (!this.#dots.isReady(view)) await this.#dots.prepare(view);
      return true;
    } catch {
      this.#page.set({ playing: false, going: false });
      this.#failed(DAMAGED);
      return false;
    }
  }

  /**
   * Where the browser itself draws, what moves is drawn less sharply.
   * @param {boolean} moves
   */
  #setDraft(moves) {
    const isDraft = moves && this.#dots.isSoftware;
    if (isDraft === this.#isDraft) return;
    this.#isDraft = isDraft;
    this.#setDots();
  }

  /** Has the dots drawn as large as they are seen. */
  #setDots() {
    this.#drawnDots = [];
    this.#dots.setLayout(this.#layout, this.#scale * ratio(), this.#isDraft);
  }

  /** @param {View} view */
  #draw(view) {
    const { data, store } = this.#page;
    const { document, moments, readers, rows, charts } = data;
    const layout = this.#layout;
    const px = this.#scale;
    const toured = view.panels.some((panel) => !panel.dims.length) && view.tour;
    const under = JSON.stringify([view.theme, view.panels, toured]);
    if (under !== this.#drawnUnder) {
      this.#drawnUnder = under;
      const pen = penFor(scaled(this.#under, px), document, layout, view, px);
      drawUnder(pen, document, layout, view, charts);
    }
    const dots = [
      view.moment, view.span, view.theme, view.panels, view.tour, view.hidden, view.chosen,
    ];
    if (dots.some((part, i) => part !== this.#drawnDots[i])) {
      this.#dots.draw(view);
      this.#drawnDots = dots;
    }
    this.#spots = placesOf(document, layout, view, moments, readers, rows);
    const pen = penFor(scaled(this.#over, px), document, layout, view, px);
    drawOver(pen, document, layout, view, moments, readers, rows, charts, this.#spots);
    this.#words.update(view, store.get());
    for (const listener of this.#listeners) listener(view);
  }

  /**
   * All that is seen, on one canvas of the layout's full size.
   * @returns {Promise<HTMLCanvasElement>}
   */
  async picture() {
    const { data } = this.#page;
    const { document, moments, readers, rows, charts } = data;
    const layout = this.#layout;
    const [w, h] = layout.size;
    // A layout for phones is small: its picture is as large as that of the other one.
    const px = Math.max(1, 1080 / Math.min(w, h));
    const canvas = globalThis.document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(w * px), Math.round(h * px)];
    const context = contextOf(canvas);
    const view = { ...this.#page.view(), hovered: null };
    // From here to `setDots` nothing waits: else a page that plays would draw in between.
    while (!this.#dots.isReady(view)) await this.#dots.prepare(view);
    context.setTransform(px, 0, 0, px, 0, 0);
    drawUnder(penFor(context, document, layout, view, px), document, layout, view, charts);
    this.#dots.setLayout(layout, px);
    this.#dots.draw(view);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#dotsCanvas, 0, 0);
    this.#setDots();
    const over = globalThis.document.createElement("canvas");
    [over.width, over.height] = [canvas.width, canvas.height];
    const above = contextOf(over);
    above.setTransform(px, 0, 0, px, 0, 0);
    const pen = penFor(above, document, layout, view, px);
    const spots = placesOf(document, layout, view, moments, readers, rows);
    drawOver(pen, document, layout, view, moments, readers, rows, charts, spots);
    context.drawImage(over, 0, 0);
    drawWords(context, byId("words", HTMLElement), px / this.#scale);
    this.ask();
    return canvas;
  }
}

/** Pixels of a canvas for one of the window. */
function ratio() {
  return Math.min(MOST_RATIO, globalThis.devicePixelRatio || 1);
}

/**
 * A canvas' context whose unit is a pixel of the layout.
 * @param {CanvasRenderingContext2D} context
 * @param {number} px pixels of the window for one of the layout
 */
function scaled(context, px) {
  context.setTransform(px * ratio(), 0, 0, px * ratio(), 0, 0);
  return context;
}

/** @param {string} id */
function canvasOf(id) {
  return contextOf(byId(id, HTMLCanvasElement));
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser gives the page no canvas to draw on.");
  return context;
}
