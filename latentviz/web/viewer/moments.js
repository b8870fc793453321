// The moments of a page: the distinct steps of all runs in order, and what followed the last one.

/**
 * What the clock needs of a run.
 * @typedef {object} RunSteps
 * @property {Float64Array} steps the numbers of its steps, in order
 * @property {boolean} after whether its places after the last update are known, too
 * @property {number | null} [end] the step from which on it has ended, and shows them
 */

/** The clock that all runs of a page share. */
export class Moments {
  /**
   * @param {readonly RunSteps[]} runs
   * @param {ArrayLike<number>} starts the moment at which each frame of the film begins
   */
  constructor(runs, starts) {
    this.runs = runs;
    const all = new Set(runs.flatMap((run) => Array.from(run.steps)));
    /** The numbers of all steps, in order. */
    this.steps = Float64Array.from(all).sort();
    /** Whether there is a moment after the last step. */
    this.after = runs.some((run) => run.after);
    /** How many moments there are. */
    this.count = this.steps.length + (this.after ? 1 : 0);
    /** The moment at which each frame of the film begins. */
    this.starts = Array.from(starts);
  }

  /**
   * The step of a moment; of the one after the last step, that step.
   * @param {number} moment
   */
  stepAt(moment) {
    return this.steps[Math.min(Math.max(0, moment), this.steps.length - 1)];
  }

  /**
   * Whether a moment is after the last update.
   * @param {number} moment
   */
  isAfter(moment) {
    return moment >= this.steps.length;
  }

  /**
   * The latest moment at or before a step; the first where there is none.
   * @param {number} step
   */
  momentOf(step) {
    return Math.max(0, countUpTo(this.steps, step) - 1);
  }

  /**
   * Which of a run's places are shown at a moment: the latest; the first before there are any.
   * @param {number} run
   * @param {number} moment
   */
  placeAt(run, moment) {
    const { steps, after, end } = this.runs[run];
    const hasEnded = this.isAfter(moment) || (end != null && this.steps[moment] >= end);
    if (hasEnded) return after ? steps.length : steps.length - 1;
    return Math.max(0, countUpTo(steps, this.steps[moment]) - 1);
  }

  /**
   * Which of a run's places are drawn, from the first up to, and without, the second.
   * @param {number} run
   * @param {number} moment
   * @param {number} span how many moments, the last of which is `moment`
   * @returns {[number, number]}
   */
  placesOf(run, moment, span) {
    const last = this.placeAt(run, moment);
    const first = this.placeAt(run, Math.max(0, moment - span + 1));
    return [Math.min(first, last), last + 1];
  }

  /**
   * The film's frame that shows a moment.
   * @param {number} moment
   */
  frameOf(moment) {
    return Math.max(0, countUpTo(this.starts, moment) - 1);
  }

  /**
   * The last moment of a frame of the film; the last frame has what followed the last step, too.
   * @param {number} frame
   */
  endOf(frame) {
    return frame + 1 < this.starts.length ? this.starts[frame + 1] - 1 : this.count - 1;
  }

  /**
   * How many moments the frame that shows a moment covers.
   * @param {number} moment
   */
  strideAt(moment) {
    const frame = this.frameOf(moment);
    return this.endOf(frame) - this.starts[frame] + 1;
  }
}

/**
 * How many numbers of a sorted list are no greater than one.
 * @param {ArrayLike<number>} sorted
 * @param {number} value
 */
export function countUpTo(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
