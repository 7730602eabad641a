// Changes to a LaTeX document: a symbol where the cursor is, lines in the preamble; and what they depend on: whether a
// position is in math mode. A text is a whole document or a file of one, with \n at the ends of its lines, as the user
// left it: something in it may be unfinished or wrong.

// What matters to the structure: comments, commands, dollars, brackets, and blank lines up to their newline.
const TOKEN = /%[^\n]*|\\(?:[A-Za-z@]+|[^\n])|[${}[\]]|\n[ \t]*(?=\n)/g;

// Patterns stop at the first bracket that they don't expect, so that reading takes a time linear in the text's length.
const OPTION = String.raw`\[[^[\]\n]*\]`;
const ARGUMENT = String.raw`\{[^{}\n]*\}`;
const ENVIRONMENT = /[ \t]*\{([^{}\\\n]*)\}/y;
const DOLLAR = /\$/y;

// Verbatim text in a paragraph: in braces, which may hold others, or between two equal characters of a line.
const BRACED = String.raw`\{([^{}\n]*(?:${ARGUMENT}[^{}\n]*)*)\}?`;
const DELIMITED = String.raw`([^\s{}*A-Za-z])([^\n]*?)(?:\2|$)`;
const ADDRESS = new RegExp(BRACED, "dy");
const CODE = new RegExp(String.raw`\*?(?:${OPTION})?(?:${BRACED}|${DELIMITED})`, "dmy");
const HIGHLIGHTED = new RegExp(String.raw`(?:${OPTION})?${ARGUMENT}(?:${BRACED}|${DELIMITED})`, "dmy");
const VERBATIM_COMMANDS = new Map([
  ["\\verb", CODE],
  ["\\Verb", CODE],
  ["\\lstinline", CODE],
  ["\\mintinline", HIGHLIGHTED],
  ["\\url", ADDRESS],
  ["\\nolinkurl", ADDRESS],
  ["\\href", ADDRESS],
]);

const words = (names) => new Set(names.split(" "));
const commands = (names) => new Set(names.split(" ").map((name) => `\\${name}`));
const VERBATIM_ENVIRONMENTS = words(
  "verbatim verbatim* Verbatim Verbatim* BVerbatim LVerbatim SaveVerbatim VerbatimOut spverbatim semiverbatim alltt " +
    "lstlisting minted tcblisting comment filecontents filecontents* luacode luacode* pycode pyblock sagesilent asy",
);

// Environments that begin a formula, with a star and without, and those whose content is text wherever they are. All
// others, such as array and subequations, leave the mode as it is. The cells of tikzcd are formulas, in a formula and
// outside.
const DISPLAYS = words(
  "equation align flalign alignat xalignat xxalignat gather multline eqnarray math displaymath IEEEeqnarray dmath darray " +
    "empheq numcases subnumcases",
);
const MATH_CELLS = "tikzcd";
const TEXT_ENVIRONMENTS = words("minipage varwidth tabular tabular* tabularx tabulary longtable tabbing");

// Commands whose argument is text wherever they are: their only one, or their second one.
const TEXT_STYLE = /^\\text(?!style$)[A-Za-z]*$/;
const TEXT_COMMANDS = commands("mbox hbox vbox fbox makebox framebox intertext shortintertext tag emph footnote");
const BOXES = commands("parbox raisebox colorbox scalebox rotatebox");
const ONLY_ARGUMENT = new RegExp(String.raw`\*?\s*(?:${OPTION}\s*)*\{`, "y");
const SECOND_ARGUMENT = new RegExp(String.raw`\s*(?:${OPTION}\s*)*${ARGUMENT}\s*(?:${OPTION}\s*)*\{`, "y");

// The tokens that close formulas which end with their paragraph, and those among them that stand in lines of text.
const IN_PARAGRAPHS = new Set(["$", "$$", "\\)"]);
const IN_LINES = new Set(["$", "\\)"]);

const LOADS = commands("documentclass usepackage RequirePackage");
const DATE = new RegExp(String.raw`\s*${OPTION}`, "y");
const REST_OF_LINE = /[ \t]*(?:%[^\n]*)?(?=\n|$)/y;

const WRAPPERS = { "\\(": ["\\(", "\\)"], $: ["$", "$"] };
const CONTROL_WORD_AT_END = /\\[A-Za-z]+$/;
const LETTER = /^\p{L}/u;

