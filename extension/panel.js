// The panel: a canvas, and answers that are inserted into the document whose editor it lies over. As the popup of the
// browser's toolbar, or where the editor can't be reached, it copies them.
// `makeRow`, `showAnswers`, `copyByKey`, `delivery`, … come from the scripts in shared/.

import { Answerer } from "./answerer.js";
import { Editor } from "./editor.js";
import { insertionOf, preambleInsertion } from "./latex.js";
import { extensionStorage } from "./storage.js";
import { Pad } from "./shared/pad.js";
import { MAX_LENGTH } from "./shared/preamble.js";

const MOST_ANSWERS = 9; // as many as there are keys for
const RANKING_KEY = "extexify-rank-by";
const WRAP_KEY = "extexify-wrap"; // which the options page sets
const MOST_TRIES = 5; // to insert into a document that others are changing

storage = () => extensionStorage;

const isPopup = window.parent === window;
const part = (selector) => document.querySelector(selector);
const answers = part(".answers");
const list = answers.querySelector("ol");
const status = part("#status");
const canvas = part("#pad");
const ranking = part("#rank-by");

const rows = [];
let formats = []; // in which symbols are shown and inserted
let latest = { answers: [], unsure: false, strokes: 0 };
let isWaiting = false; // for the answers to the strokes on the canvas
let heldKey = null; // a key that was pressed meanwhile
let preamble = ""; // of the document, as far as an open file has shown it

const answerer = new Answerer({
  loading: (fraction) => (status.textContent = `Loading the model… ${Math.floor(100 * fraction)}%`),
  ready: (model) => {
    formats = model.formats;
    status.hidden = true;
    offerFormats(answers.querySelector(".output select"), formats, show);
  },
  answered: (message) => {
    latest = message;
    isWaiting = false;
    show();
    if (heldKey) copyByKey(heldKey, rows);
    heldKey = null;
  },
  understood: ask,
  failed: (reason) => {
    part("#problem").hidden = false;
    part("#problem").textContent = `No answers: ${reason}. Close this page and open it again.`;
    status.hidden = true;
  },
});
const pad = new Pad(canvas, { undo: part("#undo"), redo: part("#redo"), clear: part("#clear") }, ask);
const editor = isPopup ? null : new Editor({ opened, closed });

function ask() {
  isWaiting = pad.strokes.length > 0;
  heldKey = null;
  answerer.ask(pad.strokes, ranking.value);
}

function show() {
  const best = inOrderOfPicks(latest.answers.slice(0, MOST_ANSWERS));
  part("#keys").textContent = `Enter ${delivery.verb === "Copy" ? "copies" : "inserts"} the first, 1 to 9 any of them`;
  showAnswers(answers, rows, { ...latest, answers: best, formats }, () => makeRow(list, decorateChip));
  list.scrollTop = 0;
}

function decorateChip(chip, member) {
  if (member.needs) offerLines(chip, member, "+");
}

ranking.value = remembered(RANKING_KEY) ?? "";
if (!ranking.value) ranking.selectedIndex = 0;
ranking.onchange = () => {
  remember(RANKING_KEY, ranking.value);
  ask();
};

// --- keys ---------------------------------------------------------------------------------------

// Drawing takes the focus from buttons, so that Enter then means the first answer.
canvas.addEventListener("pointerdown", () => canvas.focus({ preventScroll: true }));

document.addEventListener("keydown", (event) => {
  const command = canvasCommand(event);
  if (event.key === "Escape" && editor) {
    event.preventDefault();
    close();
  } else if (command && command !== "clear") {
    event.preventDefault();
    pad.perform(command);
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event, event.key === "ArrowDown" ? 1 : -1);
  else if (!isWaiting) copyByKey(event, rows);
  else if (isFree(event)) heldKey = event; // later nothing tells which element had the focus
});

// Moves the focus to the button of another answer.
function move(event, step) {
  if (event.target.matches("select") || !rows.length) return;
  event.preventDefault();
  const current = rows.findIndex(({ row }) => row.contains(document.activeElement));
  const next = rows[current < 0 ? 0 : current + step];
  next?.button.focus();
  next?.row.scrollIntoView({ block: "nearest" });
}

