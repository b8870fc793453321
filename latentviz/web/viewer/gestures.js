// What pointers do on the stage: point, pin, choose, turn and scrub.

import { roundedAngle } from "./address.js";
import { element, placeAt } from "./element.js";
import { placedIn, pointAt, pointsIn } from "./picking.js";
import { pinnedWith } from "./pins.js";

/** @import { Page } from "./page.js" */
/** @import { ChartPlace, CloudPlace, Layout } from "./document.js" */
/** @import { Spot } from "./view.js" */

const EXACT_PX = 2.5; // css px
const SLACK_PX = 6;
const TOUCH_SLACK_PX = 14;
const DRAG_PX = 5; // a pointer that has gone so far is dragged
const STRIDE_PX = 1; // between two corners of an outline
const TURN = 0.008; // radians for a css px

/** Where pointers are heard: a surface over each panel. */
export class Gestures {
  #page;
  #where;
  #stepAt;
  /** @type {Layout | null} */
  #layout = null;
  #scale = 1;

  /**
   * @param {Page} page
   * @param {HTMLElement} where the surfaces go
   * @param {(layout: Layout, panel: ChartPlace, x: number) => number} stepAt the step of a chart at
   *     x px of the layout
   */
  constructor(page, where, stepAt) {
    this.#page = page;
    this.#where = where;
    this.#stepAt = stepAt;
  }

  /**
   * Lay the surfaces over a layout's panels.
   * @param {Layout} layout
   * @param {number} scale css px for one of its px
   */
  setLayout(layout, scale) {
    this.#layout = layout;
    this.#scale = scale;
    this.#where.replaceChildren();
    let clouds = 0;
    for (const panel of layout.panels) {
      if (panel.kind === "cloud") this.#addCloud(panel, clouds++);
      else if (panel.kind === "chart") this.#addChart(panel);
    }
  }

  /**
   * @param {string} name its class
   * @param {import("./document.js").Box} box
   */
  #add(name, box) {
    const surface = element("div", { class: name });
    placeAt(surface, box, this.#scale);
    this.#where.append(surface);
    return surface;
  }

