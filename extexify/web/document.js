// A LaTeX document: which symbols it can print with what it loads, and what to type in it for each. The JavaScript
// counterpart of extexify/catalog/document.py, which says why it is so. Tests compare the two.

import { SPACES, statements } from "./preamble.js";

const UNICODE_MATH = "unicode-math";
const MAX_MESSAGE = 500; // characters of a sentence

// Reads documents, with a table of all symbols that extexify/catalog/document_table.py makes.
export class DocumentReader {
  constructor(table) {
    this.table = table;
    this.packages = new Set(table.packages);
    this.loads = new Map(Object.entries(table.loads));
    this.symbols = new Map(); // by key
    this.named = new Map(); // by command: the symbols that it prints, those that need least first
    this.versions = new Map(); // by command: the packages that define it
    this.required = new Map(); // by preamble lines: what they do
    for (const group of table.catalogue) {
      for (const symbol of this.#add(group)) {
        push(this.named, symbol.command, symbol);
        if (symbol.preamble) push(this.versions, symbol.command, symbol.package);
      }
    }
    for (const group of table.others) this.#add(group);
    const all = [...this.symbols.values()];
    for (const symbol of all) symbol.same = all[symbol.same];
    for (const [alias, number, origin] of table.aliases) {
      all[number].aliases.push([alias, origin]);
      push(this.named, alias, all[number]);
    }
  }

