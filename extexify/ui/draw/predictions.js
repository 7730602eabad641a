// The ranked answers of the Draw page (see answer_rows.js): each leads to the page about its symbol, and every symbol
// can be named as the one that was meant.

const CHECK =
  '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 8.5 6.5 12 13 4.5" fill="none" stroke="currentColor" ' +
  'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>';

// A button that says: the drawing was meant to be this symbol.
function keepButton(parent, keep) {
  const button = element("button", "was", parent);
  button.type = "button";
  button.onclick = () => {
    button.disabled = true; // until the server has answered
    keep();
  };
  return button;
}

let word = "Kept"; // what has become of a drawing that was named

// Whether the button can be pressed, for a drawing that is kept under the key `kept` ("": not kept).
function setKeep(button, symbol, kept) {
  const chosen = kept === symbol.key;
  button.hidden = Boolean(kept) && !chosen;
  button.disabled = chosen;
  button.classList.toggle("chosen", chosen);
  button.setAttribute("aria-label", chosen ? `${word} as ${symbol.command}` : `It was ${symbol.command}`);
  button.title = chosen ? "" : "It was this one: keep the drawing as an example";
}

function makeKeepingRow(list, send) {
  const parts = makeRow(list, (chip, member) => {
    chip.was = keepButton(chip, () => send("keep", member.key));
    chip.was.innerHTML = CHECK;
  });
  parts.link = element("a", "details", parts.about, "Details");
  parts.link.onclick = (event) => {
    if (opensElsewhere(event)) return;
    event.preventDefault();
    goTo(parts.link.href);
  };
  parts.was = keepButton(parts.about, () => send("keep", parts.key));
  return parts;
}

function fillKeeping({ link, was, chips }, answer, kept) {
  link.href = addressOf(answer.key, "symbols");
  link.setAttribute("aria-label", `Details of ${answer.command}`);
  setKeep(was, answer, kept);
  was.textContent = kept === answer.key ? word : "It was this one";
  answer.alike.forEach((member, index) => setKeep(chips[index].was, member, kept));
}

const rows = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const list = parentElement.querySelector("ol");
  const made = rows.get(list) || [];
  rows.set(list, made);
  made.send = setTriggerValue;
  word = data.word;
  showAnswers(parentElement, made, data, () => makeKeepingRow(list, (...trigger) => made.send(...trigger)));
  data.answers.forEach((answer, index) => fillKeeping(made[index], answer, data.kept));
}
