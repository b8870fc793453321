// Opens the page.

import { stateOfHash } from "./address.js";
import { setUpAxes } from "./axes.js";
import { setUpControls } from "./controls.js";
import { openData } from "./data.js";
import { byId } from "./element.js";
import { LOST, reading, showFault } from "./fault.js";
import { setUpFound } from "./found.js";
import { setUpKeyboard } from "./keyboard.js";
import { follow } from "./live.js";
import { Page } from "./page.js";
import { setUpAddress, setUpSharing } from "./sharing.js";
import { Stage } from "./stage.js";
import { setUpTip } from "./tip.js";
import { bytesOfBase64 } from "./unpack.js";

/** @import { ViewerDocument } from "./document.js" */
/** @import { State } from "./state.js" */

/**
 * Reads what the page holds, and shows it.
 */
async function open() {
  const text = byId("data", HTMLScriptElement);
  const data = await reading(async () => {
    /** @type {ViewerDocument} */
    const document = JSON.parse(byId("document", HTMLScriptElement).text);
    return openData(document, bytesOfBase64(text.text));
  });
  const { document } = data;
  text.remove(); // which frees its memory
  const page = new Page(data);
  page.set(stateOfHash(location.hash, data));
  const stage = new Stage(page);
  setUpControls(page);
  setUpAxes(page);
  setUpFound(page);
  setUpSharing(page, stage);
  setUpTip(page, stage);
  setUpKeyboard(page);
  setUpAddress(page);
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const isAsked = new URLSearchParams(location.hash.slice(1)).has("step");
  if (!isStill && !isAsked && !document.live) page.set({ playing: true });
  if (document.live && !isAsked) page.goTo(data.moments.count - 1);
  stage.onDrawn(() => showFault(stage.isLost ? LOST : ""));
  const failed = new Promise((done) => {
    stage.onFailed((words) => done(showFault(words)));
  });
  await Promise.race([stage.drawn(), failed]);
  if (document.live) void follow(page);
  return { page, stage };
}

const opened = open();
opened.catch((error) => {
  showFault(error instanceof Error ? error.message : String(error));
  byId("bar", HTMLElement).hidden = true;
});

/**
 * For tests, and for who writes scripts: what is shown, how to change it, and where points are.
 */
Object.assign(globalThis, {
  latentviz: {
    /** Resolves when the page has been drawn. */
    ready: opened.then(() => null),
    /** What is shown, as `View` and `State` have it. */
    view: async () => {
      const { page } = await opened;
      return { ...page.store.get(), ...page.view() };
    },
    /** @param {Partial<State>} change */
    set: async (change) => {
      const { page, stage } = await opened;
      page.set(change);
      await stage.drawn();
    },
    moments: opened.then(({ page }) => page.data.moments),
    /** Where a point is, in px of the window. */
    placeOf: async (/** @type {number} */ panel, /** @type {number} */ point) => {
      const { stage } = await opened;
      const box = byId("stage", HTMLElement).getBoundingClientRect();
      const { spots } = stage.spots[panel];
      return {
        x: box.left + spots[2 * point] * stage.scale,
        y: box.top + spots[2 * point + 1] * stage.scale,
      };
    },
  },
});
