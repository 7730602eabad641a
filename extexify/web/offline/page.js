// The offline page: a canvas, and the answers of the model in a web worker.
// `makeRow`, `showAnswers`, `copyByKey`, `offerFormats`, `canvasCommand`, … come from the scripts in shared/.

import { Answerer } from "./answerer.js";
import { offerDocument, offerPackages, showUnderstood } from "./document_form.js";
import { Pad } from "./shared/pad.js";

const FEW_ANSWERS = 5; // shown before "Show more" is clicked
const RANKING_KEY = "extexify-rank-by"; // in the browser's local storage

const answers = document.querySelector(".answers");
const list = answers.querySelector("ol");
const more = document.querySelector("#more");
const rankings = [...document.querySelectorAll("#rank-by input")];
const status = document.querySelector("#status");
const problem = document.querySelector("#problem");
const input = document.querySelector("#model-input");
const caption = document.querySelector("figcaption");
const [undo, redo, clear] = ["#undo", "#redo", "#clear"].map((button) => document.querySelector(button));

const rows = [];
let latest = null; // the latest answers
let formats = []; // in which symbols are shown and copied
let showAll = false; // whether all of them are shown

const answerer = new Answerer({
  loading: (fraction) => (status.textContent = `Loading the model… ${Math.floor(100 * fraction)}%`),
  ready: showModel,
  answered: answer,
  understood: (document) => {
    showUnderstood(document);
    ask();
  },
  failed: (reason) => {
    problem.hidden = false;
    problem.textContent = `No answers: ${reason}. Reload the page to try again.`;
    status.hidden = true;
  },
});
const pad = new Pad(document.querySelector("#pad"), { undo, redo, clear }, ask);

function ask() {
  answerer.ask(pad.strokes, rankings.find((choice) => choice.checked).value);
}

document.addEventListener("keydown", (event) => {
  const command = canvasCommand(event);
  if (command) {
    event.preventDefault();
    pad.perform(command);
  } else copyByKey(event, rows);
});

more.onclick = () => {
  showAll = !showAll;
  answer(latest);
};

const ranking = remembered(RANKING_KEY);
(rankings.find((choice) => choice.value === ranking) ?? rankings[0]).checked = true;
for (const choice of rankings) {
  choice.onchange = () => {
    remember(RANKING_KEY, choice.value);
    ask();
  };
}

offerDocument((texts) => answerer.read(texts));

function showModel({ description: { name, classes, raster, metrics }, formats: known, packages }) {
  formats = known;
  offerFormats(answers.querySelector(".output select"), formats, () => answer(latest));
  offerPackages(packages);
  status.hidden = true;
  input.parentElement.hidden = false;
  input.width = input.height = raster.size;
  const top5 = (metrics.test ?? metrics.validation ?? metrics.same_recipe)?.top5;
  const accuracy = top5 === undefined ? "" : `, right within five for ${(100 * top5).toFixed(0)}% of unseen drawings`;
  caption.replaceChildren();
  element("span", "", caption, `What the model sees: ${raster.size} × ${raster.size} pixels`);
  element("span", "", caption, `Model “${name}”: ${classes.length.toLocaleString("en")} symbols${accuracy}`);
}

function answer(message) {
  latest = message;
  const shown = showAll ? message.answers : message.answers.slice(0, FEW_ANSWERS);
  more.hidden = message.answers.length <= FEW_ANSWERS;
  more.parentElement.hidden = !message.answers.length;
  more.textContent = showAll ? "Show fewer" : `Show ${message.answers.length - FEW_ANSWERS} more`;
  showAnswers(answers, rows, { ...message, answers: inOrderOfPicks(shown), formats }, () => makeRow(list));
  showInput(message.image);
}

// Shows the model's input image, ink in the text colour.
function showInput(image) {
  const { width } = input;
  const picture = input.getContext("2d").createImageData(width, width);
  const [red, green, blue] = getComputedStyle(input).color.match(/[\d.]+/g);
  image?.forEach((level, index) => picture.data.set([red, green, blue, level], 4 * index));
  input.getContext("2d").putImageData(picture, 0, 0);
}

// Without HTTPS, except on this machine, browsers have no service workers: then the page needs its server to start.
navigator.serviceWorker?.register("service_worker.js").catch((error) => console.warn(`not kept: ${error.message}`));
