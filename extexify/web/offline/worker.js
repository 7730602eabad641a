// Web worker that classifies drawings, so that drawing isn't delayed.

import { loadClassifier } from "./index.js";

const MAX_ANSWERS = 25;

const ready = loadClassifier({ progress: (loaded) => postMessage({ loaded }) });
ready.then(
  ({ description, formats, packages }) => postMessage({ description, formats, packages }),
  (error) => postMessage({ problem: error.message }),
);

let document; // the visitor's; undefined without one

// Messages are {strokes, number, prior}, a drawing to answer, or {texts}, those of the visitor's document.
onmessage = async ({ data }) => {
  try {
    if (data.texts) postMessage({ understood: await read(data.texts) });
    else postMessage(await answer(data));
  } catch (error) {
    postMessage({ problem: error.message });
  }
};

async function answer({ strokes, number, prior }) {
  const classifier = await ready;
  const { answers, sure, image } = await classifier.classify(strokes, { top: MAX_ANSWERS, prior, document });
  const shown = answers.map(({ members, ...first }) => ({ ...asShown(first), alike: members.slice(1).map(asShown) }));
  return { number, strokes: strokes.length, image, answers: shown, unsure: !sure };
}

// A symbol as answer_rows.js shows it.
function asShown({ typed, needs, ...symbol }) {
  if (typed === undefined) return symbol;
  return { ...symbol, typed: typed === symbol.command ? "" : typed, needs: (needs ?? "").replaceAll("\n", " "), lines: needs };
}

// Reads the visitor's document, and returns what is understood of it, {} without texts.
async function read(texts) {
  document = undefined;
  if (!texts.length) return {};
  try {
    document = await (await ready).readDocument(...texts);
  } catch (error) {
    return { problem: error.message };
  }
  const { packages, unknown, clashes, needsOpentype } = document;
  const macros = document.macroMeanings().map(([macro, meaning]) => `${macro} for ${meaning}`);
  return { packages: [...packages].sort(inOrder), unknown, macros, clashes, needsOpentype };
}

// The order of two names, whatever their case.
function inOrder(one, other) {
  return one.toLowerCase() < other.toLowerCase() ? -1 : 1;
}
