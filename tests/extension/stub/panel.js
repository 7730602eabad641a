// In place of the panel, so that a test plays its part: `ask(question)` is the answer to a question, `tell(message)` sends
// one, `events` are those that content.js reported.

const events = [];
const waiting = new Map();
let port;

window.addEventListener("message", ({ data, ports }) => {
  if (data.token !== location.hash.slice(1)) return;
  [port] = ports;
  port.onmessage = ({ data: message }) => {
    if (message.event) events.push(message.event);
    else waiting.get(message.id)(message);
    if (message.event === "opened") document.querySelector("input").focus();
  };
});

function tell(message) {
  port.postMessage(message);
}

function ask(question) {
  const id = waiting.size + 1;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    tell({ ...question, id });
  });
}

window.parent.postMessage("extexify:ready", "*");
