// One symbol in full: how it prints, what to type, what it looks like, how people draw it.

const FEW_ALIKE = 14; // look-alikes that are shown before "more" is clicked

const MODES = { math: "Math mode", text: "Text mode", both: "Math and text mode" };

function codePoints(characters) {
  return Array.from(characters, (one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
}

function copyLine(parent, text, className) {
  const line = element("div", `line ${className}`, parent);
  element("code", "", line, text);
  copyButton(line, () => text).setAttribute("aria-label", `Copy ${text}`);
  return line;
}

function fact(list, name) {
  element("dt", "", list, name);
  return element("dd", "", list);
}

// `alike` are the positions of the symbols of a relation; each is a link to its own page.
function showAlike(parent, title, alike, gallery, open) {
  if (!alike.length) return;
  element("h3", "", parent, title);
  const row = element("div", "alike", parent);
  const show = (positions) => positions.forEach((position) => showChip(row, position, gallery, open));
  const few = alike.length > FEW_ALIKE + 1 ? FEW_ALIKE : alike.length;
  show(alike.slice(0, few));
  if (few === alike.length) return;
  const more = element("button", "copy more", row, `${alike.length - few} more`);
  more.type = "button";
  more.onclick = () => {
    more.remove();
    show(alike.slice(few));
    row.children[few].focus();
  };
}

function showChip(row, position, gallery, open) {
  const symbol = gallery.symbols[position];
  const link = element("a", "chip", row);
  link.href = addressOf(symbol.key);
  link.title = symbol.key;
  putGlyph(element("span", "glyph", link), position, gallery);
  element("code", "", link, formOf(symbol, gallery.format).text);
  element("span", "package", link, packageName(symbol.package));
  link.onclick = (event) => {
    if (opensElsewhere(event)) return;
    event.preventDefault();
    open(symbol);
  };
}

function putGlyph(parent, position, gallery) {
  gallery.glyph(position).then((svg) => (parent.innerHTML = svg), () => {}); // without it the command stands alone
}

// `gallery` has the symbols, their glyphs by position, and the look-alike groups.
function showSymbol(article, symbol, gallery, open, close) {
  const position = gallery.symbols.indexOf(symbol);
  article.replaceChildren();
  article.dataset.key = symbol.key;
  const closing = element("button", "close", article, "×");
  closing.type = "button";
  closing.setAttribute("aria-label", "Close");
  closing.onclick = close;
  const glyph = element("div", "large", article);
  if (gallery.isListed(position)) putGlyph(glyph, position, gallery);
  else element("p", "quiet", glyph, "Not in the catalogue: there is no printed picture of it.");
  const form = formOf(symbol, gallery.format);
  const line = copyLine(article, form.text, "command");
  if (form.lacking) markLacking(element("span", "lacking", line), form);
  const isCommand = form.text === symbol.command;
  if (isCommand && symbol.usepackage) copyLine(article, symbol.usepackage, "preamble");
  else if (isCommand) element("p", "quiet", article, "Plain LaTeX: no package needed.");
  if (gallery.isOwn(position) && gallery.data.changes_own) {
    const change = element("button", "copy change", article, "Draw more, rename or remove");
    change.type = "button";
    change.onclick = () => {
      if (gallery.dialog.open) close();
      gallery.change(symbol);
    };
  }

  const facts = element("dl", "facts", article);
  if (!isCommand) {
    const latex = fact(facts, "LaTeX");
    copyLine(latex, symbol.command, "latex");
    if (symbol.usepackage) copyLine(latex, symbol.usepackage, "preamble");
  }
  if (symbol.also) {
    const also = fact(facts, "Also");
    for (const { command, package: of } of symbol.also) {
      const line = copyLine(also, command, "also");
      if (of !== "latex2e" && of !== symbol.package) element("span", "quiet", line, of);
    }
  }
  if (symbol.foundBy) fact(facts, "Found by").textContent = symbol.foundBy.join(", ");
  fact(facts, "Mode").textContent = MODES[symbol.mode];
  if (symbol.package && symbol.package !== "latex2e") fact(facts, "Package").textContent = symbol.package;
  if (symbol.fontenc === "TU") fact(facts, "Needs").textContent = "XeLaTeX or LuaLaTeX";
  if (symbol.fontenc && !gallery.isOwn(position)) fact(facts, "Font encoding").textContent = symbol.fontenc;
  if (symbol.unicode) {
    const unicode = fact(facts, "Unicode");
    const line = element("div", "line", unicode);
    element("span", "character", line, symbol.unicode);
    element("span", "points", line, codePoints(symbol.unicode).join(" "));
    copyButton(line, () => symbol.unicode).setAttribute("aria-label", "Copy the Unicode character");
    if (symbol.unicode_name) element("div", "name", unicode, symbol.unicode_name.toLowerCase());
  }
  if (symbol.typst) copyLine(fact(facts, "Typst"), symbol.typst, "typst");

  const group = (relation) => (gallery.groups[relation].get(symbol[relation]) || []).filter((one) => one !== position);
  const prints = group("prints");
  showAlike(article, "Prints alike", prints, gallery, open);
  showAlike(article, "Drawn alike", group("drawn").filter((one) => !prints.includes(one)), gallery, open);
  element("section", "drawings", article);
}

// `drawings` is null until the server has sent those of the symbol that is shown.
function showDrawings(article, drawings) {
  const section = article.querySelector(".drawings");
  if (!section) return;
  section.replaceChildren();
  if (!drawings) return;
  element("h3", "", section, drawings.title);
  if (drawings.invite) {
    const invitation = element("p", "quiet", section, "No drawings here yet. Export a dataset, with ");
    element("code", "", invitation, "python -m extexify export");
    invitation.append(", and this shows how people draw the symbol.");
    return;
  }
  element("p", "quiet", section, drawings.line);
  const strip = element("div", "strip", section);
  for (const picture of drawings.pictures) {
    element("span", "ink", strip).style.maskImage = `url(${picture})`;
  }
}
