// Shows evaluated drawings in sections, each with the symbol it was taken for, a button that marks it as mislabelled or
// removes the mark, and optionally a field for a note. Tiles are reused from one message to the next, so that a mark
// changes only its tile, and a note that is being edited keeps its text and focus.

const made = new WeakMap();
let written = 0; // notes, in this browser's window

// A component's state between messages. `edits` are the notes that the server hasn't confirmed yet, by the ids of their
// drawings: [number, note].
function start() {
  return { tiles: new Map(), boxes: [], edits: {}, setState: null };
}

function makeTile(drawing, kept) {
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
  const keep = (note) => {
    kept.edits[drawing.id] = [(written += 1), note];
    kept.setState("notes", { ...kept.edits });
  };
  const note = drawing.note === null ? null : makeNote(tile, keep, button);
  return { tile, ink, answer, glyph, command, percent, button, note };
}

function fill(parts, drawing, { labels, limit, waiting }, send) {
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
    send("mark", { id: drawing.id, marked: !drawing.marked });
  };
  if (parts.note) fillNote(parts.note, drawing.note, { limit, about: drawing.about, waiting });
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

function makeBox() {
  const box = element("section", "");
  return { box, title: element("h3", "", box), empty: element("p", "empty", box), list: element("ul", "", box) };
}

// Makes `children` the children of a place, without moving any that is where it belongs.
function put(place, children) {
  const wanted = new Set(children);
  for (const child of [...place.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, at) => {
    if (place.children[at] !== child) place.insertBefore(child, place.children[at] ?? null);
  });
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const root = parentElement.querySelector(".labelled");
  const kept = made.get(root) || start();
  made.set(root, kept);
  kept.setState = setStateValue;
  for (const [id, [number]] of Object.entries(kept.edits)) if (number <= data.done) delete kept.edits[id];
  const tiles = new Map();
  root.classList.toggle("fading", data.fading);
  root.classList.toggle("noting", data.limit > 0);
  showHead(root, data.head);
  const focused = root.getRootNode().activeElement;
  while (kept.boxes.length < data.sections.length) kept.boxes.push(makeBox());
  const boxes = kept.boxes.slice(0, data.sections.length);
  put(root.querySelector(".sections"), boxes.map(({ box }) => box));
  data.sections.forEach((section, at) => {
    const { title, empty, list } = boxes[at];
    title.textContent = section.title;
    title.hidden = !section.title;
    empty.textContent = section.empty;
    empty.hidden = section.drawings.length > 0;
    const shown = section.drawings.map((drawing) => {
      const parts = kept.tiles.get(drawing.id) || makeTile(drawing, kept);
      tiles.set(drawing.id, parts);
      fill(parts, drawing, { ...data, waiting: drawing.id in kept.edits }, setTriggerValue);
      return parts.tile;
    });
    put(list, shown);
  });
  // A pressed button keeps the focus when its tile moves.
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  kept.tiles = tiles;
}
