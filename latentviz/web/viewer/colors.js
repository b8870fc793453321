// Colors that can be read as letters.

const LEAST_CONTRAST = 4.5; // of letters to what is behind them, by WCAG
const STEPS = 20;

/**
 * A color, moved toward that of the text until letters in it can be read.
 * @param {string} color #rrggbb
 * @param {string} background #rrggbb
 * @param {string} text #rrggbb
 * @returns {string} #rrggbb
 */
export function readable(color, background, text) {
  const [from, to, behind] = [color, text, background].map(bytesOf);
  for (let i = 0; i <= STEPS; i++) {
    const mixed = from.map((byte, c) => Math.round(byte + ((to[c] - byte) * i) / STEPS));
    if (contrast(mixed, behind) >= LEAST_CONTRAST) return hex(mixed);
  }
  return text;
}

/**
 * The ratio of two colors' luminances.
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** @param {readonly number[]} rgb bytes */
function luminance(rgb) {
  const [r, g, b] = rgb.map((byte) => {
    const value = byte / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {string} color #rrggbb */
function bytesOf(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

/** @param {readonly number[]} rgb bytes */
export function hex(rgb) {
  return `#${rgb.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
