// The library: strokes → answers, in browsers and in Node. The page's worker uses it, and other programs may
// (`npm pack` of the page's folder). index.d.ts has its types.

import { foldLookAlikes, isRejected, rankByUsage } from "./answers.js";
import { load, loadModel } from "./model.js";

// Loads a model and the table of its symbols, which lie beside this file unless other addresses are given; `progress` is
// called with the loaded fraction, 0 to 1.
export async function loadClassifier({
  model = new URL("model.onnx", import.meta.url),
  symbols = new URL("symbols.json", import.meta.url),
  progress,
} = {}) {
  const [loaded, table] = await Promise.all([loadModel(model, progress), load(symbols)]);
  return new Classifier(loaded, JSON.parse(new TextDecoder().decode(table)));
}

class Classifier {
  #model;
  #table;

  constructor(model, table) {
    this.#model = model;
    this.#table = table;
  }

  // That of the model file: {name, classes, raster, sequence, temperature, metrics, …}.
  get description() {
    return this.#model.description;
  }

  // The formats of an answer's `forms`, and "latex", that of its command: [name, label] of each.
  get formats() {
    return this.#table.formats;
  }

  // strokes: [[[x, y], …], …], y down. Returns the `top` most probable answers, whether the model is sure that one of
  // them is right, and its input image: {answers, sure, image: Uint8Array}. prior: "usage", how often people want each
  // symbol, or "none".
  async classify(strokes, top = 5, prior = "usage") {
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
      return { ...all[0], probability, members: [...all, ...rest] };
    });
    return { answers, sure: !isRejected(predictions, summed, this.description.rejection_threshold ?? this.description.doubt ?? 0), image };
  }
}
