// The ranked answers of the Draw page (see answer_rows.js), each with a link to the page of its symbol and, for every
// symbol, a button that saves the drawing as an example of it.

const CHECK =
  '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 8.5 6.5 12 13 4.5" fill="none" stroke="currentColor" ' +
  'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>';

function makeKeepButton(parent, keep) {
  const button = element("button", "was", parent);
  button.type = "button";
  button.onclick = () => {
    button.disabled = true; // until the server has answered
    keep();
  };
  return button;
}

// `name` is how the button names the symbol; `savedKey` the key that the drawing is saved under ("": not saved),
// `savedLabel` the word for its state.
function fillKeepButton(button, symbol, name, { savedKey, savedLabel }) {
  const chosen = savedKey === symbol.key;
  button.hidden = Boolean(savedKey) && !chosen;
  button.disabled = chosen;
  button.classList.toggle("chosen", chosen);
  button.setAttribute("aria-label", chosen ? `${savedLabel} as ${name}` : `It was this one: ${name}`);
  button.title = chosen ? "" : "It was this one: keep the drawing as an example";
}

function makeAnswerRow(list, send) {
  const keep = (key) => {
    recordPick(key);
    send("keep", key);
  };
  const parts = makeRow(list, (chip, member) => {
    chip.was = makeKeepButton(chip, () => keep(member.key));
    chip.was.innerHTML = CHECK;
    if (parts.data) fillChip(chip, member, parts.data);
  });
  parts.link = element("a", "details", parts.about, "Details");
  parts.link.onclick = (event) => {
    if (opensElsewhere(event)) return;
    event.preventDefault();
    goTo(parts.link.href);
  };
  parts.was = makeKeepButton(parts.about, () => keep(parts.key));
  return parts;
}

function fillChip({ was }, member, data) {
  fillKeepButton(was, member, `${member.command}, ${member.about}`, data);
}

function fillAnswerRow(parts, answer, data) {
  const { link, was, chips } = parts;
  parts.data = data; // for chips that are made later
  link.href = addressOf(answer.key, "symbols");
  link.setAttribute("aria-label", `Details of ${answer.command}`);
  fillKeepButton(was, answer, answer.command, data);
  was.textContent = data.savedKey === answer.key ? data.savedLabel : "It was this one";
  chips.forEach((chip, index) => fillChip(chip, answer.alike[index], data));
}

const rowsOfList = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector("ol");
  const rows = rowsOfList.get(list) || [];
  rowsOfList.set(list, rows);
  rows.send = setTriggerValue;
  const shown = { ...data, answers: inOrderOfPicks(data.answers) };
  const show = () => {
    showAnswers(parentElement, rows, shown, () => makeAnswerRow(list, (...trigger) => rows.send(...trigger)));
    shown.answers.forEach((answer, index) => fillAnswerRow(rows[index], answer, data));
  };
  offerFormats(parentElement.querySelector(".output select"), data.formats, show);
  show();
  return listenToKeys((event) => copyByKey(event, rows));
}
