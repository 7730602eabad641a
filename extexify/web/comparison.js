// “Which of these do you mean?”: a table below an answer that tells its look-alikes apart.

const FEW_COMPARED = 8; // symbols of the table before "more" is clicked
const MODES = { math: "formulas", text: "text", both: "formulas and text" };
const SPACED_LIKE = {
  ordinary: "like x",
  operator: "like ∑",
  binary: "like +",
  relation: "like =",
  opening: "like (",
  closing: "like )",
  punctuation: "like a comma",
  inner: "like a fraction",
  accent: "over a letter",
};

// Columns after the symbol itself: heading, class, text.
const COLUMNS = [
  ["Means", "means", ({ facts }) => facts.meaning || ""],
  ["Spaced", "spaced", ({ facts }) => (facts.spacing ? `${facts.spacing}, ${SPACED_LIKE[facts.spacing]}` : "")],
  ["Used in", "used", ({ mode, origin }) => `${MODES[mode]}, ${origin}`],
  ["Asked for", "common", ({ facts }) => facts.common || ""],
];

// Makes the button that unfolds the table, and the table's place; both are hidden until there is something to compare.
function makeComparison(row) {
  const button = element("button", "compare", row, "Which of these do you mean?");
  button.type = "button";
  const place = element("div", "comparison", row);
  place.hidden = true;
  const comparison = { button, place, symbols: [], format: "", keys: "", shown: "" };
  button.onclick = () => unfold(comparison, place.hidden);
  return comparison;
}

// Gives the comparison its symbols, the first one that of the answer. It stays unfolded while these are the same.
function fillComparison(comparison, symbols, format) {
  const keys = symbols.map(({ key }) => key).join(" ");
  const shown = [format, ...symbols.map((symbol) => formOf(symbol, format).text)].join(" ");
  const isSame = comparison.keys === keys;
  if (isSame && comparison.shown === shown) return;
  Object.assign(comparison, { symbols, format, keys, shown });
  comparison.button.hidden = symbols.length < 2;
  unfold(comparison, isSame && !comparison.place.hidden);
}

function unfold({ button, place, symbols, format }, open) {
  button.setAttribute("aria-expanded", open);
  place.hidden = !open;
  place.replaceChildren();
  if (open) makeTable(place, symbols, format);
}

// Elements of a table with their roles, which they would lose by the layout of narrow pages.
function tablePart(tag, role, parent, text) {
  const part = element(tag, "", parent, text);
  part.setAttribute("role", role);
  return part;
}

function makeTable(place, symbols, format) {
  const table = tablePart("table", "table", place);
  table.setAttribute("aria-label", "Symbols that are drawn alike");
  const head = tablePart("tr", "row", tablePart("thead", "rowgroup", table));
  const columns = COLUMNS.filter(([, , text]) => symbols.some((symbol) => text(symbol)));
  for (const heading of ["Symbol", ...columns.map(([name]) => name)]) {
    tablePart("th", "columnheader", head, heading).scope = "col";
  }
  const body = tablePart("tbody", "rowgroup", table);
  const show = (some) => some.map((symbol) => addSymbol(body, symbol, symbols[0], columns, format));
  show(symbols.slice(0, FEW_COMPARED));
  const rest = symbols.slice(FEW_COMPARED);
  if (!rest.length) return;
  const more = element("button", "expand", place, `${rest.length} more to compare`);
  more.type = "button";
  more.onclick = () => {
    more.remove();
    show(rest)[0].focus();
  };
}

// Adds a row; returns its copy button.
function addSymbol(body, symbol, first, columns, format) {
  const row = tablePart("tr", "row", body);
  const name = tablePart("th", "rowheader", row);
  name.scope = "row";
  const form = formOf(symbol, format);
  const pick = copyButton(name, () => form.text, () => symbol);
  pick.className = "pick";
  const glyph = element("span", "glyph", null);
  showGlyph(glyph, symbol.svg ? symbol : { ...symbol, svg: first.svg });
  pick.prepend(glyph, element("code", "", null, form.text));
  const isCommand = form.text === symbol.command;
  pick.setAttribute("aria-label", `${delivery.verb} ${form.text}${isCommand ? "" : `, ${symbol.command}`}`);
  if (form.lacking) markLacking(element("span", "lacking", name), form);
  else if (!isCommand) element("span", "latex", name, symbol.command); // symbols may share a character
  for (const [, kind, text] of columns) tablePart("td", "cell", row, text(symbol)).className = kind;
  return pick;
}
