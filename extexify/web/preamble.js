// A reader of LaTeX preambles: which packages and classes a text loads, and which commands it defines. The JavaScript
// counterpart of extexify/catalog/preamble.py, which says why it reads as it does. Tests compare the two.

export const MAX_LENGTH = 1_000_000; // characters of a text
const MAX_BODY = 40; // tokens in the body of a macro that may be a symbol

// Python's white space, which has a few control characters more than JavaScript's, and not the byte order mark.
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
export const SPACES = new RegExp(SPACE, "g");
const BLANK = new RegExp(`^${SPACE}*$`);

// A comment ends with its line, and takes the line's end and the next line's indentation with it.
const TOKEN = /%[^\n]*(?:\n[ \t]*)?|(\\(?:[A-Za-z@]+|.)|[{}[\]]|[^\\{}[\]%]+|\\)/suy;

// Environments whose content isn't LaTeX to be read here, and the one that ends the preamble.
const ENVIRONMENT = new RegExp(`${SPACE}*\\{(comment|filecontents\\*?|verbatim|document)\\}`, "y");

const LOADS = new Map([
  ["\\usepackage", "package"],
  ["\\RequirePackage", "package"],
  ["\\RequirePackageWithOptions", "package"],
  ["\\documentclass", "class"],
  ["\\LoadClass", "class"],
  ["\\LoadClassWithOptions", "class"],
]);

const commands = (names) => new Set(names.split(" ").map((name) => `\\${name}`));
const NEW = commands("newcommand renewcommand providecommand DeclareRobustCommand");
const DOCUMENT_COMMAND = /^\\(?:New|Renew|Provide|Declare)(?:Expandable)?DocumentCommand$/;
const IF_NEW = commands("providecommand ProvideDocumentCommand ProvideExpandableDocumentCommand");
const DEF = commands("def gdef edef xdef protected@edef protected@xdef");
const AROUND = commands("ensuremath mathord mathop mathbin mathrel text mbox"); // a symbol, which stays the same one

const COMMAND = /^\\(?:[A-Za-z@]+|[!-~])$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

// What a text loads and defines, in its order, up to \begin{document} or \endinput: {loads: "package" or "class", name,
// options: Set}, {defines: command, body, ifNew} and {font}. A definition's `body` is what the command stands for, without
// what only surrounds a symbol; empty if it takes arguments, or is longer than any symbol's source.
export function statements(text) {
  const length = text.length > MAX_LENGTH ? [...text].length : 0;
  if (length > MAX_LENGTH) {
    const [most, found] = [MAX_LENGTH, length].map((number) => number.toLocaleString("en"));
    throw new RangeError(`a document may have ${most} characters, not ${found}: give its preamble alone`);
  }
  return new Reader(tokensOf(text.replace(/\r\n?/g, "\n"))).statements();
}

const withoutSpaces = (text) => text.replace(SPACES, "");
const isBlank = (text) => BLANK.test(text);

// The tokens up to the end of the preamble, without what `comment`, `filecontents` and \iffalse … \fi enclose: control
// sequences, one of {}[], or a run of other characters.
function tokensOf(text) {
  const tokens = [];
  let at = 0;
  let unread = 0; // how many \if… are open, from an \iffalse on
  let beginsLine = true;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const [, token] = TOKEN.exec(text); // every character begins a token
    at = TOKEN.lastIndex;
    if (token === undefined) {
      beginsLine = true;
      continue;
    }
    if (unread) {
      unread += token.startsWith("\\if") - (token === "\\fi");
      continue;
    }
    // Elsewhere in a line it is the meaning that a \let gives to a switch.
    if (token === "\\iffalse" && beginsLine) {
      unread = 1;
      continue;
    }
    const newline = token.lastIndexOf("\n");
    if (newline >= 0 || !isBlank(token)) beginsLine = newline >= 0 && isBlank(token.slice(newline + 1));
    ENVIRONMENT.lastIndex = at;
    const environment = token === "\\begin" ? ENVIRONMENT.exec(text)?.[1] : undefined;
    if (token === "\\endinput" || environment === "document") break;
    if (environment) {
      const end = text.indexOf(`\\end{${environment}}`, at);
      at = end < 0 ? text.length : end;
      continue;
    }
    tokens.push(token);
  }
  return tokens;
}

// A position in a list of tokens, of which every opening bracket's closing one is known. Each method reads from the position
// on, and leaves it where it was if it doesn't find what it looks for.
class Reader {
  constructor(tokens) {
    this.tokens = tokens;
    this.closing = closings(tokens);
    this.at = 0;
  }

  statements() {
    const found = [];
    while (this.at < this.tokens.length) {
      const token = this.tokens[this.at++];
      if (LOADS.has(token)) found.push(this.loads(LOADS.get(token)));
      else if (token === "\\setmathfont") found.push(this.font());
      else found.push(this.definition(token) ?? []);
    }
    return found.flat();
  }

