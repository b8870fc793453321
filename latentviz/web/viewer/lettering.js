// The texts of the page on a canvas, where the page has them: for pictures of it.

import { FONT } from "./charts.js";

/**
 * A line of a text, in px of the window.
 * @typedef {object} Line
 * @property {string} text
 * @property {number} left
 * @property {number} right
 * @property {number} middle
 */

/**
 * Draws a layer's texts, dots and bars of colors where they are seen, and no more of them than is.
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLElement} layer
 * @param {number} scale pixels of the canvas for one of the window
 */
export function drawWords(context, layer, scale) {
  const corner = layer.getBoundingClientRect();
  context.setTransform(scale, 0, 0, scale, -corner.left * scale, -corner.top * scale);
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const element of layer.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    // What brings hidden classes back is a control, and none of the picture.
    if (!box.width || style.visibility === "hidden" || element.matches("button.all")) continue;
    context.save();
    clipAsSeen(context, element, layer);
    context.globalAlpha = Number(style.opacity);
    if (element.matches(".dot, .ramp")) drawSwatch(context, element, style, box);
    for (const node of element.childNodes) {
      if (node instanceof Text) drawText(context, node, element, style);
    }
    context.restore();
  }
}

/**
 * Has nothing drawn of an element that it, or what it is in, cuts off.
 * @param {CanvasRenderingContext2D} context
 * @param {Element} element
 * @param {HTMLElement} layer
 */
function clipAsSeen(context, element, layer) {
  /** @type {Element | null} */
  let at = element;
  for (; at && at !== layer; at = at.parentElement) {
    if (getComputedStyle(at).overflowY === "visible") continue;
    const { left, top, width, height } = at.getBoundingClientRect();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Text} node
 * @param {Element} element which holds it
 * @param {CSSStyleDeclaration} style of the element
 */
function drawText(context, node, element, style) {
  context.font = `${style.fontWeight} ${style.fontSize} ${FONT}`;
  context.fillStyle = style.color;
  const isCut = style.textOverflow === "ellipsis" && element.scrollWidth > element.clientWidth;
  for (const { text, left, right, middle } of linesOf(node)) {
    const words = isCut ? cut(context, text, element.clientWidth) : text;
    context.fillText(words, left, middle, right - left + 1);
    if (style.textDecorationLine !== "line-through") continue;
    context.fillRect(left, middle, right - left, 1);
  }
}

/**
 * The lines in which the window shows a text.
 * @param {Text} node
 * @returns {Line[]}
 */
function linesOf(node) {
  /** @type {Line[]} */
  const lines = [];
  const range = document.createRange();
  for (const word of node.data.matchAll(/\S+/g)) {
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const { left, right, top, height } = range.getBoundingClientRect();
    const middle = top + height / 2;
    const last = lines.at(-1);
    if (last && Math.abs(last.middle - middle) < height / 2) {
      last.text += ` ${word[0]}`;
      last.right = right;
    } else {
      lines.push({ text: word[0], left, right, middle });
    }
  }
  return lines;
}

/**
 * As much of a text as there is room for, and dots.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} width
 */
function cut(context, text, width) {
  const letters = Array.from(text);
  while (letters.length && context.measureText(`${letters.join("")}…`).width > width) letters.pop();
  return `${letters.join("").trimEnd()}…`;
}

/**
 * Draws the dot of a class, or the bar of a scalar's colors.
 * @param {CanvasRenderingContext2D} context
 * @param {Element} element
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} box
 */
function drawSwatch(context, element, style, box) {
  context.beginPath();
  if (element.classList.contains("dot")) {
    context.fillStyle = style.backgroundColor;
    context.arc(box.left + box.width / 2, box.top + box.height / 2, box.width / 2, 0, 7);
  } else {
    const gradient = context.createLinearGradient(box.left, 0, box.right, 0);
    const stops = style.backgroundImage.match(/rgb\([^)]*\)/g) ?? [];
    stops.forEach((stop, i) => gradient.addColorStop(i / Math.max(1, stops.length - 1), stop));
    context.fillStyle = gradient;
    context.rect(box.left, box.top, box.width, box.height);
  }
  context.fill();
}