  /**
   * Where an event is, in px of the layout.
   * @param {PointerEvent} event
   * @returns {Spot}
   */
  #spotOf(event) {
    const box = this.#where.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x: x / this.#scale, y: y / this.#scale };
  }

  /** @param {ChartPlace} panel */
  #addChart(panel) {
    const { x, y, width, height } = panel.body;
    const below = 24; // the row of numbers
    const surface = this.#add("surface scrubber", { x, y, width, height: height + below });
    /** @param {PointerEvent} event */
    const go = (event) => {
      const layout = this.#layout;
      if (!layout) return;
      const step = this.#stepAt(layout, panel, this.#spotOf(event).x);
      this.#page.goTo(this.#page.data.moments.momentOf(step));
    };
    surface.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      surface.setPointerCapture(event.pointerId);
      go(event);
    });
    surface.addEventListener("pointermove", (event) => {
      if (surface.hasPointerCapture(event.pointerId)) go(event);
    });
  }

  /**
   * @param {CloudPlace} panel
   * @param {number} index
   */
  #addCloud(panel, index) {
    const { head, body } = panel;
    const isFramed = this.#page.document.rows[panel.row].framed;
    const top = isFramed ? body.y : head.y;
    const box = { ...body, y: top, height: body.y + body.height - top };
    const surface = this.#add("surface cloud", box);
    const drag = new Drag(this.#page, index);
    surface.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      surface.setPointerCapture(event.pointerId);
      drag.begin(event, this.#spotOf(event));
    });
    surface.addEventListener("pointermove", (event) => {
      if (drag.isDown) drag.move(event, this.#spotOf(event));
      else if (event.pointerType !== "touch") this.#hover(event, index);
    });
    surface.addEventListener("pointerup", (event) => {
      if (!drag.isDown) return;
      if (drag.hasMoved) return drag.end(this.#placed(index));
      drag.cancel();
      this.#press(event, index);
    });
    surface.addEventListener("pointercancel", () => drag.cancel());
    surface.addEventListener("pointerleave", () => {
      if (!drag.isDown) this.#page.set({ hovered: null });
    });
  }

  /** @param {number} index */
  #placed(index) {
    if (!this.#layout) return null;
    return placedIn(this.#page.data, this.#layout, this.#page.view(), index);
  }

  /**
   * The point at a pointer.
   * @param {PointerEvent} event
   * @param {number} index
   */
  #pointAt(event, index) {
    const placed = this.#placed(index);
    if (!placed) return null;
    const { order } = this.#page.data.rows[placed.row];
    const slack = event.pointerType === "touch" ? TOUCH_SLACK_PX : SLACK_PX;
    const [exact, near] = [EXACT_PX / this.#scale, slack / this.#scale];
    const point = pointAt(placed, order, this.#spotOf(event), exact, near);
    return point < 0 ? null : { row: placed.row, point };
  }

  /**
   * @param {PointerEvent} event
   * @param {number} index
   */
  #hover(event, index) {
    const found = this.#pointAt(event, index);
    const { hovered } = this.#page.store.get();
    this.#page.hoveredPanel = index;
    if (found?.row === hovered?.row && found?.point === hovered?.point) return;
    this.#page.set({ hovered: found });
  }

  /**
   * @param {PointerEvent} event
   * @param {number} index
   */
  #press(event, index) {
    const found = this.#pointAt(event, index);
    if (found) pinnedWith(this.#page, found);
  }
}

/** A pointer that is down on a panel: draws an outline, or turns the panel. */
class Drag {
  #page;
  #index;
  #from = { x: 0, y: 0 };
  #last = { x: 0, y: 0 };
  #turns = false;
  isDown = false;
  hasMoved = false;

  /**
   * @param {Page} page
   * @param {number} index of the panel
   */
  constructor(page, index) {
    this.#page = page;
    this.#index = index;
  }

  /**
   * @param {PointerEvent} event
   * @param {Spot} spot px of the layout
   */
  begin(event, spot) {
    const { panels, touring } = this.#page.store.get();
    this.isDown = true;
    this.hasMoved = false;
    this.#turns = !touring && panels[this.#index].dims.length === 3 && !event.shiftKey;
    this.#from = spot;
    this.#last = { x: event.clientX, y: event.clientY };
  }

  /**
   * @param {PointerEvent} event
   * @param {Spot} spot
   */
  move(event, spot) {
    const [dx, dy] = [event.clientX - this.#last.x, event.clientY - this.#last.y];
    if (!this.hasMoved && Math.hypot(dx, dy) < DRAG_PX) return;
    if (!this.hasMoved) {
      this.hasMoved = true;
      // What is chosen is where it is at this moment; what is turned may go on.
      this.#page.set(this.#turns ? { hovered: null } : { hovered: null, playing: false });
    }
    if (this.#turns) {
      turn(this.#page, this.#index, dx * TURN, dy * TURN);
      this.#last = { x: event.clientX, y: event.clientY };
      return;
    }
    if (Math.hypot(dx, dy) < STRIDE_PX) return;
    const { lasso } = this.#page.store.get();
    this.#last = { x: event.clientX, y: event.clientY };
    const before = lasso.length ? lasso : [this.#from];
    this.#page.set({ lasso: [...before, spot], lassoPanel: this.#index });
  }

  /**
   * Choose what is within the outline.
   * @param {import("./picking.js").Placed | null} placed
   */
  end(placed) {
    const { lasso, chosen } = this.#page.store.get();
    this.cancel();
    if (this.#turns || !placed || lasso.length < 3) return;
    const found = pointsIn(placed, lasso);
    this.#page.set({ chosen: chosen.map((_, row) => (row === placed.row ? found : new Set())) });
  }

  /** Forget the outline. */
  cancel() {
    this.isDown = false;
    this.#page.set({ lasso: [], lassoPanel: -1 });
  }
}

/**
 * Turn a panel of three components.
 * @param {Page} page
 * @param {number} index of the panel
 * @param {number} right radians
 * @param {number} down radians
 */
export function turn(page, index, right, down) {
  const { panels } = page.store.get();
  const { dims, azimuth, elevation } = panels[index];
  const tipped = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, elevation + down));
  const turned = {
    dims,
    azimuth: roundedAngle((azimuth + right) % (2 * Math.PI)),
    elevation: roundedAngle(tipped),
  };
  page.set({ panels: panels.map((panel, i) => (i === index ? turned : panel)) });
}
