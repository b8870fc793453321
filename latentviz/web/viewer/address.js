// A view as the part of an address after its hash, and back. What is not understood is ignored.

import { SPEEDS } from "./state.js";

/** @import { Data } from "./data.js" */
/** @import { Row } from "./document.js" */
/** @import { State } from "./state.js" */
/** @import { PanelView, PointOf } from "./view.js" */

const AFTER = "after";
const MOST_POINTS = 100; // that are pinned by an address

/**
 * What an address says of a state: its step, and what is not as `usual`.
 * @param {State} state
 * @param {State} usual
 * @param {Data} data
 * @returns {string} such as `step=250&theme=light`
 */
export function hashOf(state, usual, data) {
  const { moments, document } = data;
  const parts = [["step", moments.isAfter(state.moment) ? AFTER : moments.stepAt(state.moment)]];
  const panels = panelsText(state.panels, data);
  if (panels !== panelsText(usual.panels, data)) parts.push(["panels", panels]);
  if (state.touring) parts.push(["tour", Number(state.tour.toFixed(3))]);
  if (state.theme !== usual.theme) parts.push(["theme", state.theme]);
  const hidden = state.hidden.map((classes) => [...classes].join(".")).join(",");
  if (hidden.length >= state.hidden.length) parts.push(["hidden", hidden]);
  const isOne = document.rows.length === 1;
  const pinned = state.pinned.map(({ row, point }) => (isOne ? `${point}` : `${row}.${point}`));
  if (pinned.length) parts.push(["pinned", pinned.join(",")]);
  if (state.speed !== 1) parts.push(["speed", state.speed]);
  if (state.pace !== usual.pace) parts.push(["pace", state.pace]);
  if (!state.loops) parts.push(["loop", "off"]);
  if (!state.blurred) parts.push(["blur", "off"]);
  return parts.map(([name, value]) => `${name}=${value}`).join("&");
}

/**
 * What an address asks for; nothing of what it says wrongly.
 * @param {string} hash with `#` or without
 * @param {Data} data
 * @returns {Partial<State>}
 */
export function stateOfHash(hash, data) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  /** @type {Partial<State>} */
  const found = {};
  const moment = momentOf(given.get("step"), data);
  if (moment !== null) found.moment = moment;
  const panels = panelsOf(given.get("panels"), data);
  if (panels) found.panels = panels;
  const tour = numberOf(given.get("tour"));
  if (tour !== null && tour >= 0 && tour < 1e6) Object.assign(found, { touring: true, tour });
  const theme = given.get("theme");
  if (theme === "dark" || theme === "light") found.theme = theme;
  const hidden = hiddenOf(given.get("hidden"), data);
  if (hidden) found.hidden = hidden;
  const pinned = pinnedOf(given.get("pinned"), data);
  if (pinned.length) found.pinned = pinned;
  const speed = numberOf(given.get("speed"));
  if (speed !== null && SPEEDS.includes(speed)) found.speed = speed;
  const pace = given.get("pace");
  if (pace === "film" || pace === "even") found.pace = pace;
  if (given.get("loop") === "off") found.loops = false;
  if (given.get("blur") === "off") found.blurred = false;
  return found;
}

/**
 * An angle in whole tenths of a degree, as an address holds it.
 * @param {number} radians
 */
export function roundedAngle(radians) {
  return radiansOf(degreesOf(radians));
}

/** @param {number} radians */
function degreesOf(radians) {
  return Math.round((radians * 1800) / Math.PI) / 10 || 0; // no -0
}

/** @param {number} degrees */
function radiansOf(degrees) {
  return (degrees * Math.PI) / 180;
}

/**
 * @param {readonly PanelView[]} panels
 * @param {Data} data
 */
function panelsText(panels, { document }) {
  const rows = rowsOfPanels(document);
  return panels.map((panel, i) => panelText(panel, rows[i])).join(",");
}