  loads(kind) {
    const options = new Set(listed(this.enclosed("[") ?? ""));
    const names = listed(this.enclosed("{") ?? "").filter((name) => NAME.test(name));
    return names.map((name) => ({ loads: kind, name, options }));
  }

  font() {
    this.enclosed("[");
    const font = this.enclosed("{");
    return font ? { font } : [];
  }

  // What a command defines; null if it is no definition.
  definition(token) {
    let command;
    let takesArguments = false;
    if (NEW.has(token)) {
      command = this.command();
      takesArguments = this.enclosed("[") !== null;
    } else if (DOCUMENT_COMMAND.test(token)) {
      command = this.command();
      takesArguments = !isBlank(this.enclosed("{") ?? "");
    } else if (token === "\\DeclareMathOperator" || token === "\\DeclareMathSymbol") {
      command = this.command();
      takesArguments = token === "\\DeclareMathSymbol"; // it names a character of a font, by its number
    } else if (DEF.has(token)) {
      command = this.command();
      takesArguments = this.parameters();
    } else if (token === "\\let") {
      command = this.command();
      this.skip("=");
    } else {
      return null;
    }
    if (!command) return null;
    if (takesArguments) return { defines: command, body: "", ifNew: false };
    if (token === "\\let") {
      const meant = this.command();
      return meant ? { defines: command, body: meant, ifNew: false } : null;
    }
    const body = this.argument();
    return body && { defines: command, body: symbolSource(body), ifNew: IF_NEW.has(token) };
  }

  // The next token that isn't blank, at which the position then is.
  next() {
    while (this.at < this.tokens.length && isBlank(this.tokens[this.at])) this.at += 1;
    return this.tokens[this.at];
  }

  skip(character) {
    const token = this.next();
    if (token !== undefined && withoutSpaces(token) === character) this.at += 1;
  }

  // The tokens of a group in braces, or one control sequence; of a long group only the first ones.
  argument() {
    const token = this.next();
    if (token === "{" && this.closing.has(this.at)) {
      const begin = this.at + 1;
      const end = this.closing.get(this.at);
      this.at = end + 1;
      return this.tokens.slice(begin, Math.min(end, begin + MAX_BODY + 1));
    }
    if (!token?.startsWith("\\")) return null;
    this.at += 1;
    return [token];
  }

  // The control sequence that a definition names, with or without braces and a star; empty without one.
  command() {
    this.skip("*");
    const before = this.at;
    const named = (this.argument() ?? []).filter((token) => !isBlank(token));
    if (named.length === 1 && COMMAND.test(named[0])) return named[0];
    this.at = before;
    return "";
  }

  // Whether the command that \def defines takes arguments; the position is then at its body.
  parameters() {
    const token = this.next();
    return token !== undefined && token !== "{";
  }

  // The text of an optional argument ("[") or of one in braces ("{"); null without it.
  enclosed(opening) {
    this.skip("*");
    if (this.next() !== opening || !this.closing.has(this.at)) return null;
    const begin = this.at + 1;
    const end = this.closing.get(this.at);
    this.at = end + 1;
    return this.tokens.slice(begin, end).join("");
  }
}

// The index of the closing bracket of each opening one that has one. As TeX does, the first ] outside of braces closes a [.
function closings(tokens) {
  const closing = new Map();
  const opened = [];
  const inBracket = () => opened.length && tokens[opened.at(-1)] === "[";
  tokens.forEach((token, number) => {
    if (token === "{" || token === "[") opened.push(number);
    else if (token === "]") while (inBracket()) closing.set(opened.pop(), number);
    else if (token === "}") {
      while (inBracket()) opened.pop();
      if (opened.length) closing.set(opened.pop(), number);
    }
  });
  return closing;
}

// The names in a list with commas.
function listed(text) {
  return withoutSpaces(text).split(",").filter(Boolean);
}

// The source of the symbol that a macro's body is: \ensuremath{\mathbb R} gives \mathbb{R}. Empty for a long body.
function symbolSource(body) {
  if (body.length > MAX_BODY) return "";
  let tokens = body.map(withoutSpaces).filter(Boolean);
  while (tokens.length) {
    const last = tokens.length - 1;
    if (tokens[last] === "\\xspace") tokens.pop();
    else if (AROUND.has(tokens[0]) && last) tokens = tokens.slice(1);
    else if ((tokens[0] === "$" && tokens[last] === "$" && last > 1) || closings(tokens).get(0) === last) {
      tokens = tokens.slice(1, -1);
    } else break;
  }
  const isLetter = tokens.length === 2 && [...tokens[1]].length === 1;
  return isLetter && /^.\p{L}+$/su.test(tokens[0]) ? `${tokens[0]}{${tokens[1]}}` : tokens.join("");
}
