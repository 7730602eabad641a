// Keep and Skip, by button and by key: Enter and →. Both go through sketchpad.js, in order with Undo and with the last
// stroke.

const KEYS = { Enter: "keep", ArrowRight: "skip" };
const FIELDS = "input, textarea, select, [contenteditable=true], [role=radio], [role=tab], [role=option]";
const BUTTONS = "a, button, summary, [role=button]";

let current = null; // the listeners' AbortController

function send(name, value) {
  document.dispatchEvent(new CustomEvent("canvas-command", { detail: { name, value } }));
}

function commandOf(event) {
  if (event.defaultPrevented || event.repeat) return "";
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return "";
  const isOnPage = event.target === document.body || event.target.closest?.(".stMain");
  const target = event.composedPath()[0];
  const taking = event.key === "Enter" ? `${FIELDS}, ${BUTTONS}` : FIELDS;
  if (!isOnPage || (target instanceof Element && target.matches(taking))) return "";
  return KEYS[event.key] || "";
}

export default function ({ data, parentElement }) {
  const message = parentElement.querySelector(".message");
  if (message.textContent !== data.message) message.textContent = data.message;
  message.classList.toggle("failed", data.failed);
  for (const button of parentElement.querySelectorAll("button")) button.onclick = () => send(button.name, data.number);
  current?.abort();
  const controller = new AbortController();
  current = controller;
  document.addEventListener(
    "keydown",
    (event) => {
      const command = commandOf(event);
      if (!command) return;
      event.preventDefault();
      send(command, data.number);
    },
    { signal: controller.signal },
  );
  return () => controller.abort();
}
