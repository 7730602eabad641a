// Shows evaluated drawings in sections, each with the symbol it was taken for, a button that marks it as mislabelled or
// removes the mark, and optionally a field for a note. Tiles are reused from one message to the next, so that a mark
// changes only its tile, and a note that is being edited keeps its text and focus.

const states = new WeakMap();
let noteCount = 0; // notes written in this browser window; each gets the next number

// A component's state between messages. `edits` are the notes that the server hasn't confirmed yet, by drawing id:
// [number, note].
function newState() {
  return { tiles: new Map(), boxes: [], edits: {}, setState: null };
}

function makeTile(drawing, state) {
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
    state.edits[drawing.id] = [(noteCount += 1), note];
    state.setState("notes", { ...state.edits });
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
  return { box, title: element("h2", "", box), empty: element("p", "empty", box), list: element("ul", "", box) };
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
  const state = states.get(root) || newState();
  states.set(root, state);
  state.setState = setStateValue;
  for (const [id, [number]] of Object.entries(state.edits)) if (number <= data.done) delete state.edits[id];
  const tiles = new Map();
  root.classList.toggle("fading", data.fading);
  root.classList.toggle("noting", data.limit > 0);
  showHead(root, data.head);
  const focused = root.getRootNode().activeElement;
  while (state.boxes.length < data.sections.length) state.boxes.push(makeBox());
  const boxes = state.boxes.slice(0, data.sections.length);
  put(root.querySelector(".sections"), boxes.map(({ box }) => box));
  data.sections.forEach((section, at) => {
    const { title, empty, list } = boxes[at];
    title.textContent = section.title;
    title.hidden = !section.title;
    empty.textContent = section.empty;
    empty.hidden = section.drawings.length > 0;
    const shown = section.drawings.map((drawing) => {
      const parts = state.tiles.get(drawing.id) || makeTile(drawing, state);
      tiles.set(drawing.id, parts);
      fill(parts, drawing, { ...data, waiting: drawing.id in state.edits }, setTriggerValue);
      return parts.tile;
    });
    put(list, shown);
  });
  // A pressed button keeps the focus when its tile moves.
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  state.tiles = tiles;
}
