// The symbol that is asked for: as it prints, what it is called, and how many drawings there are.

export default function ({ data, parentElement }) {
  const part = (selector) => parentElement.querySelector(selector);
  const { symbol, drawings } = data;
  showGlyph(part(".glyph"), symbol);
  part("code").textContent = symbol.command;
  part(".origin").textContent = symbol.about;
  part(".drawings").textContent = drawings;
  const status = part(".announced");
  const text = `Please draw ${symbol.name || symbol.command}`;
  if (status.textContent !== text) status.textContent = text;
}
