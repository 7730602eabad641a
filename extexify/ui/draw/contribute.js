// Below the answers: the state of a saved drawing, or else a search for the symbol to save the drawing as.

const TYPING_MS = 60;
const EXPORT = "export"; // the page's address

function makeParts(parentElement) {
  const part = (selector) => parentElement.querySelector(selector);
  const parts = { note: part(".note"), open: part(".open"), chooser: part(".chooser"), found: part(".found") };
  const input = part("input");
  let timer = 0;
  let searching = null;

  async function find(query) {
    searching?.abort();
    const controller = new AbortController();
    searching = controller;
    try {
      const answer = await fetch(`${parts.find}?q=${encodeURIComponent(query)}`, { signal: controller.signal });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const symbols = await answer.json();
      if (!controller.signal.aborted) showFound(symbols);
    } catch (error) {
      if (error.name === "AbortError") return;
      parts.found.replaceChildren();
      element("p", "quiet", parts.found, `The search doesn't answer: ${error.message}.`);
    }
  }

  function showFound(symbols) {
    parts.found.replaceChildren();
    if (!symbols.length) element("p", "quiet", parts.found, "No symbol like this. Try a part of its name.");
    for (const symbol of symbols) {
      const tile = element("button", "tile", parts.found);
      tile.type = "button";
      tile.title = `${symbol.command} · ${symbol.about}`;
      tile.setAttribute("aria-label", `It was this one: ${symbol.command}, ${symbol.about}`);
      showGlyph(element("span", "glyph", tile), symbol);
      element("code", "", tile, symbol.command);
      tile.onclick = () => {
        for (const one of parts.found.querySelectorAll("button")) one.disabled = true;
        parts.send("keep", symbol.key);
      };
    }
  }

  function search() {
    clearTimeout(timer);
    const query = input.value.trim();
    if (query) {
      timer = setTimeout(() => find(query), TYPING_MS);
      return;
    }
    searching?.abort();
    parts.found.replaceChildren();
  }

  parts.close = () => {
    input.value = "";
    search();
    parts.chooser.hidden = true;
  };
  parts.open.onclick = () => {
    parts.chooser.hidden = false;
    parts.open.hidden = true;
    input.focus();
  };
  input.addEventListener("input", search);
  input.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    parts.close();
    parts.open.hidden = false;
    parts.open.focus();
  };
  parts.chooser.onsubmit = (event) => event.preventDefault();
  return parts;
}

function exportLink(note, text) {
  const link = element("a", "", note, text);
  link.href = EXPORT;
  link.onclick = (event) => {
    if (opensElsewhere(event)) return;
    event.preventDefault();
    goTo(link.href);
  };
}

function showNote({ note, send }, { line, waiting, moderated, problem }) {
  note.replaceChildren();
  note.classList.toggle("problem", Boolean(problem));
  if (problem) element("span", "", note, problem);
  if (!line) return;
  element("span", "line", note, line);
  if (waiting) {
    note.append(` ${waiting} drawings wait for an `);
    exportLink(note, "export");
    note.append(": train the next model with them. ");
  } else if (moderated) {
    note.append(" ");
  } else {
    note.append(" Drawings you keep can be ");
    exportLink(note, "exported");
    note.append(" as one more source and train the next model. ");
  }
  const undo = element("button", "take-back", note, "Undo");
  undo.type = "button";
  undo.setAttribute("aria-label", "Undo keeping this drawing");
  undo.onclick = () => {
    undo.disabled = true;
    send("take_back", true);
  };
}

const partsOf = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".chooser");
  if (!partsOf.has(root)) partsOf.set(root, makeParts(parentElement));
  const parts = partsOf.get(root);
  parts.send = setTriggerValue;
  parts.find = data.find;
  showNote(parts, data);
  if (data.line) parts.close();
  for (const tile of parts.found.querySelectorAll("button")) tile.disabled = false;
  parts.open.hidden = Boolean(data.line) || !parts.chooser.hidden;
}
