// Web worker that classifies drawings, so that drawing isn't delayed.

import { loadClassifier } from "./index.js";

const MAX_ANSWERS = 25;

const ready = loadClassifier({ progress: (loaded) => postMessage({ loaded }) });
ready.then(
  ({ description, formats }) => postMessage({ description, formats }),
  (error) => postMessage({ problem: error.message }),
);

onmessage = async ({ data: { strokes, number } }) => {
  try {
    const { answers, sure, image } = await (await ready).classify(strokes, MAX_ANSWERS);
    const shown = answers.map(({ members, ...answer }) => ({ ...answer, alike: members.slice(1) }));
    postMessage({ number, strokes: strokes.length, image, answers: shown, unsure: !sure });
  } catch (error) {
    postMessage({ problem: error.message });
  }
};
