// The list of ranked answers on the Draw page and the offline page. Rows are reused from one drawing to the next, so that
// nothing flickers and the probability bars are animated to their new length.

const UNSURE = "Not sure: this looks like none of the model's symbols. The nearest are these.";
const ANNOUNCED = 3; // answers that screen readers read out after each stroke
const FEW_LOOK_ALIKES = [3, 2]; // shown before "more" is clicked: of the first answer, of the others

// Shows answers, best first, in the list within `container`; without any, the invitation. An answer is a summary of a
// symbol with `probability`, `percent`, and `alike`, the summaries of its look-alikes (see detailed_summary in
// extexify/catalog/comparison.py); in the visitor's document also with `typed`, the command that it has for the symbol in
// place of `command`, and `needs`, the lines that it lacks. `formats` are those of output_format.js, `rows` the existing rows,
// `make` creates one; `strokes` is the drawing's number of strokes.
function showAnswers(container, rows, { answers, unsure, strokes, formats }, make) {
  const format = chosenFormat(formats);
  offerToForget(container.querySelector(".forget"), () => {
    container.querySelector(".announced").textContent = "Your picks are forgotten.";
  });
  while (rows.length > answers.length) rows.pop().row.remove();
  while (rows.length < answers.length) rows.push(make());
  answers.forEach((answer, index) => fillRow(rows[index], answer, index === 0, format));
  container.querySelector(".output").hidden = !answers.length;
  container.querySelector(".invitation").hidden = answers.length > 0;
  const note = container.querySelector(".unsure");
  note.hidden = !unsure || !answers.length;
  note.textContent = note.hidden ? "" : UNSURE;
  const best = answers.slice(0, ANNOUNCED).map((answer) => `${formOf(answer, format).text} ${answer.percent}`);
  container.querySelector(".announced").textContent = [note.textContent, best.join(", ")].filter(Boolean).join(" ");
  // For tests and scripts that wait for the answers to a certain drawing.
  container.querySelector("ol").dataset.strokes = strokes;
}

// Creates a row; `decorateChip` may add to the chip of each look-alike, which is made when it is shown.
function makeRow(list, decorateChip = () => {}) {
  const row = element("li", "row", list);
  const glyph = element("span", "glyph", row);
  const middle = element("div", "middle", row);
  const command = element("code", "command", middle);
  const lacking = element("span", "lacking", middle);
  const about = element("div", "about", middle);
  const origin = element("span", "origin", about);
  const note = element("div", "note", middle);
  const share = element("div", "share", row);
  const percent = element("span", "percent", share);
  const bar = element("div", "bar", element("div", "track", share));
  const state = { answer: null, key: "", format: "", alike: "", chips: [] };
  const parts = { row, glyph, command, lacking, about, origin, note, percent, bar, decorateChip, ...state };
  parts.button = pickButton(row, () => command.textContent, () => parts.answer);
  parts.members = element("div", "members", row);
  parts.comparison = makeComparison(row);
  return parts;
}

// A copy button that counts as a pick of the symbol.
function pickButton(parent, text, symbol) {
  const picked = () => {
    recordPick(symbol().key);
    return text();
  };
  return copyButton(parent, picked, symbol);
}

function fillRow(parts, answer, first, format) {
  const form = formOf(answer, format);
  const { row, glyph, command, origin, note, percent, bar, button } = parts;
  row.classList.toggle("first", first);
  showGlyph(glyph, answer);
  command.textContent = form.text;
  command.dataset.key = answer.key;
  markLacking(parts.lacking, form);
  origin.textContent = isSource(answer, form) ? answer.about : `${answer.command} · ${answer.about}`;
  origin.title = answer.preamble;
  percent.textContent = answer.percent;
  bar.style.transform = `scaleX(${answer.probability})`;
  button.setAttribute("aria-label", `${delivery.verb} ${form.text}`);
  if (parts.key !== answer.key || parts.format !== format) button.reset();
  Object.assign(parts, { answer, key: answer.key, format });
  fillNote(note, answer, form);
  fillMembers(parts, answer, FEW_LOOK_ALIKES[first ? 0 : 1], format);
  fillComparison(parts.comparison, [answer, ...answer.alike], format);
}

