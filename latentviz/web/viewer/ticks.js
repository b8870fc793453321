// Which numbers stand along an axis, as the film has them (raster/ticks.py).

const MINUS = "\u2212";
const SUPERSCRIPT = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
const ROW = [1, 2, 5];
const [LONGEST_PLAIN, LONGEST_USUAL] = [6, 8]; // digits, of any number and of one within USUAL
const USUAL = [1e-3, 1e5];

/**
 * Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, and their labels.
 * @param {number} low
 * @param {number} high
 * @param {number} most how many there is room for; there may be two in any case
 * @param {boolean} [whole] whole numbers only, written in full
 * @returns {{values: number[], labels: string[]}}
 */
export function linearTicks(low, high, most, whole = false) {
  const room = Math.max(2, most);
  let step = firstStep(Math.max((high - low) / (room + 1), whole ? 1 : 0));
  let values = multiples(step, low, high);
  while (values.length > room) {
    step = nextStep(step);
    values = multiples(step, low, high);
  }
  return { values, labels: whole ? values.map((v) => v.toFixed(0)) : numberLabels(values) };
}

/**
 * All as plain numbers where these are short, else all as powers of ten.
 * @param {readonly number[]} values
 */
export function numberLabels(values) {
  const plain = values.map((v) => String(Number(v.toPrecision(10))));
  const usual = values.every((v) => v === 0 || (USUAL[0] <= Math.abs(v) && Math.abs(v) < USUAL[1]));
  const longest = Math.max(0, ...plain.map((text) => text.replace(/^-/, "").length));
  const isPlain = !plain.some((text) => text.includes("e"));
  if (isPlain && longest <= (usual ? LONGEST_USUAL : LONGEST_PLAIN)) {
    return plain.map((text) => text.replace("-", MINUS));
  }
  return values.map(asPower);
}

/**
 * @param {number} value
 */
function asPower(value) {
  if (value === 0) return "0";
  const [digits, exponent] = Math.abs(value).toExponential(9).split("e");
  const mantissa = digits.replace(/0+$/, "").replace(/\.$/, "");
  const power = `10${Number(exponent) < 0 ? "\u207b" : ""}${Array.from(
    String(Math.abs(Number(exponent))),
    (digit) => SUPERSCRIPT[Number(digit)],
  ).join("")}`;
  return (value < 0 ? MINUS : "") + (mantissa === "1" ? power : `${mantissa}\u00b7${power}`);
}

/**
 * The first of 1, 2 and 5 times powers of ten that is no less.
 * @param {number} least
 */
function firstStep(least) {
  const exponent = Math.floor(Math.log10(Math.max(least, 1e-300)));
  for (const power of [exponent, exponent + 1]) {
    for (const m of ROW) {
      const step = Number(`${m}e${power}`);
      if (step >= least) return step;
    }
  }
  return Number(`1e${exponent + 2}`);
}

/**
 * The next one.
 * @param {number} step
 */
function nextStep(step) {
  const [digits, exponent] = step.toExponential(0).split("e");
  const at = ROW.indexOf(Number(digits)) + 1;
  return at < ROW.length ? Number(`${ROW[at]}e${exponent}`) : Number(`1e${Number(exponent) + 1}`);
}

/**
 * @param {number} step
 * @param {number} low
 * @param {number} high
 */
function multiples(step, low, high) {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const count = Math.min(last - first, 10000) + 1;
  const found = [];
  // Counted from 0: of very large numbers the next one is the same.
  for (let i = 0; i < count; i++) {
    const k = first + i;
    // 3 * 0.1 is not 0.3.
    found.push(step >= 1 ? k * step : Number((k * step).toPrecision(12)));
  }
  return found;
}
