// The library: strokes → answers, in browsers and in Node. The page's worker uses it, and other programs may
// (`npm pack` of the page's folder). index.d.ts has its types.

import { foldLookAlikes, isRejected, rankByUsage } from "./answers.js";
import { load, loadModel } from "./model.js";
import { DocumentReader } from "./shared/document.js";

// Loads a model and the table of its symbols, which lie beside this file unless other addresses are given, as does the table
// that is loaded with the first document; `progress` is called with the loaded fraction, 0 to 1.
export async function loadClassifier({
  model = new URL("model.onnx", import.meta.url),
  symbols = new URL("symbols.json", import.meta.url),
  documents = new URL("documents.json", import.meta.url),
  progress,
} = {}) {
  const [loaded, table] = await Promise.all([loadModel(model, progress), loadJson(symbols)]);
  return new Classifier(loaded, table, documents);
}

async function loadJson(address) {
  return JSON.parse(new TextDecoder().decode(await load(address)));
}

class Classifier {
  #model;
  #table;
  #documents; // the address of the table for documents
  #reader; // a promise of what reads them

  constructor(model, table, documents) {
    this.#model = model;
    this.#table = table;
    this.#documents = documents;
  }

  // That of the model file: {name, classes, raster, sequence, temperature, metrics, …}.
  get description() {
    return this.#model.description;
  }

  // The formats of an answer's `forms`, and "latex", that of its command: [name, label] of each.
  get formats() {
    return this.#table.formats;
  }

  // The packages that symbols need, sorted.
  get packages() {
    return this.#table.packages;
  }

  // The LaTeX document with these texts, each a preamble, a whole document or a package; see shared/document.js. Throws a
  // RangeError for a text that is too long.
  async readDocument(...texts) {
    this.#reader ??= loadJson(this.#documents).then((table) => new DocumentReader(table));
    this.#reader.catch(() => (this.#reader = undefined)); // loaded anew the next time
    return (await this.#reader).read(...texts);
  }

  // strokes: [[[x, y], …], …], y down. Returns the `top` most probable answers, whether the model is sure that one of
  // them is right, and its input image: {answers, sure, image: Uint8Array}. prior: "usage", how often people want each
  // symbol, or "none". document: the one, read by `readDocument`, in which the answers are to be typed.
  async classify(strokes, { top = 5, prior = "usage", document } = {}) {
    const { summed_classes: summed, symbols, others } = this.#table;
    const { image, predictions } = await this.#model.classify(strokes);
    const byUsage = prior === "usage";
    const ranked = byUsage ? rankByUsage(predictions, symbols) : predictions;
    const results = foldLookAlikes(ranked, symbols, byUsage).slice(0, top);
    const answers = results.map(({ members, probability }) => {
      const all = members.map((member) => ({ ...symbols[member.key], probability: member.probability }));
      // Symbols that are no classes of the model, some with the glyph of another one that prints alike.
      const rest = (others[all[0].group] ?? []).map((key) => {
        const { like, ...symbol } = symbols[key];
        return { ...symbol, svg: symbol.svg ?? symbols[like].svg, probability: 0 };
      });
      const found = inDocument([...all, ...rest], document);
      return { ...found[0], probability, members: found };
    });
    return { answers, sure: !isRejected(predictions, summed, this.description.rejection_threshold ?? this.description.doubt ?? 0), image };
  }
}

// Symbols that are drawn alike, those first that a document can print, each with what to type in it and what it needs there;
// without a document as they are.
function inDocument(symbols, document) {
  if (!document) return symbols;
  const byKey = new Map(symbols.map((symbol) => [symbol.key, symbol]));
  return document
    .ordered([...byKey.keys()])
    .map((key) => ({ ...byKey.get(key), typed: document.typed(key), needs: document.needs(key) }));
}