// Whether the form that is shown of a symbol is its LaTeX source.
function isSource({ command, typed }, { text }) {
  return text === command || text === typed;
}

// What a symbol takes in the visitor's document, in words, where `text` is shown for it; empty without a document, or if its
// command is all.
function noteOf({ command, typed, needs }, { text }) {
  if (typed) return typed === text ? `in your document for ${command}` : `in your document: ${typed}`;
  return needs ? `needs ${needs}` : "";
}

// Shows that below an answer, with a button that copies what to type unless that is what the answer shows, or that adds the
// lines which the document lacks.
function fillNote(note, answer, form) {
  const text = noteOf(answer, form);
  if (note.dataset.text === text) return;
  note.dataset.text = text;
  note.hidden = !text;
  note.textContent = text;
  if (answer.needs) delivery.offerLines?.(note, answer);
  if (!answer.typed || answer.typed === form.text) return;
  const button = copyButton(note, () => answer.typed, () => answer);
  button.setAttribute("aria-label", `${delivery.verb} ${answer.typed}`);
}

// Shows the look-alikes of an answer as chips that copy what they show. Those without a glyph print like the answer.
function fillMembers(parts, answer, few, format) {
  const { alike } = answer;
  const shown = JSON.stringify([few, format, alike.map((member) => [member.key, noteOf(member, formOf(member, format))])]);
  if (parts.alike === shown) return;
  parts.alike = shown;
  parts.members.replaceChildren();
  parts.members.hidden = !alike.length;
  parts.chips = [];
  if (!alike.length) return;
  element("span", "quiet", parts.members, "drawn alike");
  const named = (text) => [answer, ...alike].filter((member) => formOf(member, format).text === text).length;
  const show = (members) => (parts.chips = [...parts.chips, ...members.map(makeChip)]);
  const makeChip = (member) => {
    const chip = element("span", "member", parts.members);
    chip.dataset.key = member.key;
    const form = formOf(member, format);
    const pick = pickButton(chip, () => form.text, () => member);
    pick.className = "pick";
    const glyph = element("span", "glyph", null);
    showGlyph(glyph, member.svg ? member : { ...member, svg: answer.svg });
    pick.prepend(glyph, element("code", "", null, form.text));
    const about = [member.command, member.about, noteOf(member, form)].filter(Boolean).join(" · ");
    pick.title = `${about}: click to ${delivery.verb.toLowerCase()}`;
    const command = form.text === member.command ? "" : `, ${member.command}`;
    pick.setAttribute("aria-label", `${delivery.verb} ${form.text}${command}, ${member.about}`);
    if (form.lacking) markLacking(element("span", "lacking", chip), form);
    // Packages have symbols of one name, and symbols share a character. Outside the button, whose label says it, too.
    const which = isSource(member, form) ? member.about.split(/ · | with /)[0] : member.command;
    if (named(form.text) > 1) element("span", "package", chip, which);
    parts.decorateChip(chip, member);
    return chip;
  };
  show(alike.slice(0, few));
  const more = alike.length - few;
  if (more < 1) return;
  const button = element("button", "expand", parts.members, `${more} more`);
  button.type = "button";
  button.setAttribute("aria-label", `Show ${more} more that are drawn alike`);
  button.onclick = () => {
    button.remove();
    show(alike.slice(few));
    parts.chips[few].querySelector(".pick").focus();
  };
}

// Copies an answer by its key, or does with it what `delivery` says: Enter the first one, 1 to 9 any; not where a field or a
// button takes the key.
function copyByKey(event, rows) {
  const chosen = rows[event.key === "Enter" ? 0 : /^[1-9]$/.test(event.key) ? event.key - 1 : -1];
  if (!chosen || !isFree(event)) return;
  event.preventDefault();
  chosen.button.click();
}
