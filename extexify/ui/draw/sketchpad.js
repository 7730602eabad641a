// Undo, and the keys of the Draw page.
//
// The canvas sends a stroke to the server 200 ms after it was drawn, so that the server's last stroke may not be the
// last one. Undo is therefore done by the canvas as long as it has strokes of its own. It has none right after the server
// has sent it a drawing (Clear, or coming back from another page): then the server has all of it, and its button works.

function canvasTool(name) {
  for (const host of document.querySelectorAll(".st-key-canvas *")) {
    const button = host.shadowRoot?.querySelector(`.dc-toolbar button[aria-label="${name}"]`);
    if (button) return button;
  }
  return null;
}

// Presses a button of the canvas component; false when it is missing or disabled.
function press(name) {
  const button = canvasTool(name);
  if (!button || button.disabled) return false;
  button.click();
  return true;
}

function isEditable(target) {
  return target instanceof Element && target.matches("input, textarea, select, [contenteditable=true]");
}

function onClick(event) {
  if (!event.target.closest?.(".st-key-undo button") || !press("Undo")) return;
  // In the capture phase, before Streamlit's own handler.
  event.stopPropagation();
  event.preventDefault();
}

// Escape also closes menus, which lie outside the page's main part: it is ignored there.
function isOnPage(target) {
  return target === document.body || Boolean(target.closest?.(".stMain"));
}

function onKey(event) {
  if (event.defaultPrevented || event.altKey || isEditable(event.composedPath()[0])) return;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "y" || (key === "z" && event.shiftKey)) press("Redo");
    else if (key === "z") press("Undo") || document.querySelector(".st-key-undo button")?.click();
    else return;
  } else if (key === "escape" && isOnPage(event.target)) {
    document.querySelector(".st-key-clear button")?.click();
  } else {
    return;
  }
  event.preventDefault();
}

let current = null;

export default function () {
  current?.abort();
  const controller = new AbortController();
  current = controller;
  document.addEventListener("click", onClick, { capture: true, signal: controller.signal });
  document.addEventListener("keydown", onKey, { signal: controller.signal });
  return () => controller.abort();
}
