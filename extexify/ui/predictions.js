// Shows the ranked answers. Rows are reused from one answer to the next, so that a stroke changes what has
// changed and nothing flickers; the probability bars glide to their new length.

const COPIED_MS = 1600;

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without HTTPS (a colleague's machine on the local network) browsers leave only the old way.
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  document.body.appendChild(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("copy refused");
}

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent.appendChild(made);
  return made;
}

function makeRow(list) {
  const row = element("li", "row", list);
  const glyph = element("span", "glyph", row);
  const middle = element("div", "middle", row);
  const command = element("code", "command", middle);
  const about = element("div", "about", middle);
  const share = element("div", "share", row);
  const percent = element("span", "percent", share);
  const track = element("div", "track", share);
  const bar = element("div", "bar", track);
  const button = element("button", "copy", row);
  button.type = "button";
  const label = element("span", "label", button);
  const parts = { row, glyph, command, about, percent, bar, button, label, text: "", timer: 0 };
  button.onclick = async () => {
    clearTimeout(parts.timer);
    try {
      await copy(parts.text);
      button.dataset.state = "done";
      label.textContent = "Copied";
    } catch {
      button.dataset.state = "failed";
      label.textContent = "Select it by hand";
    }
    parts.timer = setTimeout(() => reset(parts), COPIED_MS);
  };
  return parts;
}

function reset(parts) {
  clearTimeout(parts.timer);
  parts.button.dataset.state = "";
  parts.label.textContent = "Copy";
}

function fill(parts, answer, first) {
  const { row, glyph, command, about, percent, bar, button } = parts;
  row.classList.toggle("first", first);
  if (answer.svg) glyph.innerHTML = answer.svg;
  else glyph.textContent = answer.character || "";
  glyph.classList.toggle("plain", !answer.svg);
  glyph.title = answer.name || "";
  command.textContent = answer.command;
  about.textContent = answer.about;
  about.title = answer.preamble;
  percent.textContent = answer.percent;
  bar.style.transform = `scaleX(${answer.probability})`;
  button.setAttribute("aria-label", `Copy ${answer.command}`);
  if (parts.text !== answer.command) reset(parts);
  parts.text = answer.command;
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
