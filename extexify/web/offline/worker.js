// Web worker that classifies drawings, so that drawing isn't delayed.

import { load, loadModel } from "./model.js";
import { foldLookAlikes, isRejected } from "./answers.js";

const MAX_ANSWERS = 25;

const ready = Promise.all([
  loadModel(new URL("model.onnx", import.meta.url), (loaded) => postMessage({ loaded })),
  load(new URL("symbols.json", import.meta.url)).then((bytes) => JSON.parse(new TextDecoder().decode(bytes))),
]);
ready.then(
  ([{ description }]) => postMessage({ description }),
  (error) => postMessage({ problem: error.message }),
);

onmessage = async ({ data: { strokes, number } }) => {
  try {
    const [model, { summed_classes, symbols }] = await ready;
    const { image, predictions } = await model.classify(strokes);
    const answers = foldLookAlikes(predictions, symbols)
      .slice(0, MAX_ANSWERS)
      .map(({ members, probability }) => {
        const [head, ...alike] = members.map(({ key }) => symbols[key]);
        return { ...head, alike, probability };
      });
    const unsure = isRejected(predictions, summed_classes, model.description.doubt ?? 0);
    postMessage({ number, strokes: strokes.length, image, answers, unsure });
  } catch (error) {
    postMessage({ problem: error.message });
  }
};
