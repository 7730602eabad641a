// The offline page: a canvas, and the answers of the model in a web worker (worker.js).
// `element`, `makeRow`, `showAnswers`, `copyByKey`, `offerFormats` and `canvasCommand` come from the scripts in shared/.

import { offerDocument, showUnderstood } from "./document_form.js";

const PEN_WIDTH = 6; // in canvas units
const SIDE = 400; // canvas units per side, independent of its size on the screen
const FEW_ANSWERS = 5; // shown before "Show more" is clicked
const RANKING_KEY = "extexify-rank-by"; // in the browser's local storage

const pad = document.querySelector("#pad");
const undo = document.querySelector("#undo");
const redo = document.querySelector("#redo");
const clear = document.querySelector("#clear");
const answers = document.querySelector(".answers");
const list = answers.querySelector("ol");
const more = document.querySelector("#more");
const rankings = document.querySelectorAll("#rank-by input");
const status = document.querySelector("#status");
const problem = document.querySelector("#problem");
const input = document.querySelector("#model-input");
const caption = document.querySelector("figcaption");

let strokes = []; // [[[x, y], …], …] in canvas units
let past = []; // earlier `strokes`, newest last, which Undo brings back
let future = []; // later ones, next last, which Redo brings back
let current = null; // the stroke that is being drawn, {pointer, stroke}
let number = 0; // of the question to the worker; answers to earlier ones are dropped

// --- drawing ------------------------------------------------------------------------------------

function position(event) {
  const box = pad.getBoundingClientRect();
  const border = pad.clientLeft;
  const scale = SIDE / pad.clientWidth;
  return [(event.clientX - box.left - border) * scale, (event.clientY - box.top - border) * scale];
}

pad.onpointerdown = (event) => {
  if (event.button !== 0 || current) return;
  event.preventDefault();
  pad.setPointerCapture(event.pointerId);
  current = { pointer: event.pointerId, stroke: [position(event)] };
  replace([...strokes, current.stroke]);
  redraw();
};

pad.onpointermove = (event) => {
  if (event.pointerId !== current?.pointer) return;
  const moves = event.getCoalescedEvents?.() ?? [];
  for (const move of moves.length ? moves : [event]) current.stroke.push(position(move));
  redraw();
};

// A stroke that the system interrupts stays as far as it was drawn.
pad.onpointerup = pad.onpointercancel = (event) => {
  if (event.pointerId !== current?.pointer) return;
  current = null;
  changed();
};

function replace(drawing) {
  past.push(strokes);
  future = [];
  strokes = drawing;
}

const commands = {
  undo() {
    if (!past.length) return;
    future.push(strokes);
    strokes = past.pop();
  },
  redo() {
    if (!future.length) return;
    past.push(strokes);
    strokes = future.pop();
  },
  clear() {
    if (strokes.length) replace([]);
  },
};

function perform(command) {
  if (current) return;
  commands[command]();
  changed();
}

for (const button of [undo, redo, clear]) button.onclick = () => perform(button.id);
document.addEventListener("keydown", (event) => {
  const command = canvasCommand(event);
  if (!command) return;
  event.preventDefault();
  perform(command);
});

function changed() {
  undo.disabled = !past.length;
  redo.disabled = !future.length;
  clear.disabled = !strokes.length;
  redraw();
  ask();
}

function redraw() {
  const pen = pad.getContext("2d");
  const scale = pad.width / SIDE;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, SIDE, SIDE);
  pen.strokeStyle = pen.fillStyle = getComputedStyle(pad).getPropertyValue("--ink");
  pen.lineWidth = PEN_WIDTH;
  pen.lineCap = pen.lineJoin = "round";
  for (const [first, ...rest] of strokes) {
    pen.beginPath();
    pen.moveTo(...first);
    for (const point of rest.length ? rest : [first]) pen.lineTo(...point);
    pen.stroke();
  }
}

new ResizeObserver(() => {
  pad.width = pad.height = Math.round(pad.clientWidth * devicePixelRatio);
  redraw();
}).observe(pad);

// --- answers ------------------------------------------------------------------------------------

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const rows = [];
let latest = null; // the worker's latest answers
let formats = []; // in which symbols are shown and copied
let showAll = false; // whether all of them are shown

more.onclick = () => {
  showAll = !showAll;
  answer(latest);
};

function ask() {
  number += 1;
  const { value: prior } = [...rankings].find((choice) => choice.checked);
  if (strokes.length) worker.postMessage({ strokes, number, prior });
  else answer({ answers: [], unsure: false, strokes: 0, image: null });
}

for (const choice of rankings) {
  choice.checked = choice.value === chosenRanking();
  choice.onchange = () => {
    try {
      localStorage.setItem(RANKING_KEY, choice.value);
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
    ask();
  };
}

function chosenRanking() {
  let name = null;
  try {
    name = localStorage.getItem(RANKING_KEY);
  } catch {
    // As above.
  }
  return [...rankings].some((choice) => choice.value === name) ? name : rankings[0].value;
}

offerDocument((texts) => worker.postMessage({ texts }));

worker.onmessage = ({ data }) => {
  if (data.problem) fail(data.problem);
  else if (data.loaded !== undefined) status.textContent = `Loading the model… ${Math.floor(100 * data.loaded)}%`;
  else if (data.description) ready(data);
  else if (data.understood) {
    showUnderstood(data.understood);
    ask();
  }
  else if (data.number === number) answer(data);
};
document.addEventListener("keydown", (event) => copyByKey(event, rows));
worker.onerror = (event) => fail(event.message || "the web worker can't be loaded");

function fail(reason) {
  problem.hidden = false;
  problem.textContent = `No answers: ${reason}. Reload the page to try again.`;
  status.hidden = true;
}

function ready({ description: { name, classes, raster, metrics }, formats: known }) {
  formats = known;
  offerFormats(answers.querySelector(".output select"), formats, () => answer(latest));
  status.hidden = true;
  input.parentElement.hidden = false;
  input.width = input.height = raster.size;
  const top5 = (metrics.test ?? metrics.validation ?? metrics.same_recipe)?.top5;
  const accuracy = top5 === undefined ? "" : `, right within five for ${(100 * top5).toFixed(0)}% of unseen drawings`;
  caption.replaceChildren();
  element("span", "", caption, `What the model sees: ${raster.size} × ${raster.size} pixels`);
  element("span", "", caption, `Model “${name}”: ${classes.length.toLocaleString("en")} symbols${accuracy}`);
}

// Shows the worker's message about the drawing: {answers, unsure, strokes, image}.
function answer(message) {
  latest = message;
  const shown = showAll ? message.answers : message.answers.slice(0, FEW_ANSWERS);
  const labelled = shown.map((one) => ({ ...one, percent: percentage(one.probability) }));
  more.hidden = message.answers.length <= FEW_ANSWERS;
  more.parentElement.hidden = !message.answers.length;
  more.textContent = showAll ? "Show fewer" : `Show ${message.answers.length - FEW_ANSWERS} more`;
  showAnswers(answers, rows, { ...message, answers: inOrderOfPicks(labelled), formats }, () => makeRow(list));
  showInput(message.image);
}

function percentage(probability) {
  const percent = 100 * probability;
  if (percent < 0.1) return "<0.1%";
  return `${percent.toFixed(percent >= 9.95 ? 0 : 1)}%`;
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
