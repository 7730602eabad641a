// Shows the ranked answers. Rows are reused from one answer to the next, so that a stroke changes what has
// changed and nothing flickers; the probability bars glide to their new length.

const FEW_MEMBERS = [3, 2]; // look-alikes that are shown at once: of the first answer, and of any other

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

function makeRow(list, send) {
  const row = element("li", "row", list);
  const glyph = element("span", "glyph", row);
  const middle = element("div", "middle", row);
  const command = element("code", "command", middle);
  const about = element("div", "about", middle);
  const origin = element("span", "origin", about);
  const link = element("a", "details", about, "Details");
  const was = keepButton(about, () => send("keep", parts.key));
  const share = element("div", "share", row);
  const percent = element("span", "percent", share);
  const track = element("div", "track", share);
  const bar = element("div", "bar", track);
  const parts = { row, glyph, command, origin, link, was, percent, bar, send, text: "", key: "", alike: "" };
  parts.button = copyButton(row, () => parts.text);
  parts.members = element("div", "members", row);
  link.onclick = (event) => {
    if (opensElsewhere(event)) return;
    event.preventDefault();
    goTo(link.href);
  };
  return parts;
}

function fill(parts, answer, first, kept) {
  const { row, glyph, command, origin, link, was, percent, bar, button } = parts;
  row.classList.toggle("first", first);
  showGlyph(glyph, answer);
  command.textContent = answer.command;
  origin.textContent = answer.about;
  origin.title = answer.preamble;
  link.href = addressOf(answer.key, "symbols");
  link.setAttribute("aria-label", `Details of ${answer.command}`);
  setKeep(was, answer, kept);
  was.textContent = kept === answer.key ? word : "It was this one";
  percent.textContent = answer.percent;
  bar.style.transform = `scaleX(${answer.probability})`;
  button.setAttribute("aria-label", `Copy ${answer.command}`);
  if (parts.key !== answer.key) button.reset();
  command.dataset.key = answer.key;
  parts.text = answer.command;
  parts.key = answer.key;
  fillMembers(parts, answer.alike, FEW_MEMBERS[first ? 0 : 1]);
  answer.alike.forEach((member, index) => setKeep(parts.chips[index].was, member, kept));
}

// The other symbols that a drawing like this may mean, each a button that copies its command beside one that keeps
// the drawing.
function fillMembers(parts, alike, few) {
  const names = JSON.stringify([few, alike.map((member) => member.key)]);
  if (parts.alike === names) return;
  parts.alike = names;
  parts.members.replaceChildren();
  parts.members.hidden = !alike.length;
  parts.chips = [];
  if (!alike.length) return;
  element("span", "quiet", parts.members, "drawn alike");
  parts.chips = alike.map((member) => {
    const chip = element("span", "member", parts.members);
    chip.dataset.key = member.key;
    const pick = copyButton(chip, () => member.command);
    pick.className = "pick";
    const glyph = element("span", "glyph", null);
    showGlyph(glyph, member);
    pick.prepend(glyph, element("code", "", null, member.command));
    pick.title = `${member.command} · ${member.about}: click to copy`;
    pick.setAttribute("aria-label", `Copy ${member.command}, ${member.about}`);
    chip.was = keepButton(chip, () => parts.send("keep", member.key));
    chip.was.innerHTML = CHECK;
    return chip;
  });
  const more = alike.length - few;
  if (more < 1) return;
  for (const chip of parts.chips.slice(few)) chip.hidden = true;
  const button = element("button", "expand", parts.members, `${more} more`);
  button.type = "button";
  button.setAttribute("aria-label", `Show ${more} more that are drawn alike`);
  button.onclick = () => {
    for (const chip of parts.chips) chip.hidden = false;
    parts.chips[few].querySelector(".pick").focus();
    button.remove();
  };
}

const rows = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const list = parentElement.querySelector("ol");
  const made = rows.get(list) || [];
  rows.set(list, made);
  made.send = setTriggerValue;
  word = data.word;
  while (made.length > data.answers.length) made.pop().row.remove();
  while (made.length < data.answers.length) made.push(makeRow(list, (...trigger) => made.send(...trigger)));
  parentElement.querySelector(".invitation").hidden = made.length > 0;
  parentElement.querySelector(".doubt").hidden = !data.doubtful || made.length === 0;
  data.answers.forEach((answer, index) => fill(made[index], answer, index === 0, data.kept));
  // For whoever (or whatever) waits for the answer to a certain drawing.
  list.dataset.strokes = data.strokes;
}
