/** A point's x and y, y down; further numbers are ignored. */
export type Point = [x: number, y: number, ...more: number[]];

/** A drawing: strokes, each the points of one movement of the pen. */
export type Strokes = Point[][];

/** A symbol with its probability, 0 to 1. */
export interface Member {
  key: string;
  /** The LaTeX command. */
  command: string;
  /** Other commands for it. */
  also: string[];
  package: string;
  mode: "math" | "text" | "both";
  unicode: string | null;
  typst: string | null;
  /** As typed elsewhere, by the format's name; those that it lacks are left out. */
  forms: Partial<Record<"typst" | "unicode" | "symbol" | "char" | "html" | "markdown", string>>;
  /** What tells it from symbols that look alike, as far as it is known. */
  facts: { spacing?: string; meaning?: string; common?: string };
  /** Lines that its preamble needs. */
  preamble: string;
  /** As LaTeX prints it; null without a picture. */
  svg: string | null;
  probability: number;
  /** With a document: what to type for it there. */
  typed?: string;
  /** With a document: the preamble lines that it lacks there; null if none. */
  needs?: string | null;
}

/** Symbols that people draw alike: the one that is most likely wanted, the probability of all, and all of them. */
export interface Answer extends Member {
  members: Member[];
}

export interface Classification {
  answers: Answer[];
  /** Whether the model is sure that one of the answers is right. */
  sure: boolean;
  /** The image that the model read, row by row, ink 255 on 0. */
  image: Uint8Array;
}

export interface Description {
  name: string;
  classes: string[];
  raster: { size: number };
  temperature: number;
  metrics: Record<string, Record<string, number>>;
}

/** What a LaTeX document loads and defines, as far as symbols are concerned. Keys are those of symbols. */
export interface Document {
  /** Packages with symbols that it loads, also by way of others. */
  readonly packages: ReadonlySet<string>;
  /** Packages and classes that it names and nothing is known of. */
  readonly unknown: readonly string[];
  /** By key: its own command for a symbol. */
  readonly macros: ReadonlyMap<string, string>;
  /** Commands of symbols that it gives another meaning, and that meaning. */
  readonly redefined: ReadonlyMap<string, string>;
  /** All commands that it defines. */
  readonly defined: ReadonlySet<string>;
  /** The font that `\setmathfont` chooses; empty if none. */
  readonly mathFont: string;
  readonly unicodeMath: boolean;
  /** Whether only XeLaTeX and LuaLaTeX can compile it. */
  readonly needsOpentype: boolean;
  /** Sentences about commands that two packages define differently, or that it redefines. */
  readonly clashes: string[];
  /** Whether it can print a symbol. */
  has(key: string): boolean;
  /** The preamble lines that a symbol lacks; null if none. */
  needs(key: string): string | null;
  /** What to type for a symbol. */
  typed(key: string): string;
  /** How much it speaks for a symbol, 0 to 1. */
  weight(key: string): number;
  /** The keys of symbols that are drawn alike, those of the greatest weight first. */
  ordered(keys: string[]): string[];
  /** Its macros for symbols, each with the command that it stands for. */
  macroMeanings(): [macro: string, command: string][];
  /** Whether LaTeX or one of its packages has a symbol of that command. */
  defines(command: string): boolean;
}

export interface Question {
  /** The number of answers; default 5. */
  top?: number;
  /** How often people want each symbol (default), or the drawing alone. */
  prior?: "usage" | "none";
  /** The one in which the answers are to be typed: among look-alikes, those that it can print come first. */
  document?: Document;
}

export interface Classifier {
  readonly description: Description;
  /** Name and label of each format. */
  readonly formats: [name: string, label: string][];
  /** The packages that symbols need, sorted. */
  readonly packages: string[];
  classify(strokes: Strokes, question?: Question): Promise<Classification>;
  /** Reads a document's texts, each a preamble, a whole document or a package, of up to a million characters. */
  readDocument(...texts: string[]): Promise<Document>;
}

export interface Options {
  /** Addresses of the ONNX file and of the tables of symbols, for answers and for documents; default: beside the library. */
  model?: URL | string;
  symbols?: URL | string;
  documents?: URL | string;
  /** Called with the loaded fraction, 0 to 1. */
  progress?: (fraction: number) => void;
}

export function loadClassifier(options?: Options): Promise<Classifier>;