  // Adds the symbols of one package, and returns them.
  #add({ package: origin, preamble, prefix, keys, commands, printed_by: printedBy, same }) {
    return commands.map((command, index) => {
      const key = keys ? keys[index] : prefix + command.replaceAll("\\", "_");
      const others = printedBy ? this.table.printed_by[printedBy[index]] : [];
      const symbol = { key, command, package: origin, preamble, printedBy: others, same: same?.[index], aliases: [] };
      this.symbols.set(key, symbol);
      return symbol;
    });
  }

  // The document with these texts, each a preamble, a whole document or a package. What isn't understood is passed over.
  // Throws a RangeError for a text that is too long.
  read(...texts) {
    const found = texts.flatMap(statements);
    const loads = found.filter((one) => one.loads);
    return new Document(
      this,
      {
        packages: new Set(loads.flatMap((load) => this.#loadedBy(load))),
        unknown: [...new Set(loads.filter((load) => !this.#isKnown(load)).map(({ name }) => name))],
        options: optionsOf(loads),
        mathFont: found.filter((one) => one.font).at(-1)?.font ?? "",
      },
      found.filter((one) => one.defines),
    );
  }

  // The packages of the catalogue that a package or class loads, and itself.
  #loadedBy(load) {
    const chosen = load.loads === "class" ? (this.table.loading_options[load.name] ?? []) : [];
    const isOwn = load.loads === "package" && this.packages.has(load.name);
    return [
      ...(isOwn ? [load.name] : []),
      ...chosen.filter((name) => load.options.has(name)),
      ...(this.loads.get(fileOf(load)) ?? []).filter((name) => !load.options.has(`no${name}`)),
    ];
  }

  #isKnown(load) {
    return (load.loads === "package" && this.packages.has(load.name)) || this.loads.has(fileOf(load));
  }

  // What preamble lines do.
  requiredBy(lines) {
    if (!this.required.has(lines)) this.required.set(lines, statements(lines));
    return this.required.get(lines);
  }
}

class Document {
  #reader;
  #options; // by package: those that it is loaded with

  constructor(reader, { packages, unknown, options, mathFont }, definitions) {
    this.#reader = reader;
    this.#options = options;
    this.packages = packages; // of the catalogue, that it loads, also by way of others
    this.unknown = unknown; // packages and classes that the catalogue knows nothing of
    this.mathFont = mathFont; // that \setmathfont chooses
    this.macros = new Map(); // by key: the document's own command for the symbol
    this.defined = new Set(); // all commands that it defines
    const meanings = this.#meanings(definitions);
    const changed = [...meanings].filter(([command, meaning]) => meaning !== command);
    this.redefined = new Map(changed.filter(([command]) => this.defines(command))); // and their new meanings
    this.macros = new Map(changed.flatMap((definition) => this.#macros(definition)));
    this.defined = new Set(meanings.keys());
  }

  get unicodeMath() {
    return this.packages.has(UNICODE_MATH);
  }

  // Whether only XeLaTeX and LuaLaTeX can compile it.
  get needsOpentype() {
    return this.unicodeMath || this.packages.has("fontspec");
  }

  // Whether it can print the symbol with what it loads and defines.
  has(key) {
    return this.#source(this.#symbol(key)) !== undefined;
  }

  // The preamble lines that the symbol would need, separated by newlines; null if nothing is missing.
  needs(key) {
    const symbol = this.#symbol(key);
    if (this.#source(symbol) !== undefined) return null;
    return symbol.preamble
      .split("\n")
      .filter((line) => !this.#meets(line))
      .join("\n");
  }

  // What to type for the symbol: the document's macro, or else a command that works with what it loads, or else the symbol's
  // command.
  typed(key) {
    const symbol = this.#symbol(key);
    return this.#source(symbol) ?? symbol.command;
  }

  // How much the document speaks for the symbol, 0 to 1.
  weight(key) {
    const symbol = this.#symbol(key);
    const { unloaded, other_version: otherVersion } = this.#reader.table.weights;
    if (this.#source(symbol) === undefined) return unloaded;
    const others = (this.#reader.versions.get(symbol.command) ?? []).filter((name) => this.packages.has(name));
    const isOwn = this.macros.has(key) || !others.length || others.includes(symbol.package) || !symbol.preamble;
    return isOwn ? 1 : otherVersion;
  }

  // The keys of symbols that are drawn alike, those of the greatest weight first; otherwise in the order given.
  ordered(keys) {
    const weights = new Map(keys.map((key) => [key, this.weight(key)]));
    return [...keys].sort((one, other) => weights.get(other) - weights.get(one));
  }

  // The macros for symbols, each with the command that it stands for, sorted.
  macroMeanings() {
    const meanings = [...this.macros].map(([key, macro]) => `${macro} ${this.#symbol(key).command}`);
    return [...new Set(meanings)].sort().map((meaning) => meaning.split(" "));
  }

  // Whether LaTeX or one of the packages has a symbol of that command.
  defines(command) {
    return (this.#reader.named.get(command) ?? []).some((symbol) => this.#prints(symbol));
  }

  // A sentence about each two packages that print different symbols by one command, and about each command that the document
  // redefines.
  get clashes() {
    const both = this.#reader.table.clashes.filter(([one, other]) => this.packages.has(one) && this.packages.has(other));
    const redefined = [...this.redefined].map(([command, meaning]) =>
      inOneLine(`The document gives ${command} another meaning${meaning ? `: ${meaning}` : ""}.`),
    );
    return [...both.map(([, , sentence]) => sentence), ...redefined];
  }

  #symbol(key) {
    const symbol = this.#reader.symbols.get(key);
    if (!symbol) throw new RangeError(`no symbol has the key ${key}`);
    return symbol;
  }

  // A source that prints the symbol; undefined without one.
  #source(symbol) {
    const macro = this.macros.get(symbol.key);
    if (macro) return macro;
    if (this.#prints(symbol)) return symbol.command;
    const alias = symbol.aliases.find(([, origin]) => this.packages.has(origin));
    if (alias) return alias[0];
    return this.unicodeMath && symbol.same && this.#prints(symbol.same) ? symbol.same.command : undefined;
  }

  // Whether the symbol's command prints it, or a symbol that people draw alike.
  #prints({ preamble, printedBy }) {
    return this.#meets(preamble) || printedBy.some((name) => this.packages.has(name));
  }

  // Whether the document does what preamble lines do.
  #meets(lines) {
    return this.#reader.requiredBy(lines).every((statement) => this.#does(statement));
  }

  #does({ defines, font, name, options }) {
    if (defines) return this.defined.has(defines);
    if (font) return this.#reader.table.full_fonts.some((part) => this.mathFont.toLowerCase().includes(part));
    if (name === "fontenc" && this.needsOpentype) return true;
    const given = this.#options.get(name);
    return (given || this.packages.has(name)) && [...options].every((option) => given?.has(option));
  }

  // What each command that the document defines stands for: of \let\e\epsilon \def\epsilon{\varepsilon}, \epsilon and
  // \varepsilon.
  #meanings(definitions) {
    const meanings = new Map();
    for (const { defines, body, ifNew } of definitions) {
      if (!ifNew || !(meanings.has(defines) || this.defines(defines))) meanings.set(defines, meanings.get(body) ?? body);
    }
    return meanings;
  }

  // The key of each symbol that a command stands for, and that command.
  #macros([command, meaning]) {
    const symbols = this.#reader.named.get(meaning) ?? [];
    const printed = symbols.filter((symbol) => this.#source(symbol) !== undefined);
    return (printed.length ? printed : symbols.slice(0, 1)).map(({ key }) => [key, command]);
  }
}

function push(lists, name, value) {
  if (lists.has(name)) lists.get(name).push(value);
  else lists.set(name, [value]);
}

function fileOf({ loads, name }) {
  return `${name}.${loads === "class" ? "cls" : "sty"}`;
}

// By package: the options of all commands that load it.
function optionsOf(loads) {
  const options = new Map();
  for (const load of loads.filter((one) => one.loads === "package")) {
    if (!options.has(load.name)) options.set(load.name, new Set());
    for (const option of load.options) options.get(load.name).add(option);
  }
  return options;
}

// A message as one printable line, of which the middle is left out if it is long (extexify/core/errors.py).
function inOneLine(message) {
  const hidden = /(?! )[\p{C}\p{Z}]/gu;
  const line = (hidden.test(message) ? message.split(SPACES).filter(Boolean).join(" ") : message).replace(hidden, "�");
  const characters = [...line];
  if (characters.length <= MAX_MESSAGE) return line;
  const [begin, end] = [characters.slice(0, MAX_MESSAGE / 2), characters.slice(3 - MAX_MESSAGE / 2)];
  return `${begin.join("")} … ${end.join("")}`;
}
