// Undo, and the keys of the Draw page.
//
// The canvas tells the server of a stroke 200 ms after it, so the server can't know which stroke is the last one. The
// canvas does: undo is its own as long as it has something to undo. It hasn't right after it was given a drawing (by
// Clear, or coming back from another page); then the server knows all of it, and its button does the work.

function canvasTool(name) {
  for (const host of document.querySelectorAll(".st-key-canvas *")) {
    const button = host.shadowRoot?.querySelector(`.dc-toolbar button[aria-label="${name}"]`);
    if (button) return button;
  }
  return null;
}

// Presses a button of the canvas's own; false when there is nothing for it to do.
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
  // Before Streamlit hears of it.
  event.stopPropagation();
  event.preventDefault();
}

// Escape also closes menus, which lie beside the page's main part: there it is not ours.
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
  const mine = new AbortController();
  current = mine;
  document.addEventListener("click", onClick, { capture: true, signal: mine.signal });
  document.addEventListener("keydown", onKey, { signal: mine.signal });
  return () => mine.abort();
}
