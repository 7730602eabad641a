// In Overleaf's page, apart from its scripts: the toolbar's button, and the panel (panel.html) in a frame over the editor.
// Everything that the page can answer or forge concerns its own document; the panel's port stays out of its reach.
//
// The frame posts "extexify:ready", and gets a MessagePort with a token that its address has too. Over it:
//   from the panel  {id, action, …}, "read", "replace" or "focus" of bridge.js, answered by {id, …} or {id, problem};
//                   {action: "close"}
//   to the panel    {event: "opened", dark: whether Overleaf is} and {event: "closed"}

const ACTIONS = ["read", "replace", "focus"]; // of bridge.js that the panel may ask for
const NO_ANSWER = { problem: "no answer" }; // the page's script isn't there, as in a page older than the extension

// Where Overleaf's toolbar has room, in its versions; the first that is there gets the button.
const TOOLBARS = [".ol-cm-toolbar-end", ".ol-toolbar-layout-right", ".ide-redesign-toolbar-actions", ".toolbar-editor"];

const WIDTH = 680; // of the panel, in CSS pixels, where the window is wide and high enough
const HEIGHT = 460;
const MARGIN = 8; // between the panel and the window's edges, and between it and the cursor

// --- the page's script --------------------------------------------------------------------------

let questions = 0;

// Asks bridge.js, which answers before the event returns.
function ask(question) {
  const id = (questions += 1);
  let answer = NO_ANSWER;
  const receive = (event) => {
    try {
      const received = JSON.parse(event.detail);
      if (received.id === id) answer = received;
    } catch {
      // Another script's.
    }
  };
  window.addEventListener("extexify:answer", receive);
  window.dispatchEvent(new CustomEvent("extexify:ask", { detail: JSON.stringify({ ...question, id }) }));
  window.removeEventListener("extexify:answer", receive);
  return checked(question.action, answer);
}

function checked(action, { problem, text, from, to, place }) {
  if (problem !== undefined) return { problem: String(problem) };
  if (action === "place") return { place: isPlace(place) ? place : null };
  if (action !== "read") return {};
  const isRead = typeof text === "string" && [from, to].every(Number.isInteger) && 0 <= from && from <= to && to <= text.length;
  return isRead ? { text, from, to, place: isPlace(place) ? place : null } : NO_ANSWER;
}

function isPlace(place) {
  return [place?.left, place?.top, place?.bottom].every(Number.isFinite);
}

// --- the panel ----------------------------------------------------------------------------------

const PANEL_STYLE = `
  :host { all: initial !important; }
  .panel { position: fixed; z-index: 2147483647; visibility: hidden; }
  .panel.open { visibility: visible; }
  iframe {
    display: block;
    box-sizing: border-box;
    width: min(${WIDTH}px, 100vw - ${2 * MARGIN}px);
    height: min(${HEIGHT}px, 100vh - ${2 * MARGIN}px);
    border: 1px solid rgb(128 128 128 / 40%);
    border-radius: 12px;
    box-shadow: 0 8px 32px rgb(0 0 0 / 30%);
  }
`;

const host = document.createElement("extexify-panel");
const token = crypto.randomUUID(); // by which the panel knows our port
let panel; // made when it is first opened
let frame;
let port; // to the page in the frame

function makePanel() {
  // Overleaf's scripts don't see what is in a closed shadow root, nor do its styles apply there.
  const root = host.attachShadow({ mode: "closed" });
  const style = document.createElement("style");
  style.textContent = PANEL_STYLE;
  panel = document.createElement("div");
  panel.className = "panel";
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", "Extexify");
  frame = document.createElement("iframe");
  frame.title = "Draw a symbol";
  frame.allow = "clipboard-write";
  frame.src = `${chrome.runtime.getURL("panel.html")}#${token}`;
  panel.append(frame);
  root.append(style, panel);
}

window.addEventListener("message", (event) => {
  if (!frame || event.source !== frame.contentWindow || event.data !== "extexify:ready") return;
  const channel = new MessageChannel();
  port = channel.port1;
  port.onmessage = receiveFromPanel;
  frame.contentWindow.postMessage({ extexify: "port", token }, event.origin, [channel.port2]);
  if (isOpen()) welcome();
});

function receiveFromPanel({ data }) {
  if (data.action === "close") close();
  else if (ACTIONS.includes(data.action)) port.postMessage({ ...ask(data), id: data.id });
}

function isOpen() {
  return panel?.classList.contains("open") && host.isConnected;
}

function toggle() {
  if (!isOpen()) return open();
  port?.postMessage({ event: "closed" });
  close();
}

