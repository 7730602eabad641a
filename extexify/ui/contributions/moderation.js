// Shows the drawings that wait, each to be accepted or rejected, and the same for several that are ticked.
// Tiles stay from one message to the next, and with them what is ticked.

const lists = new WeakMap();

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
  const said = element("div", "said", tile);
  said.title = `What the model “${offer.model}” answered`;
  offer.said.forEach((answer, at) => {
    if (at) said.append(" ");
    const one = element("span", answer.same ? "same" : "", said);
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

function makeList(root) {
  const bar = root.querySelector(".bar");
  const parts = {
    tiles: new Map(),
    all: bar.querySelector("input"),
    accept: bar.querySelector(".accept"),
    reject: bar.querySelector(".reject"),
    list: root.querySelector("ul"),
  };
  const ticked = () => [...parts.tiles].filter(([, { tick }]) => tick.checked).map(([id]) => id);

  // Rejecting is for good: of several at once it takes a second press.
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
  if (!lists.has(root)) lists.set(root, makeList(root));
  const parts = lists.get(root);
  parts.send = setTriggerValue;
  const kept = new Map();
  for (const offer of data.offers) {
    const one = parts.tiles.get(offer.id) || makeTile(offer, () => parts.changed());
    one.accept.disabled = one.reject.disabled = false;
    one.accept.onclick = () => parts.decide(true, [offer.id]);
    one.reject.onclick = () => parts.decide(false, [offer.id]);
    kept.set(offer.id, one);
  }
  parts.tiles = kept;
  parts.list.replaceChildren(...[...kept.values()].map(({ tile }) => tile));
  parts.changed();
}
