// Shows the ranked answers. Rows are reused from one answer to the next, so that a stroke changes what has
// changed and nothing flickers; the probability bars glide to their new length.

const FEW_MEMBERS = [3, 2]; // look-alikes that are shown at once: of the first answer, and of any other

function makeRow(list) {
  const row = element("li", "row", list);
  const glyph = element("span", "glyph", row);
  const middle = element("div", "middle", row);
  const command = element("code", "command", middle);
  const about = element("div", "about", middle);
  const origin = element("span", "origin", about);
  const link = element("a", "details", about, "Details");
  const share = element("div", "share", row);
  const percent = element("span", "percent", share);
  const track = element("div", "track", share);
  const bar = element("div", "bar", track);
  const parts = { row, glyph, command, origin, link, percent, bar, text: "", key: "", alike: "" };
  parts.button = copyButton(row, () => parts.text);
  parts.members = element("div", "members", row);
  link.onclick = (event) => {
    if (opensElsewhere(event)) return;
    event.preventDefault();
    goTo(link.href);
  };
  return parts;
}

function showGlyph(glyph, symbol) {
  if (symbol.svg) glyph.innerHTML = symbol.svg;
  else glyph.textContent = symbol.character || "";
  glyph.classList.toggle("plain", !symbol.svg);
  glyph.title = symbol.name || "";
}

function fill(parts, answer, first) {
  const { row, glyph, command, origin, link, percent, bar, button } = parts;
  row.classList.toggle("first", first);
  showGlyph(glyph, answer);
  command.textContent = answer.command;
  origin.textContent = answer.about;
  origin.title = answer.preamble;
  link.href = addressOf(answer.key, "symbols");
  link.setAttribute("aria-label", `Details of ${answer.command}`);
  percent.textContent = answer.percent;
  bar.style.transform = `scaleX(${answer.probability})`;
  button.setAttribute("aria-label", `Copy ${answer.command}`);
  if (parts.key !== answer.key) button.reset();
  parts.text = answer.command;
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
  if (!alike.length) return;
  element("span", "quiet", parts.members, "drawn alike");
  const chips = alike.map((member) => {
    const chip = copyButton(parts.members, () => member.command);
    chip.className = "member";
    const glyph = element("span", "glyph", null);
    showGlyph(glyph, member);
    chip.prepend(glyph, element("code", "", null, member.command));
    chip.title = `${member.command} · ${member.about}: click to copy`;
    chip.setAttribute("aria-label", `Copy ${member.command}, ${member.about}`);
    return chip;
  });
  const more = alike.length - few;
  if (more < 1) return;
  for (const chip of chips.slice(few)) chip.hidden = true;
  const button = element("button", "expand", parts.members, `${more} more`);
  button.type = "button";
  button.setAttribute("aria-label", `Show ${more} more that are drawn alike`);
  button.onclick = () => {
    for (const chip of chips) chip.hidden = false;
    chips[few].focus();
    button.remove();
  };
}

const rows = new WeakMap();

export default function (component) {
  const { data, parentElement } = component;
  const list = parentElement.querySelector("ol");
  const made = rows.get(list) || [];
  rows.set(list, made);
  while (made.length > data.answers.length) made.pop().row.remove();
  while (made.length < data.answers.length) made.push(makeRow(list));
  parentElement.querySelector(".invitation").hidden = made.length > 0;
  data.answers.forEach((answer, index) => fill(made[index], answer, index === 0));
  // For whoever (or whatever) waits for the answer to a certain drawing.
  list.dataset.strokes = data.strokes;
}