function open() {
  const { place } = ask({ action: "place" });
  if (!panel) makePanel();
  // Without the same colour scheme as its page, a frame gets an opaque backdrop.
  frame.style.colorScheme = isDark() ? "dark" : "light";
  if (!host.isConnected) document.documentElement.append(host);
  panel.classList.add("open");
  markButton();
  moveTo(place ?? belowButton());
  welcome();
}

function welcome() {
  frame.focus();
  port?.postMessage({ event: "opened", dark: isDark() });
}

function close() {
  panel.classList.remove("open");
  markButton();
  ask({ action: "focus" });
}

// Puts the panel below a place of the window, or above it where there is more room, wholly inside the window.
function moveTo({ left, top, bottom }) {
  const { offsetWidth: width, offsetHeight: height } = panel;
  const below = bottom + MARGIN;
  const above = top - MARGIN - height;
  const y = below + height + MARGIN > innerHeight && above >= MARGIN ? above : below;
  panel.style.left = `${inside(left, width, innerWidth)}px`;
  panel.style.top = `${inside(y, height, innerHeight)}px`;
}

function inside(start, length, room) {
  return Math.max(MARGIN, Math.min(start, room - length - MARGIN));
}

window.addEventListener("resize", () => {
  if (!isOpen()) return;
  panel.style.left = `${inside(panel.offsetLeft, panel.offsetWidth, innerWidth)}px`;
  panel.style.top = `${inside(panel.offsetTop, panel.offsetHeight, innerHeight)}px`;
});

// --- the toolbar's button -----------------------------------------------------------------------

const BUTTON_STYLE = `
  :host { all: initial !important; display: inline-flex !important; align-items: center !important; color: inherit !important; }
  button {
    display: grid;
    place-items: center;
    width: 26px;
    height: 26px;
    margin: 0 2px;
    padding: 0;
    border: none;
    border-radius: 4px;
    background: none;
    color: inherit;
    cursor: pointer;
  }
  button:hover, button[aria-expanded="true"] { background: color-mix(in srgb, currentcolor 14%, transparent); }
  button:focus-visible { outline: 2px solid currentcolor; outline-offset: -2px; }
`;

// The curve of the logo.
const CURVE = "M23.5 9.5C19 11 15.5 22 11.3 22C8.8 22 7.5 19.4 7.5 16.5C7.5 12.8 9.5 10 12 10C16.5 10 18 21.5 24 22.3";

const buttonHost = document.createElement("extexify-button");
const button = document.createElement("button");

function makeButton() {
  const root = buttonHost.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = BUTTON_STYLE;
  button.type = "button";
  button.title = "Draw a symbol";
  button.setAttribute("aria-label", "Draw a symbol");
  button.setAttribute("aria-haspopup", "dialog");
  button.append(drawIcon());
  markButton();
  // A script of the page could click, too.
  button.addEventListener("click", (event) => event.isTrusted && toggle());
  root.append(style, button);
}

function drawIcon() {
  const make = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const icon = make("svg", { viewBox: "0 0 32 32", width: 20, height: 20, "aria-hidden": "true" });
  const line = { fill: "none", stroke: "currentColor", "stroke-width": 2.5, "stroke-linecap": "round", "stroke-linejoin": "round" };
  icon.append(make("rect", { ...line, x: 2, y: 2, width: 28, height: 28, rx: 8 }), make("path", { ...line, d: CURVE }));
  return icon;
}

function markButton() {
  button.setAttribute("aria-expanded", String(Boolean(isOpen())));
}

// Overleaf makes its toolbar after the page, and anew when its layout changes.
function placeButton() {
  const toolbar = TOOLBARS.map((selector) => document.querySelector(selector)).find(Boolean);
  if (toolbar && buttonHost.parentElement !== toolbar) toolbar.prepend(buttonHost);
}

function belowButton() {
  const { left, top, bottom } = buttonHost.getBoundingClientRect();
  return buttonHost.isConnected ? { left, top, bottom } : { left: innerWidth, top: 0, bottom: 0 };
}

// Whether Overleaf is dark, as the colour of its toolbar's text says; without a toolbar, whether the browser is.
function isDark() {
  if (!buttonHost.isConnected) return matchMedia("(prefers-color-scheme: dark)").matches;
  const [red, green, blue] = getComputedStyle(buttonHost).color.match(/[\d.]+/g).map(Number);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 128;
}

makeButton();
placeButton();
new MutationObserver(placeButton).observe(document.documentElement, { childList: true, subtree: true });

// --- the shortcut -------------------------------------------------------------------------------

chrome.runtime.onMessage.addListener((message) => {
  if (message.toggle) toggle();
});

chrome.runtime.sendMessage({ shortcut: true }).then((shortcut) => {
  if (shortcut) button.title = `Draw a symbol (${shortcut})`;
});
