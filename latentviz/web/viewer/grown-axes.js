// The axes of charts whose curves go on: their ranges, and the numbers that stand along them.

import { linearTicks, numberLabels } from "./ticks.js";

/** @import { Ticks } from "./document.js" */

const MOST = 5; // labels along an axis of values
const AIR = 0.05; // of the range, beyond a value that has left it

/**
 * The end of an axis of steps that has room for a step: the range is doubled until it has.
 * @param {number} first the step at its beginning
 * @param {number} end the step at its end
 * @param {number} step
 */
export function doubledEnd(first, end, step) {
  let range = Math.max(1, end - first);
  while (first + range < step) range *= 2;
  return first + range;
}

/**
 * The ticks of an axis of steps: whole numbers.
 * @param {number} first
 * @param {number} end
 * @param {number} most so many at most, or two
 * @returns {Ticks}
 */
export function stepTicks(first, end, most) {
  return { ...linearTicks(first, end, most, true), minor: [] };
}

/**
 * The limits of an axis of values, wide enough for some more of them.
 * @param {[number, number]} limits
 * @param {Float32Array} values those that are not finite, or cannot be shown, do not count
 * @param {boolean} log
 * @returns {[number, number]} the same, if no value lies beyond
 */
export function widened(limits, values, log) {
  let [low, high] = limits;
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === limits[0] && high === limits[1]) return limits;
  if (log) {
    const air = (high / low) ** AIR;
    return [low < limits[0] ? low / air : low, high > limits[1] ? high * air : high];
  }
  const air = AIR * (high - low);
  return [low < limits[0] ? low - air : low, high > limits[1] ? high + air : high];
}

/**
 * The ticks of an axis of values.
 * @param {[number, number]} limits
 * @param {boolean} log
 * @returns {Ticks}
 */
export function valueTicks([low, high], log) {
  const decades = log ? decadesWithin(low, high) : [];
  if (decades.length < 2) {
    return { ...linearTicks(low, high, MOST), minor: [] };
  }
  const every = Math.ceil(decades.length / MOST);
  const values = decades.filter((_, i) => i % every === 0);
  const minor = decades.filter((_, i) => i % every !== 0);
  return { values, labels: numberLabels(values), minor };
}

/**
 * Powers of ten.
 * @param {number} low
 * @param {number} high
 */
function decadesWithin(low, high) {
  const from = Math.ceil(Math.log10(low) - 1e-9);
  const to = Math.floor(Math.log10(high) + 1e-9);
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => Number(`1e${from + i}`));
}