/**
 * A panel's components, by the numbers that its title and `--dims` have, and how it is turned.
 * @param {PanelView} panel
 * @param {Row} row
 */
function panelText({ dims, azimuth, elevation }, { components }) {
  if (dims.length === 0) return "tour";
  const angles = dims.length === 3 ? `@${degreesOf(azimuth)}:${degreesOf(elevation)}` : "";
  return dims.map((dim) => components[dim].index).join(".") + angles;
}

/**
 * The row that each panel is of.
 * @param {Data["document"]} document
 */
function rowsOfPanels({ rows }) {
  return rows.flatMap((row) => row.projections.map(() => row));
}

/**
 * A number that is written in digits, nothing else.
 * @param {string | null} text
 * @returns {number | null}
 */
function numberOf(text) {
  return text !== null && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

/**
 * @param {string | null} text
 * @param {number} stop
 * @returns {number | null} a whole number of 0 or more, less than `stop`
 */
function indexOf(text, stop) {
  return text !== null && /^\d{1,9}$/.test(text) && Number(text) < stop ? Number(text) : null;
}

/**
 * @param {string | null} text
 * @param {Data} data
 * @returns {number | null}
 */
function momentOf(text, { moments }) {
  if (text === AFTER) return moments.count - 1;
  const step = numberOf(text);
  return step === null ? null : moments.momentOf(step);
}

/**
 * @param {string | null} text
 * @param {Data} data
 * @returns {PanelView[] | null} null unless every panel is understood
 */
function panelsOf(text, { document }) {
  const rows = rowsOfPanels(document);
  const parts = text?.split(",") ?? [];
  if (parts.length !== rows.length) return null;
  const panels = [];
  for (let i = 0; i < rows.length; i++) {
    const panel = panelOf(parts[i], rows[i]);
    if (!panel) return null;
    panels.push(panel);
  }
  return panels;
}

/**
 * @param {string} text
 * @param {Row} row
 * @returns {PanelView | null}
 */
function panelOf(text, { components }) {
  if (text === "tour") return { dims: [], azimuth: 0, elevation: 0 };
  const [names, angles = ""] = text.split("@");
  const dims = names.split(".").map((name) => components.findIndex((c) => `${c.index}` === name));
  const isKnown = dims.every((dim) => dim >= 0);
  if (!isKnown || (dims.length !== 2 && dims.length !== 3)) return null;
  if (dims.length === 3 && new Set(dims).size < 3) return null;
  const [azimuth = null, elevation = null] = angles.split(":").map(numberOf);
  return {
    dims,
    azimuth: dims.length === 3 ? radiansOf((azimuth ?? 0) % 360) : 0,
    elevation: dims.length === 3 ? radiansOf(Math.max(-90, Math.min(90, elevation ?? 0))) : 0,
  };
}

/**
 * @param {string | null} text
 * @param {Data} data
 * @returns {ReadonlySet<number>[] | null}
 */
function hiddenOf(text, { document }) {
  const parts = text?.split(",") ?? [];
  if (!text || parts.length > document.rows.length) return null;
  return document.rows.map(({ key }, row) => {
    const n = key?.kind === "categories" ? key.names.length : 0;
    const found = (parts[row] ?? "").split(".").map((name) => indexOf(name, n));
    return new Set(found.filter((index) => index !== null));
  });
}

/**
 * @param {string | null} text
 * @param {Data} data
 * @returns {PointOf[]}
 */
function pinnedOf(text, { document }) {
  /** @type {Map<string, PointOf>} */
  const found = new Map();
  for (const part of text?.split(",") ?? []) {
    const names = part.split(".");
    const row = names.length === 1 ? 0 : indexOf(names[0], document.rows.length);
    if (row === null || names.length > 2) continue;
    const point = indexOf(names[names.length - 1], document.rows[row].points);
    if (point !== null && found.size < MOST_POINTS) found.set(`${row}.${point}`, { row, point });
  }
  return [...found.values()];
}
