// Pending drawings, with buttons to accept or reject each one, or all ticked ones. Tiles are reused from one message
// to the next, and keep their ticks.

const partsOf = new WeakMap();

function makeTile(offer, changed) {
  const tile = element("li", "tile");
  const label = element("label", "drawing", tile);
  const tick = element("input", "", label);
  tick.type = "checkbox";
  tick.onchange = changed;
  const ink = element("div", "ink", element("div", "square", label));
  ink.setAttribute("role", "img");
  ink.style.maskImage = `url(${offer.url})`;
  const about = `a drawing named ${offer.symbol.command}`;
  ink.setAttribute("aria-label", about);
  tick.setAttribute("aria-label", `Tick ${about}`);
  const chosen = element("div", "chosen", tile);
  showGlyph(element("span", "glyph", chosen), offer.symbol);
  element("code", "", chosen, offer.symbol.command).title = offer.symbol.key;
  const answers = element("div", "answers", tile);
  answers.title = `What the model “${offer.model}” answered`;
  offer.answers.forEach((answer, at) => {
    if (at) answers.append(" ");
    const one = element("span", answer.same ? "same" : "", answers);
    element("code", "", one, answer.command);
    element("span", "", one, answer.percent);
  });
  element("p", "when", tile, offer.when);
  const buttons = element("div", "buttons", tile);
  const accept = element("button", "accept", buttons, "Accept");
  const reject = element("button", "reject", buttons, "Reject");
  for (const button of [accept, reject]) {
    button.type = "button";
    button.setAttribute("aria-label", `${button.textContent} ${about}`);
  }
  return { tile, tick, accept, reject };
}

function makeParts(root) {
  const bar = root.querySelector(".bar");
  const parts = {
    tiles: new Map(),
    all: bar.querySelector("input"),
    accept: bar.querySelector(".accept"),
    reject: bar.querySelector(".reject"),
    list: root.querySelector("ul"),
  };
  const ticked = () => [...parts.tiles].filter(([, { tick }]) => tick.checked).map(([id]) => id);

  // Rejecting can't be undone: several at once take a second press.
  parts.changed = () => {
    const count = ticked().length;
    parts.all.checked = count > 0 && count === parts.tiles.size;
    parts.all.indeterminate = count > 0 && count < parts.tiles.size;
    parts.accept.disabled = parts.reject.disabled = count === 0;
    parts.accept.textContent = count ? `Accept ${count}` : "Accept";
    parts.reject.textContent = count ? `Reject ${count}` : "Reject";
    parts.reject.dataset.sure = "";
  };
  parts.decide = (accept, ids) => {
    for (const button of root.querySelectorAll("button")) button.disabled = true; // until the server has answered
    parts.send("decide", { accept, ids });
  };
  parts.all.onchange = () => {
    for (const { tick } of parts.tiles.values()) tick.checked = parts.all.checked;
    parts.changed();
  };
  parts.accept.onclick = () => parts.decide(true, ticked());
  parts.reject.onclick = () => {
    const ids = ticked();
    if (ids.length > 1 && !parts.reject.dataset.sure) {
      parts.reject.dataset.sure = "yes";
      parts.reject.textContent = `Reject ${ids.length} for good?`;
      return;
    }
    parts.decide(false, ids);
  };
  return parts;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".moderation");
  if (!partsOf.has(root)) partsOf.set(root, makeParts(root));
  const parts = partsOf.get(root);
  parts.send = setTriggerValue;
  const tiles = new Map();
  for (const offer of data.offers) {
    const one = parts.tiles.get(offer.id) || makeTile(offer, () => parts.changed());
    one.accept.disabled = one.reject.disabled = false;
    one.accept.onclick = () => parts.decide(true, [offer.id]);
    one.reject.onclick = () => parts.decide(false, [offer.id]);
    tiles.set(offer.id, one);
  }
  parts.tiles = tiles;
  parts.list.replaceChildren(...[...tiles.values()].map(({ tile }) => tile));
  parts.changed();
}