// Whether a position is in math mode. Within a comment or a command's name the mode is the one around it.
export function isFormula(text, position) {
  return modeAt(text, position) === "math";
}

// The change that puts a symbol in place of the text between two positions: {from, to, insert, cursor}, of which cursor is
// a position in the changed document. The symbol's LaTeX source is `insert`; `mode`, "math", "text" or "both", is where it
// may stand, and `wrap`, "\\(" or "$", what surrounds a formula in text.
export function insertionOf({ text, from, to, insert, mode, wrap }) {
  const around = modeAt(text, from);
  if (around === "verbatim") return { from, to, insert, cursor: from + insert.length };
  let [before, after] = ["", ""];
  if (around === "text" && mode === "math") [before, after] = WRAPPERS[wrap];
  if (around === "math" && mode === "text") [before, after] = ["\\mbox{", "}"]; // \text needs a package
  const source = before + insert + after;
  const runsOn = CONTROL_WORD_AT_END.test(source) && LETTER.test(text.slice(to, to + 2));
  const begin = from - (backslashesBefore(text, from) % 2); // an odd one begins a command, which this one replaces
  const inserted = runsOn ? `${source} ` : source;
  const argument = insert.indexOf("{}");
  const cursor = begin + (argument < 0 ? inserted.length : before.length + argument + 1);
  return { from: begin, to, insert: inserted, cursor };
}

// The change that puts lines behind the last package that a preamble loads, or else behind its class: {from, to, insert}.
// What is loaded in braces or on a condition doesn't count. Null for a text without \documentclass.
export function preambleInsertion(text, lines) {
  const tokens = new Tokens(text);
  const conditionals = []; // the value of `end` where each open \if… began; null before the class
  let depth = 0;
  let loading = "";
  let inOptions = false;
  let hasClass = false;
  let end = null;
  for (let token = tokens.next(); token && tokens.environment !== "document"; token = tokens.next()) {
    if (token === "{") {
      depth += 1;
    } else if (token === "}") {
      depth = Math.max(0, depth - 1);
      if (depth || inOptions || !loading) continue;
      tokens.match(DATE);
      end = tokens.to;
      hasClass ||= loading === "\\documentclass";
      loading = "";
    } else if (depth) {
      continue;
    } else if (token === "[" || token === "]") {
      inOptions = token === "[" && loading !== "";
    } else if (token.startsWith("\\") && !inOptions) {
      loading = LOADS.has(token) ? token : "";
      // An \if… without a \fi is something else, such as \ifthenelse, and has no effect. Where the class itself is loaded on
      // a condition, lines come behind the \fi.
      if (token.startsWith("\\if")) conditionals.push(hasClass ? end : null);
      else if (token === "\\fi" && conditionals.length) end = conditionals.pop() ?? (end && tokens.to);
    }
  }
  if (!hasClass) return null;
  REST_OF_LINE.lastIndex = end;
  if (!REST_OF_LINE.test(text)) return { from: end, to: end, insert: `\n${lines}\n` };
  const at = REST_OF_LINE.lastIndex;
  return { from: at, to: at, insert: `\n${lines}` };
}

// "math", "text" or "verbatim".
function modeAt(text, position) {
  const tokens = new Tokens(text);
  const nesting = new Nesting();
  for (let token = tokens.next(); token && tokens.from < position; token = tokens.next()) {
    const { formula } = nesting;
    const [from, to] = tokens.verbatim ?? [];
    if (from <= position && position <= to) return "verbatim";
    nesting.read(token, tokens);
    // Between two dollars is where a formula will be.
    if (tokens.to > position) return formula || text.startsWith("$$", tokens.from) ? "math" : "text";
  }
  return nesting.formula ? "math" : "text";
}

// A position in the tokens of a text.
class Tokens {
  #pattern = new RegExp(TOKEN);

  constructor(text) {
    this.text = text;
    this.from = 0; // where the token begins
    this.to = 0; // and ends
    this.environment = null; // its name, of \begin and \end
    this.verbatim = null; // [from, to] of the verbatim text that the token begins, and which belongs to it
  }

