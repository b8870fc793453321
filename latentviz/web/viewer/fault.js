// What is said in place of the stage where the page cannot show it.

import { byId, say } from "./element.js";

export const DAMAGED =
  "The page's data cannot be read: its file is damaged, or not all of it is there. " +
  "Copy it once more, or make it anew with latentviz view.";
export const LOST =
  "The browser has taken the graphics away, as it does when memory is short. The page goes on once " +
  "they are back; if that takes long, open it anew.";
const OLD = "This browser is too old for the page's data: open the page in one of 2023 or later.";

/**
 * The result of reading the page's data; where that fails, what to do about it is the error.
 * @template R
 * @param {() => Promise<R>} read
 * @returns {Promise<R>}
 */
export async function reading(read) {
  if (typeof DecompressionStream === "undefined") throw new Error(OLD);
  try {
    return await read();
  } catch (error) {
    throw new Error(DAMAGED, { cause: error });
  }
}

/**
 * Say what keeps the page from showing anything; nothing, once it shows something again.
 * @param {string} words
 */
export function showFault(words) {
  const fault = byId("fault", HTMLElement);
  if (fault.hidden && !words) return;
  fault.hidden = !words;
  say(fault, words);
  byId("stage", HTMLElement).style.visibility = words ? "hidden" : "";
}
