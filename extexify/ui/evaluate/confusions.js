// Shows confused pairs of symbols: both as they print, how often, and drawings of both side by side.

function showSymbol(parent, symbol) {
  const box = element("span", "symbol", parent);
  showGlyph(element("span", "large", box), symbol);
  element("code", "", box, symbol.command).title = symbol.key;
}

function showStrip(parent, title, urls, nothing) {
  const box = element("div", "side", parent);
  element("p", "", box, title);
  const strip = element("ul", "", box);
  for (const url of urls) {
    const ink = element("div", "ink", element("li", "square", strip));
    ink.style.maskImage = `url(${url})`;
  }
  if (!urls.length) element("p", "nothing", box, nothing);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const pairs = data.pairs.map((pair) => {
    const item = element("li", "pair");
    const head = element("div", "head", item);
    const names = element("div", "names", head);
    showSymbol(names, pair.symbol);
    element("span", "arrow", names, "taken for");
    showSymbol(names, pair.takenFor);
    element("span", "count", head, pair.count);
    const open = element("button", "open", head, "All its drawings");
    open.type = "button";
    open.setAttribute("aria-label", `All its drawings: ${pair.symbol.command}`);
    open.onclick = () => setTriggerValue("open", pair.symbol.key);
    const sides = element("div", "sides", item);
    showStrip(sides, `Drawn as ${pair.symbol.command}, taken for ${pair.takenFor.command}`, pair.mistaken, "");
    showStrip(sides, `Drawn as ${pair.takenFor.command}`, pair.others, "None among these drawings.");
    return item;
  });
  parentElement.querySelector(".confusions").replaceChildren(...pairs);
}
