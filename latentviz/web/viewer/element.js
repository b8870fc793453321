// Elements of the page. Texts become text, never markup.

/**
 * An element of the page that is there.
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}`);
  return found;
}

/**
 * A new element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children texts are text
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * A button with words on it.
 * @param {string} words
 * @param {() => void} pressed
 * @param {Record<string, string>} [attributes]
 */
export function button(words, pressed, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, words);
  made.addEventListener("click", pressed);
  return made;
}

/**
 * A list to choose from.
 * @param {readonly (readonly [string, string])[]} options each its value and its words
 * @param {string} value that is chosen
 * @param {(value: string) => void} chosen
 */
export function choice(options, value, chosen) {
  const made = element("select", {});
  for (const [name, words] of options) made.append(element("option", { value: name }, words));
  made.value = value;
  made.addEventListener("change", () => chosen(made.value));
  return made;
}

/**
 * Set a text, unless it is there already.
 * @param {Element} where
 * @param {string} text
 */
export function say(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

/**
 * A place on the stage, in css px.
 * @param {HTMLElement} what
 * @param {import("./document.js").Box} box in px of the layout
 * @param {number} scale css px for one of them
 */
export function placeAt(what, box, scale) {
  what.style.left = `${box.x * scale}px`;
  what.style.top = `${box.y * scale}px`;
  what.style.width = `${box.width * scale}px`;
  what.style.height = `${box.height * scale}px`;
}
