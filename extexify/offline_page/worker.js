// Answers drawings beside the page, so that no ink waits for an answer.

import { loadModel } from "./model.js";

const model = loadModel(new URL("model.onnx", import.meta.url), (part) => postMessage({ part }));
model.then(
  ({ description }) => postMessage({ description }),
  (error) => postMessage({ problem: error.message }),
);

onmessage = async ({ data: { strokes, number } }) => {
  try {
    postMessage({ number, ...(await (await model).classify(strokes)) });
  } catch (error) {
    postMessage({ problem: error.message });
  }
};