part("#options").onclick = () => chrome.runtime.openOptionsPage();
part("#close").onclick = close;

// --- the document -------------------------------------------------------------------------------

const INSERTING = { verb: "Insert", done: "Inserted", failed: "Not inserted", deliver: insert };

delivery.offerLines = offerLines;
part("#close").hidden = isPopup;
document.documentElement.classList.toggle("popup", isPopup);
if (!isPopup) Object.assign(delivery, INSERTING);
show();

// Makes inserting or copying what happens to the answers.
function deliverBy(way) {
  if (delivery.deliver === way.deliver) return;
  Object.assign(delivery, way);
  part("#unreached").hidden = isPopup || way === INSERTING;
  rows.splice(0).forEach(({ row }) => row.remove()); // their buttons say what they did before
  show();
}

async function opened({ dark }) {
  document.documentElement.style.colorScheme = dark ? "dark" : "light"; // not the browser's, but that of the page
  canvas.focus({ preventScroll: true });
  const { problem, text } = await editor.read();
  deliverBy(problem ? COPYING : INSERTING);
  if (!problem) understand(text);
}

// An answer that comes late then changes nothing.
function closed() {
  heldKey = null;
}

function close() {
  closed();
  editor.close();
}

// The preamble says which symbols the document can print. A file without one, such as a chapter, has that of the file of the
// same document that was seen last.
function understand(text) {
  if (!text.includes("\\documentclass")) return;
  const found = text.split("\\begin{document}", 1)[0].slice(0, MAX_LENGTH);
  if (found === preamble) return;
  preamble = found;
  answerer.read([preamble]);
}

// Puts a symbol's text at the cursor, in place of the selection, and closes the panel.
async function insert(text, button, symbol) {
  const wrap = remembered(WRAP_KEY) ?? "\\(";
  const isReached = await edit((state) =>
    isSource(symbol, { text })
      ? insertionOf({ ...state, insert: text, mode: symbol.mode, wrap })
      : { from: state.from, to: state.to, insert: text, cursor: state.from + text.length },
  );
  if (isReached) {
    pad.reset();
    close();
    return INSERTING.done;
  }
  await copy(text, button);
  deliverBy(COPYING);
  return COPYING.done;
}

// Adds a button that adds the lines to the preamble which a symbol needs; they are copied if the open file has none.
function offerLines(parent, symbol, verb = "Add") {
  const name = symbol.lines.replaceAll("\n", " ");
  const add = async (lines, button) => {
    let added = true;
    const isReached = await edit((state) => {
      const change = preambleInsertion(state.text, lines);
      added = change !== null;
      return change && { ...change, cursor: moved(state.to, change) };
    });
    if (!isReached || !added) {
      await copy(lines, button);
      return "Copied: it belongs into the preamble";
    }
    understand((await editor.read()).text ?? "");
    return "Added";
  };
  const button = actionButton(parent, { verb, done: "Added", failed: "Not added", deliver: add }, () => symbol.lines);
  button.classList.add("lines");
  button.title = `Add ${name} to the preamble`;
  button.setAttribute("aria-label", `${verb} (${button.title})`);
}

// An offset in the document after a change before it.
function moved(offset, { from, to, insert }) {
  return offset < to ? offset : offset + insert.length - (to - from);
}

// Makes the change that `change({text, from, to})` says, {from, to, insert, cursor}; none if that is null. Returns whether the
// editor could be reached; throws if it refuses the change.
async function edit(change) {
  for (let tries = 1; ; tries += 1) {
    const state = await editor.read();
    if (state.problem) return false;
    const wanted = change(state);
    if (!wanted) return true;
    const { cursor, ...replacement } = wanted;
    const { problem } = await editor.replace(replacement, cursor);
    if (!problem) return true;
    if (problem !== "changed" || tries === MOST_TRIES) throw new Error(problem);
  }
}
