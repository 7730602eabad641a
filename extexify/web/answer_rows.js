// The ranked answers in rows, as the Draw page and the page that works offline show them. Rows are reused from one
// answer to the next, so that a stroke changes what has changed and nothing flickers; the probability bars glide to
// their new length.

const UNSURE = "Not sure: this looks like none of the symbols I know. The nearest are these.";
const FEW_MEMBERS = [3, 2]; // look-alikes that are shown at once: of the first answer, and of any other

// Shows answers, best first, in the list within `place`; without any, the invitation. An answer is a symbol (see
// extexify/catalog/symbols.py) with `probability`, `percent`, and `alike`: the symbols that a drawing like this may mean, too.
// `rows` are those that are there already, `make` makes one; `strokes` is the count of strokes that were answered.
function showAnswers(place, rows, { answers, unsure, strokes }, make) {
  while (rows.length > answers.length) rows.pop().row.remove();
  while (rows.length < answers.length) rows.push(make());
  answers.forEach((answer, index) => fillRow(rows[index], answer, index === 0));
  place.querySelector(".invitation").hidden = answers.length > 0;
  const note = place.querySelector(".unsure");
  note.hidden = !unsure || !answers.length;
  note.textContent = note.hidden ? "" : UNSURE;
  // For whoever (or whatever) waits for the answer to a certain drawing.
  place.querySelector("ol").dataset.strokes = strokes;
}

// `dress` may add to the chip of a symbol that is drawn alike.
function makeRow(list, dress = () => {}) {
  const row = element("li", "row", list);
  const glyph = element("span", "glyph", row);
  const middle = element("div", "middle", row);
  const command = element("code", "command", middle);
  const about = element("div", "about", middle);
  const origin = element("span", "origin", about);
  const share = element("div", "share", row);
  const percent = element("span", "percent", share);
  const bar = element("div", "bar", element("div", "track", share));
  const button = copyButton(row, () => command.textContent);
  const members = element("div", "members", row);
  return { row, glyph, command, about, origin, percent, bar, button, members, dress, key: "", alike: "", chips: [] };
}

function fillRow(parts, answer, first) {
  const { row, glyph, command, origin, percent, bar, button } = parts;
  row.classList.toggle("first", first);
  showGlyph(glyph, answer);
  command.textContent = answer.command;
  command.dataset.key = answer.key;
  origin.textContent = answer.about;
  origin.title = answer.preamble;
  percent.textContent = answer.percent;
  bar.style.transform = `scaleX(${answer.probability})`;
  button.setAttribute("aria-label", `Copy ${answer.command}`);
  if (parts.key !== answer.key) button.reset();
  parts.key = answer.key;
  fillMembers(parts, answer.alike, FEW_MEMBERS[first ? 0 : 1]);
}

// The other symbols that a drawing like this may mean, each a button that copies its command.
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
    parts.dress(chip, member);
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
