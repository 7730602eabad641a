// The page: a box to draw in, and the answers of the model that works beside it (worker.js).
// `element`, `makeRow` and `showAnswers` are the dashboard's (shared/page.js, shared/answer_rows.js).

const PEN = 6; // pixels
const SIDE = 400; // the box in its own units, whatever size it is shown at
const FEW = 5; // answers that are shown until one asks for more

const pad = document.querySelector("#pad");
const undo = document.querySelector("#undo");
const clear = document.querySelector("#clear");
const answers = document.querySelector(".answers");
const list = answers.querySelector("ol");
const more = document.querySelector("#more");
const status = document.querySelector("#status");
const problem = document.querySelector("#problem");
const seen = document.querySelector("#seen");
const caption = document.querySelector("figcaption");

const strokes = []; // [[[x, y], …], …] in units of the box
let drawing = null; // the stroke that is being drawn
let number = 0; // of the drawing that is on the box: an answer to an earlier one is late

// --- drawing ------------------------------------------------------------------------------------

function place(event) {
  const box = pad.getBoundingClientRect();
  const border = pad.clientLeft;
  const scale = SIDE / pad.clientWidth;
  return [(event.clientX - box.left - border) * scale, (event.clientY - box.top - border) * scale];
}

pad.onpointerdown = (event) => {
  if (event.button !== 0 || drawing) return;
  event.preventDefault();
  pad.setPointerCapture(event.pointerId);
  drawing = { pointer: event.pointerId, stroke: [place(event)] };
  strokes.push(drawing.stroke);
  show();
};

pad.onpointermove = (event) => {
  if (event.pointerId !== drawing?.pointer) return;
  const moves = event.getCoalescedEvents?.() ?? [];
  for (const move of moves.length ? moves : [event]) drawing.stroke.push(place(move));
  show();
};

pad.onpointerup = pad.onpointercancel = (event) => {
  if (event.pointerId !== drawing?.pointer) return;
  drawing = null;
  changed();
};

function takeBack(count) {
  if (drawing || !strokes.length) return;
  strokes.splice(strokes.length - count);
  changed();
}

undo.onclick = () => takeBack(1);
clear.onclick = () => takeBack(strokes.length);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") takeBack(strokes.length);
  else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey) takeBack(1);
  else return;
  event.preventDefault();
});

function changed() {
  number += 1;
  undo.disabled = clear.disabled = !strokes.length;
  show();
  if (strokes.length) worker.postMessage({ strokes, number });
  else answer({ answers: [], unsure: false, strokes: 0, image: null });
}

function show() {
  const pen = pad.getContext("2d");
  const scale = pad.width / SIDE;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, SIDE, SIDE);
  pen.strokeStyle = pen.fillStyle = getComputedStyle(pad).getPropertyValue("--ink");
  pen.lineWidth = PEN;
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
  show();
}).observe(pad);

// --- answers ------------------------------------------------------------------------------------

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const rows = [];
let latest = null; // what the worker said last
let many = false; // whether all of its answers are shown

more.onclick = () => {
  many = !many;
  answer(latest);
};

worker.onmessage = ({ data }) => {
  if (data.problem) fail(data.problem);
  else if (data.part !== undefined) status.textContent = `Loading the model… ${Math.floor(100 * data.part)}%`;
  else if (data.description) ready(data.description);
  else if (data.number === number) answer(data);
};
worker.onerror = (event) => fail(event.message || "the model's part of the page can't be loaded");

function fail(reason) {
  problem.hidden = false;
  problem.textContent = `No answers: ${reason}. Reload the page to try again.`;
  status.hidden = true;
}

function ready({ name, classes, raster, metrics }) {
  status.hidden = true;
  seen.parentElement.hidden = false;
  seen.width = seen.height = raster.size;
  const top5 = (metrics.test ?? metrics.validation)?.top5;
  const figure = top5 === undefined ? "" : `, right within five for ${(100 * top5).toFixed(0)}% of unseen drawings`;
  caption.replaceChildren();
  element("span", "", caption, `What the model sees: ${raster.size} × ${raster.size} pixels`);
  element("span", "", caption, `Model “${name}”: ${classes.length.toLocaleString("en")} symbols${figure}`);
}

// Shows what the worker says of the drawing.
function answer(said) {
  latest = said;
  const shown = many ? said.answers : said.answers.slice(0, FEW);
  const found = shown.map((one) => ({ ...one, percent: percentage(one.probability) }));
  more.hidden = said.answers.length <= FEW;
  more.textContent = many ? "Show fewer" : `Show ${said.answers.length - FEW} more`;
  showAnswers(answers, rows, { ...said, answers: found }, () => makeRow(list));
  showSeen(said.image);
}

function percentage(share) {
  const percent = 100 * share;
  if (percent < 0.1) return "<0.1%";
  return `${percent.toFixed(percent >= 9.95 ? 0 : 1)}%`;
}

// Ink in the colour of the text, on nothing.
function showSeen(image) {
  const { width } = seen;
  const picture = seen.getContext("2d").createImageData(width, width);
  const [red, green, blue] = getComputedStyle(seen).color.match(/[\d.]+/g);
  image?.forEach((level, index) => picture.data.set([red, green, blue, level], 4 * index));
  seen.getContext("2d").putImageData(picture, 0, 0);
}
