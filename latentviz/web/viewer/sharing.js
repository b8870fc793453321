// What is given to others: the address, a picture, the film's command; and the address' hash.

import { hashOf, stateOfHash } from "./address.js";
import { copy } from "./copying.js";
import { byId, say } from "./element.js";
import { momentWords } from "./titles.js";

/** @import { Page } from "./page.js" */
/** @import { Stage } from "./stage.js" */
/** @import { State } from "./state.js" */

const NAMES = "--names";
const OUTPUT = "-o"; // with its value before a command's options, each of which has one value
const WAIT_MS = 300; // before the address is written anew: browsers count how often that is done

/**
 * Set up what stands in the menu of sharing.
 * @param {Page} page
 * @param {Stage} stage
 */
export function setUpSharing(page, stage) {
  const said = byId("share-said", HTMLElement);
  const field = byId("share-text", HTMLTextAreaElement);
  /** @param {string} text @param {string} words */
  const give = async (text, words) => {
    const isCopied = await copy(text);
    say(said, isCopied ? words : "The browser does not let it be copied: take it from here.");
    field.hidden = isCopied;
    field.value = text;
    if (!isCopied) field.select();
  };
  byId("copy-link", HTMLButtonElement).addEventListener("click", () => {
    writeHash(page);
    give(addressOf(page), isWithin()
      ? "Copied: put it after the address of the page's own file."
      : "Copied: it opens at this moment and view.");
  });
  byId("copy-command", HTMLButtonElement).addEventListener("click", () => {
    const { text, note } = commandOf(page);
    give(text, `Copied.${note}`);
  });
  byId("save-png", HTMLButtonElement).addEventListener("click", async () => {
    const canvas = await stage.picture();
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    if (!(blob instanceof Blob)) return say(said, "The browser makes no picture of it.");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = pictureName(page);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    say(said, `Saved as ${link.download}.`);
  });
}

/**
 * A picture's file name.
 * @param {Page} page
 */
function pictureName(page) {
  const words = `${page.document.title} ${momentWords(page.data, page.store.get().moment)}`;
  const name = words.replace(/ of \d+$/, "").replace(/[^\p{L}\p{N}]+/gu, "-");
  return `${name.replace(/^-|-$/g, "").toLowerCase() || "latents"}.png`;
}

/** Whether the page is a part of another one, as in a notebook, and has no address of its own. */
function isWithin() {
  return /^(about|blob|data):$/.test(location.protocol);
}

/**
 * The page's address, with the moment and the view in it; that part alone where it has none.
 * @param {Page} page
 */
function addressOf(page) {
  const hash = hashOf(page.store.get(), page.usual, page.data);
  return `${isWithin() ? "" : location.href.replace(/#.*$/s, "")}#${hash}`;
}

/**
 * The command that renders what is seen, and what it leaves out. All runs of a film are shown in the
 * same planes: those of the first.
 * @param {Page} page
 * @returns {{text: string, note: string}}
 */
export function commandOf(page) {
  const { document } = page;
  const { theme, touring } = page.store.get();
  const panels = page.view().panels;
  let [leftOut, p] = [0, 0];
  /** @type {Map<string, number>} planes, each with the first of its row's panels that shows it */
  const dims = new Map();
  document.rows.forEach((row) =>
    row.projections.forEach((_, k) => {
      const shown = panels[p++];
      if (row.run !== 0) return;
      const pair = shown.dims.map((i) => row.components[i].index).join(",");
      if (shown.dims.length !== 2) leftOut += 1;
      else if (!dims.has(pair)) dims.set(pair, k);
    }),
  );
  const planes = [...dims.keys()].flatMap((pair) => ["--dims", pair]);
  const usual = withNamesOf([...dims.values()], document.command);
  const words = [...usual, ...planes, ...(theme === "dark" ? [] : ["--theme", theme])];
  const some = leftOut && (touring ? " The tour is" : " Turned panels are");
  return { text: words.map(quoted).join(" "), note: some ? `${some} left out: a film is flat.` : "" };
}

/**
 * A command's words with the names of some panels alone: no film has more names than panels.
 * @param {readonly number[]} panels
 * @param {readonly string[]} words
 * @returns {readonly string[]}
 */
function withNamesOf(panels, words) {
  const first = words.indexOf(OUTPUT) + 2;
  const at = words.findIndex((word, i) => i >= first && (i - first) % 2 === 0 && word === NAMES);
  if (at < 0) return words;
  const given = words[at + 1].split(",");
  const names = panels.map((panel) => given[panel] ?? "").join(",").replace(/,+$/, "");
  return [...words.slice(0, at), ...(names ? [NAMES, names] : []), ...words.slice(at + 2)];
}

/**
 * A word as a shell reads it.
 * @param {string} word
 */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Keeps the address in step with the state, once things are at rest.
 * @param {Page} page
 */
export function setUpAddress(page) {
  let timer = 0;
  page.store.subscribe((state) => {
    if (state.playing || (state.touring && state.going)) return;
    clearTimeout(timer);
    timer = setTimeout(() => writeHash(page), WAIT_MS);
  });
  addEventListener("hashchange", () => {
    if (`#${hashOf(page.store.get(), page.usual, page.data)}` === location.hash) return;
    page.set({ ...page.usual, ...stateOfHash(location.hash, page.data), playing: false });
  });
}

/** @param {Page} page */
function writeHash(page) {
  const hash = `#${hashOf(page.store.get(), page.usual, page.data)}`;
  try {
    if (hash !== location.hash) history.replaceState(null, "", hash);
  } catch {
    // A page within another one has no address of its own.
  }
}
