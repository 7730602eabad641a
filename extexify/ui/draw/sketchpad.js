// Undo, Redo and Clear, by button and by key, commands of the page, strokes that the system interrupts, and sending
// strokes at once.
//
// The canvas component undoes and redoes strokes itself, at once, unless the server has sent it a drawing since: then, and
// for all other commands, the server does it.

const OWN_BUTTONS = { undo: "Undo", redo: "Redo", send: "Update the app with this drawing" };
const PATIENCE = 10_000; // milliseconds after which an answer of the server counts as lost

let ask = () => {}; // asks the server to perform a command
let mark = 0; // names the drawing that the server sent last
let deadline = 0; // until then, the server's answer is awaited
const commands = []; // to perform after it: [name, value]
let held = null; // the canvas's element while it takes no strokes
let patience = 0; // the timer that lets it take strokes again
let isDrawing = false; // whether a stroke has begun on the canvas
let place = null; // the buttons' shadow root
let current = null; // the listeners' AbortController

// The first match in the canvas component, whose toolbar isn't shown.
function inCanvas(selector) {
  const roots = [...document.querySelectorAll(".st-key-canvas *")].map((element) => element.shadowRoot);
  return roots.map((root) => root?.querySelector(selector)).find(Boolean);
}

function ownButton(name) {
  return inCanvas(`.dc-toolbar button[aria-label="${OWN_BUTTONS[name]}"]:enabled`);
}

function perform(command, value = true) {
  const button = command in OWN_BUTTONS ? ownButton(command) : null;
  if (performance.now() < deadline) {
    commands.push([command, value]);
  } else if (button) {
    button.click();
  } else {
    // The server needs the last stroke, to bring it back or to keep it.
    if (!(command in OWN_BUTTONS)) ownButton("send")?.click();
    if (!(command in OWN_BUTTONS) && command !== "clear") hold();
    deadline = performance.now() + PATIENCE;
    ask(command, value);
  }
}

// What is drawn between a command of the page and the server's answer would be lost, or count as the next drawing's.
function hold() {
  held = document.querySelector(".st-key-canvas");
  if (held) held.style.pointerEvents = "none";
  clearTimeout(patience);
  patience = setTimeout(release, PATIENCE);
}

function release() {
  clearTimeout(patience);
  if (held) held.style.pointerEvents = "";
  held = null;
}

// Goes on when the canvas component has the server's drawing: two at once would break it.
function settle() {
  if (!place.isConnected) {
    commands.length = 0;
    release();
    return;
  }
  if (inCanvas(".dc-scroll")?.style.maxHeight !== `${mark}px`) {
    requestAnimationFrame(settle);
    return;
  }
  deadline = 0;
  release();
  for (const command of commands.splice(0)) perform(...command);
}

function onKey(event) {
  const command = canvasCommand(event);
  // Escape also closes menus, which lie outside the page's main part.
  const isOnPage = event.target === document.body || event.target.closest?.(".stMain");
  if (!command || (command === "clear" && !isOnPage)) return;
  event.preventDefault();
  perform(command);
}

function onCommand({ detail: { name, value } }) {
  if (!isDrawing) perform(name, value);
}

function isOnCanvas(event) {
  const target = event.composedPath()[0];
  return target instanceof Element && target.matches("canvas.upper-canvas");
}

// The canvas takes no focus: it would stay on a button or a field, which then takes the page's keys.
function onPress(event) {
  isDrawing = isOnCanvas(event);
  if (!isDrawing) return;
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  focused?.blur();
}

// The canvas component would send the stroke 200 ms later. Its button sends what is there now in place of that, once
// its own listeners have made the stroke.
function onRelease() {
  if (isDrawing) setTimeout(() => ownButton("send")?.click());
  isDrawing = false;
}

// The canvas component doesn't listen to interruptions: for it, the finger or the pen is lifted, and the stroke ends.
function onCancel(event) {
  if (!isOnCanvas(event)) return;
  const canvas = event.composedPath()[0];
  const how = { bubbles: true, composed: true };
  if (event.type === "touchcancel") {
    const { touches, targetTouches, changedTouches } = event;
    const fingers = { touches: [...touches], targetTouches: [...targetTouches], changedTouches: [...changedTouches] };
    canvas.dispatchEvent(new TouchEvent("touchend", { ...how, ...fingers }));
  } else if (event.pointerType !== "touch") {
    canvas.dispatchEvent(new MouseEvent("mouseup", how));
  }
}

const LISTENERS = {
  keydown: onKey,
  "canvas-command": onCommand,
  pointerdown: onPress,
  mouseup: onRelease,
  touchend: onRelease,
  touchcancel: onCancel,
  pointercancel: onCancel,
};

export default function ({ data, parentElement, setTriggerValue }) {
  ask = setTriggerValue;
  place = parentElement;
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = () => perform(button.name);
    button.disabled = data[button.name] === false;
  }
  current?.abort();
  const controller = new AbortController();
  current = controller;
  for (const [type, listener] of Object.entries(LISTENERS)) {
    document.addEventListener(type, listener, { signal: controller.signal });
  }
  if (data.mark !== mark) {
    mark = data.mark;
    requestAnimationFrame(settle);
  }
  return () => controller.abort();
}
