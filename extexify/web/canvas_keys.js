// The keys of a canvas: the command of a key press, "undo", "redo" or "clear"; "" for any other.
function canvasCommand(event) {
  if (event.defaultPrevented || event.altKey) return "";
  const target = event.composedPath()[0];
  if (target instanceof Element && target.matches("input:not([type=radio]), textarea, select, [contenteditable=true]")) return "";
  if (!event.ctrlKey && !event.metaKey) return event.key === "Escape" ? "clear" : "";
  // A Latin layout says where Z is; on another one it is the key in its place.
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : { KeyZ: "z", KeyY: "y" }[event.code];
  if (letter === "z") return event.shiftKey ? "redo" : "undo";
  return letter === "y" ? "redo" : "";
}
