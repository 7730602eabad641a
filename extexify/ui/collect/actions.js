// Keep and Skip, by button and by key: Enter and →. Both go through sketchpad.js, in order with Undo and with the last
// stroke.

const KEYS = { Enter: "keep", ArrowRight: "skip" };

function send(name, value) {
  document.dispatchEvent(new CustomEvent("canvas-command", { detail: { name, value } }));
}

export default function ({ data, parentElement }) {
  const message = parentElement.querySelector(".message");
  if (message.textContent !== data.message) message.textContent = data.message;
  message.classList.toggle("failed", data.failed);
  for (const button of parentElement.querySelectorAll("button")) button.onclick = () => send(button.name, data.number);
  return listenToKeys((event) => {
    const command = event.shiftKey || !isFree(event) ? undefined : KEYS[event.key];
    if (!command) return;
    event.preventDefault();
    send(command, data.number);
  });
}
