// The model, in a web worker (worker.js) of the page: drawings go in, answers come out as the list shows them
// (shared/answer_rows.js).

const NOTHING = { answers: [], unsure: false, strokes: 0, image: null };

export class Answerer {
  #worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  #number = 0; // of the latest question; answers to earlier ones are dropped
  #handlers;

  // Handlers: loading(fraction) and then ready({description, formats, packages}); answered({answers, unsure, strokes, image}) after each
  // question; understood({…}, see worker.js) after `read`; failed(reason), after which there are no more answers.
  constructor(handlers) {
    this.#handlers = handlers;
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => handlers.failed(event.message || "the web worker can't be loaded");
  }

  // Asks what strokes mean, [[[x, y], …], …]; prior: "usage" or "none". Without strokes there are no answers, at once.
  ask(strokes, prior) {
    this.#number += 1;
    if (strokes.length) this.#worker.postMessage({ strokes, number: this.#number, prior });
    else this.#handlers.answered(NOTHING);
  }

  // Makes a document with these texts that of the following answers; none without texts.
  read(texts) {
    this.#worker.postMessage({ texts });
  }

  #receive(data) {
    const { loading, ready, understood, answered, failed } = this.#handlers;
    if (data.problem) failed(data.problem);
    else if (data.loaded !== undefined) loading(data.loaded);
    else if (data.description) ready(data);
    else if (data.understood) understood(data.understood);
    else if (data.number === this.#number) answered({ ...data, answers: data.answers.map(withPercent) });
  }
}

function withPercent(answer) {
  const percent = 100 * answer.probability;
  return { ...answer, percent: percent < 0.1 ? "<0.1%" : `${percent.toFixed(percent >= 9.95 ? 0 : 1)}%` };
}
