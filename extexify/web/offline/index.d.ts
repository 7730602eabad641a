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

export interface Classifier {
  readonly description: Description;
  /** Name and label of each format. */
  readonly formats: [name: string, label: string][];
  /** prior: how often people want each symbol (default), or the drawing alone. */
  classify(strokes: Strokes, top?: number, prior?: "usage" | "none"): Promise<Classification>;
}

export interface Options {
  /** Addresses of the ONNX file and of the table of symbols; default: beside the library. */
  model?: URL | string;
  symbols?: URL | string;
  /** Called with the loaded fraction, 0 to 1. */
  progress?: (fraction: number) => void;
}

export function loadClassifier(options?: Options): Promise<Classifier>;