  // The next token that is no comment: a command without its arguments, a bracket, a dollar, or the beginning of a blank
  // line; undefined at the end.
  next() {
    this.environment = this.verbatim = null;
    this.#pattern.lastIndex = this.to;
    let found = this.#pattern.exec(this.text);
    while (found?.[0][0] === "%") found = this.#pattern.exec(this.text);
    if (!found) return undefined;
    const [token] = found;
    this.from = found.index;
    this.to = this.#pattern.lastIndex;
    if (token === "\\begin" || token === "\\end") {
      this.environment = this.match(ENVIRONMENT)?.[1] ?? null;
      if (token === "\\begin" && VERBATIM_ENVIRONMENTS.has(this.environment)) this.#skipVerbatim();
    } else if (VERBATIM_COMMANDS.has(token)) {
      const { indices } = this.match(VERBATIM_COMMANDS.get(token)) ?? {};
      this.verbatim = indices?.[1] ?? indices?.[3] ?? null;
    }
    return token;
  }

  // What a sticky pattern finds behind the token, which it then belongs to; null if it finds nothing.
  match(pattern) {
    pattern.lastIndex = this.to;
    const found = pattern.exec(this.text);
    if (found) this.to = pattern.lastIndex;
    return found;
  }

  #skipVerbatim() {
    const end = this.text.indexOf(`\\end{${this.environment}}`, this.to);
    this.verbatim = [this.to, end < 0 ? this.text.length : end];
    this.to = this.verbatim[1];
  }
}

// What is open at a position: groups, formulas and environments, one in the other.
class Nesting {
  #opened = []; // of each: the token that closes it, and the formula around it
  #counts = new Map(); // how many are open, by the token that closes them

  constructor() {
    this.formula = ""; // the token that closes the formula that the position is in; empty in text
  }

  // Reads a token, and the arguments that it needs.
  read(token, tokens) {
    if (token === "{") this.#open("}");
    else if (token === "$") this.#readDollar(tokens);
    else if (token === "\\(") this.#openFormula("\\)");
    else if (token === "\\[") this.#openFormula("\\]");
    else if (token === "}" || token === "\\)" || token === "\\]") this.#close(token);
    else if (token === "\\begin") this.#begin(tokens.environment);
    else if (token === "\\end") this.#close(endOf(tokens.environment));
    else if (token === "\\ensuremath" && tokens.match(ONLY_ARGUMENT)) this.#open("}", "}");
    else if (token[0] === "\n" && IN_PARAGRAPHS.has(this.formula)) this.#endFormula();
    else if (token[0] === "\\" && this.formula) this.#readText(token, tokens);
  }

  #readDollar(tokens) {
    if (!this.formula) this.#openFormula(tokens.match(DOLLAR) ? "$$" : "$");
    else if (this.formula === "$" || (this.formula === "$$" && tokens.match(DOLLAR))) this.#close(this.formula);
  }

  #readText(token, tokens) {
    const isOnly = TEXT_COMMANDS.has(token) || TEXT_STYLE.test(token);
    const argument = isOnly ? ONLY_ARGUMENT : BOXES.has(token) ? SECOND_ARGUMENT : null;
    if (argument && tokens.match(argument)) this.#open("}", "");
  }

  #begin(environment) {
    const end = endOf(environment);
    if (environment === "document") while (this.#opened.length) this.#pop();
    if (DISPLAYS.has(environment?.replace(/\*$/, ""))) this.#openFormula(end);
    else if (environment === MATH_CELLS) this.#open(end, end);
    else if (environment !== null) this.#open(end, TEXT_ENVIRONMENTS.has(environment) ? "" : this.formula);
  }

  // No formula begins in one of its own kind, and no other one in a line's formula: that one was left open.
  #openFormula(end) {
    if (this.formula === end || IN_LINES.has(this.formula)) this.#endFormula();
    this.#open(end, end);
  }

  #open(end, formula = this.formula) {
    this.#opened.push([end, this.formula]);
    this.#counts.set(end, (this.#counts.get(end) ?? 0) + 1);
    this.formula = formula;
  }

  // Closes what that token closes, and with it all that is unclosed within; nothing if it has no counterpart.
  #close(end) {
    if (this.#counts.get(end)) while (this.#pop() !== end);
  }

  #endFormula() {
    while (this.formula) this.#pop();
  }

  #pop() {
    const [end, formula] = this.#opened.pop();
    this.#counts.set(end, this.#counts.get(end) - 1);
    this.formula = formula;
    return end;
  }
}

function endOf(environment) {
  return `\\end{${environment}}`;
}

function backslashesBefore(text, position) {
  let begin = position;
  while (text[begin - 1] === "\\") begin -= 1;
  return position - begin;
}
