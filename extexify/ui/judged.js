// Shows judged drawings in sections, each drawing with what it was taken for and a button that marks it as mislabelled
// or takes that back. Tiles stay from one message to the next, so that a mark changes its tile and nothing else.

const tiles = new WeakMap();

function makeTile(drawing) {
  const tile = element("li", "tile");
  const ink = element("div", "ink", element("div", "square", tile));
  ink.setAttribute("role", "img");
  ink.style.maskImage = `url(${drawing.url})`;
  const answer = element("div", "answer", tile);
  const glyph = element("span", "glyph", answer);
  const command = element("code", "", answer);
  const percent = element("span", "percent", answer);
  const button = element("button", "mark", tile);
  button.type = "button";
  return { tile, ink, answer, glyph, command, percent, button };
}

function fill(parts, drawing, labels, send) {
  const { tile, ink, answer, glyph, command, percent, button } = parts;
  tile.classList.toggle("marked", drawing.marked);
  ink.setAttribute("aria-label", drawing.about);
  tile.title = drawing.about;
  answer.hidden = !drawing.symbol;
  if (drawing.symbol) {
    showGlyph(glyph, drawing.symbol);
    command.textContent = drawing.symbol.command;
  }
  percent.textContent = drawing.percent;
  button.textContent = drawing.marked ? labels.restore : labels.mark;
  button.setAttribute("aria-label", `${button.textContent}: ${drawing.about}`);
  button.disabled = false;
  button.hidden = !labels.mark;
  button.onclick = () => {
    button.disabled = true; // until the server has answered
    send("toggle", drawing.id);
  };
}

function showHead(root, head) {
  const box = root.querySelector(".head");
  box.hidden = !head;
  if (!head) return;
  box.replaceChildren();
  showGlyph(element("span", "large", box), head.symbol);
  const words = element("div", "words", box);
  element("code", "", words, head.symbol.command);
  element("p", "", words, head.line);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".judged");
  const made = tiles.get(root) || new Map();
  const kept = new Map();
  root.classList.toggle("fading", data.fading);
  showHead(root, data.head);
  const sections = data.sections.map((section) => {
    const box = element("section", "");
    if (section.title) element("h3", "", box, section.title);
    if (!section.drawings.length) element("p", "empty", box, section.empty);
    const list = element("ul", "", box);
    for (const drawing of section.drawings) {
      const parts = made.get(drawing.id) || makeTile(drawing);
      kept.set(drawing.id, parts);
      fill(parts, drawing, data.labels, setTriggerValue);
      list.appendChild(parts.tile);
    }
    return box;
  });
  // Whoever pressed a button stays at it.
  const focused = root.getRootNode().activeElement;
  root.querySelector(".sections").replaceChildren(...sections);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  tiles.set(root, kept);
}
