// All that the stage says in letters: heading, titles, names of rows, captions, keys and legends.

import { byId, element, placeAt, say } from "./element.js";
import { buildKey } from "./classes.js";
import { buildLegend } from "./legends.js";
import { canvasWords, captionOf, endedWords, headingOf, titleOf } from "./titles.js";

/** @import { Page } from "./page.js" */
/** @import { ChartPlace, CloudPlace, Layout } from "./document.js" */
/** @import { State } from "./state.js" */
/** @import { View } from "./view.js" */

// Sizes on a page of 1080 pixels.
const HEADING_PX = 34;
const NOTE_PX = 24;
const TITLE_PX = 24;
const CAPTION_PX = 26;
export const LEAST_PX = 11; // css px of any letter
const NAME_SHARE = 0.1; // of the page's width: so much on the left of a row is room for its name
const NAME_MARGIN_PX = 24;
const CANVASES = ["under", "dots", "over"];

/** The words of the stage. */
export class Words {
  #page;
  #layer = byId("words", HTMLElement);
  #heading = byId("heading", HTMLElement);
  #h1 = /** @type {HTMLElement} */ (this.#heading.querySelector("h1"));
  #count = byId("count", HTMLElement);
  /** @type {HTMLElement[]} */
  #made = [];
  /** @type {{element: HTMLElement, before: string}[]} the titles of panels */
  #titles = [];
  /** @type {HTMLElement | null} */
  #caption = null;
  /** @type {((state: State) => void)[]} */
  #updates = [];

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    const { document } = page.data;
    this.#h1.classList.toggle("quiet", document.quiet_title);
    this.#h1.title = document.title;
  }

  /**
   * Put all words where a layout has them.
   * @param {Layout} layout
   * @param {number} scale css px for one of its px
   */
  setLayout(layout, scale) {
    for (const made of this.#made) made.remove();
    this.#made = [];
    this.#titles = [];
    this.#updates = [];
    this.#caption = null;
    /** @param {number} px on a page of 1080 pixels */
    const size = (px) => `${Math.max(LEAST_PX, px * layout.scale * scale)}px`;
    this.#placeHeading(layout, scale, size);
    for (const panel of layout.panels) {
      if (panel.kind === "cloud") {
        this.#addTitle(panel, layout, scale, size);
      } else if (panel.kind === "chart") {
        this.#addLegend(panel, layout, scale);
      } else if (panel.kind === "caption") {
        this.#caption = this.#add("p", "caption", panel.body, scale);
        this.#caption.style.fontSize = size(CAPTION_PX);
      } else {
        const box = this.#add("div", "key", panel.body, scale);
        box.style.fontSize = `${Math.max(LEAST_PX, panel.text_px * scale)}px`;
        this.#updates.push(buildKey(this.#page, box, panel.row, 320 * layout.scale * scale));
      }
    }
  }

  /**
   * Say what holds now.
   * @param {View} view
   * @param {State} state
   */
  update(view, state) {
    const { data } = this.#page;
    const heading = headingOf(data, view.moment, state.pace);
    say(byId("count-words", HTMLElement), heading.words);
    say(byId("count-number", HTMLElement), heading.number);
    say(byId("count-speed", HTMLElement), heading.speed);
    say(byId("note", HTMLElement), heading.note);
    this.#count.classList.toggle("whole", !heading.number);
    this.#titles.forEach(({ element: title, before }, i) => {
      const ended = endedWords(data, i, view.moment);
      say(title, `${before}${titleOf(data, i, view.panels[i])}${ended}`);
    });
    if (this.#caption) say(this.#caption, captionOf(data, view.moment));
    for (const update of this.#updates) update(state);
    // While it plays they would change too often to be heard.
    if (state.playing || (state.touring && state.going)) return;
    canvasWords(data, view).forEach((words, i) => {
      byId(CANVASES[i], HTMLCanvasElement).setAttribute("aria-label", words);
    });
  }

  /**
   * @param {Layout} layout
   * @param {number} scale
   * @param {(px: number) => string} size
   */
  #placeHeading(layout, scale, size) {
    placeAt(this.#heading, layout.heading, scale);
    this.#heading.style.fontSize = size(HEADING_PX);
    this.#heading.style.setProperty("--small", size(NOTE_PX));
    const { moments } = this.#page.data;
    const digits = String(moments.stepAt(moments.count - 1)).length;
    this.#heading.style.setProperty("--digits", `${digits}ch`);
  }

  /**
   * @param {CloudPlace} panel
   * @param {Layout} layout
   * @param {number} scale
   * @param {(px: number) => string} size
   */
  #addTitle(panel, layout, scale, size) {
    const { head, body, row_name: name, named_beside: isBeside } = panel;
    const title = this.#add("p", "title", head, scale);
    title.style.fontSize = size(TITLE_PX);
    const hasRoom = isBeside && body.x >= NAME_SHARE * layout.size[0];
    this.#titles.push({ element: title, before: name && !hasRoom ? `${name}  ` : "" });
    if (!name || !hasRoom) return;
    const margin = NAME_MARGIN_PX * layout.scale;
    const box = { x: margin, y: body.y, width: body.x - 2 * margin, height: body.height };
    const row = this.#add("p", "row-name", box, scale);
    row.style.fontSize = size(TITLE_PX);
    row.append(element("span", {}, name));
  }

  /**
   * @param {ChartPlace} panel
   * @param {Layout} layout
   * @param {number} scale
   */
  #addLegend(panel, layout, scale) {
    const box = this.#add("p", "legend", panel.head, scale);
    const { document } = this.#page.data;
    this.#updates.push(buildLegend(document, box, panel, layout.scale * scale));
  }

  /**
   * An element of the layer that goes when the layout does.
   * @template {"p" | "div"} K
   * @param {K} tag
   * @param {string} name its class
   * @param {import("./document.js").Box} box
   * @param {number} scale
   */
  #add(tag, name, box, scale) {
    const made = element(tag, { class: name });
    placeAt(made, box, scale);
    this.#layer.append(made);
    this.#made.push(made);
    return made;
  }
}
