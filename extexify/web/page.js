// Functions that the components share: elements, copy buttons, glyphs, navigation, and what the browser remembers.

const REPORT_MS = 1600; // how long a button shows what became of the click

function element(tag, className, parent, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  parent?.appendChild(made);
  return made;
}

// Copies a text, for the click on the button `near`; throws when the browser refuses.
async function copy(text, near) {
  const ways = [() => navigator.clipboard.writeText(text), () => copySelection(text, near)];
  // Without HTTPS, as on a local network, there is no clipboard, and in a frame of another site it mostly may not be used:
  // asking it first could take so long that the click no longer counts.
  if (!navigator.clipboard || window !== window.top) ways.reverse();
  try {
    await ways[0]();
  } catch {
    await ways[1]();
  }
}

// The older way: copies a field's selection. The field is put beside the button, because an open dialog allows no
// selection outside it.
function copySelection(text, near) {
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  near.after(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  near.focus();
  if (!done) throw new Error("copy refused");
}

const COPYING = { verb: "Copy", done: "Copied", failed: "Select it by hand", deliver: copy };

// What a click on a symbol's text does. The extension's panel, which inserts texts into a document, replaces it.
const delivery = { ...COPYING };

// A button that copies the result of `text()` when it is clicked, and reports that; with `symbol()`, of which the text is, it
// does what `delivery` says.
function copyButton(parent, text, symbol) {
  return actionButton(parent, symbol ? delivery : COPYING, text, symbol);
}

// A button that does with a text what `way` says: `deliver(text, button, symbol)`, which may return the words that report it
// in place of `done`; `verb` is its label.
function actionButton(parent, way, text, symbol) {
  const button = element("button", "copy", parent);
  button.type = "button";
  const label = element("span", "label", button, way.verb);
  const status = element("span", "announced", parent);
  status.setAttribute("role", "status");
  let timer = 0;
  const report = (state, words) => {
    clearTimeout(timer);
    button.dataset.state = state;
    label.textContent = words || way.verb;
    status.textContent = words;
  };
  button.reset = () => report("", "");
  button.onclick = async () => {
    try {
      report("done", (await way.deliver(text(), button, symbol?.())) ?? way.done);
    } catch {
      report("failed", way.failed);
    }
    timer = setTimeout(button.reset, REPORT_MS);
  };
  return button;
}

// Shows a symbol's printed glyph in an element, or its character if it has no glyph.
function showGlyph(glyph, symbol) {
  if (symbol.svg) glyph.replaceChildren(new DOMParser().parseFromString(symbol.svg, "image/svg+xml").documentElement);
  else glyph.textContent = symbol.character || "";
  glyph.classList.toggle("plain", !symbol.svg);
  glyph.title = symbol.name || "";
}

// The address of a symbol on the Symbols page, relative to any page of the dashboard.
function addressOf(key, page = "") {
  return `${page}?symbol=${encodeURIComponent(key)}`;
}

// Whether a click opens a new tab or window, which the browser handles itself.
function opensElsewhere(event) {
  return event.button > 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}

// Navigates to another page of the dashboard without reloading, as the browser's Back and Forward buttons do: a reload
// would end the session and lose the drawing.
function goTo(address) {
  window.history.pushState({}, "", address);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

let storage = () => window.localStorage; // where things are remembered; pages may have another place, with its functions
const ofVisit = new Map(); // for browsers that store nothing

// The text that the browser remembers under a name; null without one.
function remembered(name) {
  try {
    return storage().getItem(name);
  } catch {
    return ofVisit.get(name) ?? null; // storage is blocked: what is remembered lasts as long as the page
  }
}

// Without a text, what was remembered is forgotten.
function remember(name, text) {
  ofVisit.set(name, text);
  try {
    if (text === null) storage().removeItem(name);
    else storage().setItem(name, text);
  } catch {
    // As above.
  }
}
