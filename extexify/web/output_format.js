// The format in which symbols are shown and copied (extexify/catalog/output.py): one choice for all pages, which the
// browser remembers.

const FORMAT_KEY = "extexify-output"; // in the browser's local storage
const LATEX = "latex";

// The name of the chosen format; `formats` are [name, label] of all.
function chosenFormat(formats) {
  const name = remembered(FORMAT_KEY);
  return formats.some(([one]) => one === name) ? name : LATEX;
}

// Makes the select of a switch: it has the formats, shows the chosen one, and calls `changed(name)` after a choice.
function offerFormats(select, formats, changed) {
  if (select.options.length !== formats.length) {
    select.replaceChildren(...formats.map(([name, label]) => new Option(label, name)));
  }
  select.value = chosenFormat(formats);
  select.onchange = () => {
    remember(FORMAT_KEY, select.value);
    changed(select.value);
  };
}

// What is shown and copied for a symbol: its form in a format, else (`lacking`) its LaTeX command, which in the visitor's
// document may be another one (`typed`).
function formOf(symbol, format) {
  const command = symbol.typed || symbol.command;
  const form = format === LATEX ? command : symbol.forms?.[format];
  return { text: form ?? command, lacking: form == null };
}

// Marks a LaTeX command that stands in for a form that the symbol lacks.
function markLacking(mark, { lacking }) {
  mark.textContent = lacking ? "LaTeX" : "";
  mark.title = lacking ? "The symbol has no such form: this is its LaTeX command" : "";
  mark.hidden = !lacking;
}
