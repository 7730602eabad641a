// Keys that belong to the page where no field or button takes them.

const FIELDS = "input, textarea, select, [contenteditable=true], [role=radio], [role=tab], [role=option]";
const BUTTONS = "a, button, summary, [role=button]";

// Whether nothing else takes a key press: no modifier but Shift, no repetition, and no field, or for Enter a button, that
// has the focus.
function isFree(event) {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.composedPath()[0];
  return !(target instanceof Element && target.matches(event.key === "Enter" ? `${FIELDS}, ${BUTTONS}` : FIELDS));
}

let listening = null; // the listener's AbortController

// Calls `handle` with each press of a key in the main part of a Streamlit page: outside it, Enter belongs to menus and
// dialogs. A component has one listener: a later call replaces it. Returns a function that ends it.
function listenToKeys(handle) {
  listening?.abort();
  const controller = new AbortController();
  listening = controller;
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target === document.body || event.target.closest?.(".stMain")) handle(event);
    },
    { signal: controller.signal },
  );
  return () => controller.abort();
}
