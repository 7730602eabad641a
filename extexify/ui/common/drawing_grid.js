// Shows many drawings at once: of each one or several pictures, its symbol as it prints, and its split.

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector(".drawings");
  list.style.gridTemplateColumns = `repeat(auto-fill, minmax(min(${data.width}rem, 100%), 1fr))`;
  list.replaceChildren(...data.drawings.map(tile));
}

function tile(drawing) {
  const item = element("li", "drawing");
  const pictures = element("div", "pictures", item);
  for (const picture of drawing.pictures) {
    const figure = element("figure", picture.pixels ? "pixels" : "", pictures);
    const ink = element("div", "ink", element("div", "square", figure));
    ink.style.maskImage = `url(${picture.url})`;
    ink.setAttribute("role", "img");
    ink.setAttribute("aria-label", `${picture.label || "Drawing"} of ${drawing.command}`);
    if (picture.label) element("figcaption", "", figure, picture.label);
  }
  const about = element("div", "about", item);
  showGlyph(element("span", "glyph", about), drawing);
  element("code", "", about, drawing.command).title = `${drawing.command} · ${drawing.key} · ${drawing.note}`;
  if (drawing.split) element("span", "split", about, drawing.split);
  return item;
}
