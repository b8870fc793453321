// How a page goes on while it plays: which moment is shown after so many seconds.

/** @import { Moments } from "./moments.js" */

export const HOLD_S = 1.5; // at the end, before it starts again

/** Goes through the moments at the film's pace, or evenly. */
export class Clock {
  #moments;
  #fps;
  /** Where it is: frames of the film, or moments where the pace is even. */
  #position = 0;
  #moment = -1;
  #pace = "";
  #held = 0;

  /**
   * @param {Moments} moments
   * @param {number} fps frames of the film a second
   */
  constructor(moments, fps) {
    this.#moments = moments;
    this.#fps = fps;
  }

  /** The moment with which the film begins. */
  get first() {
    return this.#moments.endOf(0);
  }

  /**
   * The moment that follows one that was shown for some time.
   * @param {number} moment that is shown
   * @param {number} seconds since the last call
   * @param {number} speed how many times as fast as the film
   * @param {"film" | "even"} pace
   * @returns {number}
   */
  tick(moment, seconds, speed, pace) {
    const { count, starts } = this.#moments;
    if (moment !== this.#moment || pace !== this.#pace) {
      this.#position = pace === "film" ? this.#moments.frameOf(moment) : moment;
      this.#held = 0;
    }
    this.#pace = pace;
    if (moment >= count - 1) {
      this.#held += seconds;
      if (this.#held < HOLD_S) return (this.#moment = moment);
      this.#position = 0;
      this.#held = 0;
      return (this.#moment = pace === "film" ? this.first : 0);
    }
    const frames = seconds * speed * this.#fps;
    if (pace === "film") {
      this.#position = Math.min(this.#position + frames, starts.length - 1);
      this.#moment = Math.max(moment, this.#moments.endOf(Math.floor(this.#position)));
    } else {
      const stride = Math.max(1, count / starts.length);
      this.#position = Math.min(this.#position + frames * stride, count - 1);
      this.#moment = Math.floor(this.#position);
    }
    return this.#moment;
  }
}
