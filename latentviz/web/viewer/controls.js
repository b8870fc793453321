// The bar of controls: play, slider, speed, pace, blur, theme, and what the page says of itself.

import { byId, element, say } from "./element.js";
import { SPEEDS } from "./state.js";
import { counted, momentWords } from "./titles.js";

/** @import { Page } from "./page.js" */
/** @import { State } from "./state.js" */

/**
 * Set up the bar.
 * @param {Page} page
 */
export function setUpControls(page) {
  const play = byId("play", HTMLButtonElement);
  const moment = byId("moment", HTMLInputElement);
  const speed = byId("speed", HTMLSelectElement);
  const pace = byId("pace", HTMLSelectElement);
  const loop = byId("loop", HTMLButtonElement);
  const blur = byId("blur", HTMLButtonElement);
  const theme = byId("theme", HTMLButtonElement);
  for (const value of SPEEDS) {
    speed.append(element("option", { value: String(value) }, `${value}×`));
  }
  play.addEventListener("click", () => page.toggle());
  moment.addEventListener("input", () => page.goTo(Number(moment.value)));
  speed.addEventListener("change", () => page.set({ speed: Number(speed.value) }));
  pace.addEventListener("change", () =>
    page.set({ pace: pace.value === "even" ? "even" : "film" }),
  );
  loop.addEventListener("click", () => page.set({ loops: !page.store.get().loops }));
  blur.addEventListener("click", () => page.set({ blurred: !page.store.get().blurred }));
  theme.addEventListener("click", () =>
    page.set({ theme: page.store.get().theme === "dark" ? "light" : "dark" }),
  );
  byId("ask", HTMLButtonElement).addEventListener("click", () => showHelp());
  /** @param {State} state */
  const update = (state) => {
    label(play, state.playing ? "Pause" : "Play");
    moment.max = String(page.data.moments.count - 1);
    moment.value = String(state.moment);
    moment.setAttribute("aria-valuetext", momentWords(page.data, state.moment));
    speed.value = String(state.speed);
    pace.value = state.pace;
    loop.setAttribute("aria-pressed", String(state.loops));
    blur.setAttribute("aria-pressed", String(state.blurred));
    label(theme, state.theme === "dark" ? "Light theme" : "Dark theme");
    showTheme(page, state);
  };
  update(page.store.get());
  page.store.subscribe(update);
  page.onGrown(() => update(page.store.get()));
  closeMenus();
  showFacts(page);
}

/** Shows the keys. */
export function showHelp() {
  const help = byId("help", HTMLDialogElement);
  if (!help.open) help.showModal();
}

/**
 * The name of a button that has a sign in place of words.
 * @param {HTMLButtonElement} button
 * @param {string} name
 */
function label(button, name) {
  button.setAttribute("aria-label", name);
  button.title = name;
}

/**
 * The theme's colors as variables of the page's style.
 * @param {Page} page
 * @param {State} state
 */
function showTheme(page, state) {
  const root = document.documentElement;
  if (root.dataset.theme === state.theme && root.style.getPropertyValue("--text")) return;
  root.dataset.theme = state.theme;
  for (const [name, color] of Object.entries(page.document.themes[state.theme])) {
    root.style.setProperty(`--${name}`, color);
  }
}

/** A menu closes when something else is pressed, or Escape. */
function closeMenus() {
  const menus = [...document.querySelectorAll("details.menu")].filter(
    (menu) => menu instanceof HTMLDetailsElement,
  );
  document.addEventListener("pointerdown", (event) => {
    for (const menu of menus) {
      if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
    }
  });
  for (const menu of menus) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary")?.focus();
      event.stopPropagation();
    });
  }
}

/**
 * How true the page is, and what it lacks.
 * @param {Page} page
 */
function showFacts(page) {
  const { rows, runs } = page.document;
  const error = Math.max(...rows.map((row) => row.error_px));
  const words = [`Places are within ${error.toFixed(2)} px of a panel of 760 px.`];
  for (const run of runs) {
    if (!run.left_out) continue;
    const of = runs.length > 1 ? ` of ${run.name}` : "";
    const left = counted(run.left_out, "recorded step");
    words.push(`${left}${of} left out, so that the page is small.`);
  }
  say(byId("facts", HTMLElement), words.join(" "));
}
