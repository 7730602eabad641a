// “Your document”: a field for a preamble, a file, packages to tick, and what is understood of them
// (extexify/ui/draw/document.py has the same on the Draw page). `element` comes from shared/page.js.

import { MAX_LENGTH } from "./shared/preamble.js";

const STORED = "extexify-document"; // in the browser's session storage
const SHOWN = 12; // names, macros or warnings that are listed
const TYPING_MS = 300; // from the last key press until the text is read

const form = document.querySelector("#document");
const field = form.querySelector("textarea");
const file = form.querySelector("input[type=file]");
const choices = form.querySelector("#packages");
const forget = form.querySelector("#forget");
const inUse = form.querySelector("summary span");
const understood = form.querySelector("#understood");

let opened = { name: "", text: "" }; // the file
let ticked = []; // packages
let timer = 0;

// Shows the document of earlier in this session, if any. `changed(texts)` is called with its texts now, and whenever they
// change; their number is 0 without a document.
export function offerDocument(changed) {
  const update = () => {
    clearTimeout(timer);
    const loads = ticked.length ? `\\usepackage{${ticked.join(",")}}` : "";
    const texts = [opened.text, field.value, loads].filter((text) => text.trim());
    forget.disabled = !texts.length;
    keep(texts.length ? { opened, text: field.value, ticked } : null);
    changed(texts);
  };
  field.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(update, TYPING_MS);
  };
  form.querySelector("#open").onclick = () => file.click();
  file.onchange = async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    opened = { name: chosen.name, text: await textOf(chosen) };
    file.value = ""; // so that the same file can be chosen again
    update();
  };
  choices.onchange = () => {
    ticked = boxes().filter((box) => box.checked).map((box) => box.value);
    update();
  };
  forget.onclick = () => {
    opened = { name: "", text: "" };
    field.value = "";
    ticked = [];
    for (const box of boxes()) box.checked = false;
    update();
    field.focus(); // a disabled button has no focus
  };
  const stored = kept();
  if (!stored) return;
  opened = stored.opened;
  field.value = stored.text;
  ticked = stored.ticked ?? []; // earlier versions had none
  update();
}

// Offers packages to tick; those of earlier in this session are ticked.
export function offerPackages(names) {
  for (const name of names) {
    const label = element("label", "", choices);
    const box = element("input", "", label);
    box.type = "checkbox";
    box.value = name;
    box.checked = ticked.includes(name);
    label.append(` ${name}`);
  }
  choices.parentElement.hidden = false;
}

// Shows what the worker understood: {packages, unknown, macros, clashes, needsOpentype}, {problem}, or {} without a document.
export function showUnderstood({ problem, packages, unknown, macros, clashes, needsOpentype }) {
  inUse.textContent = packages ? "in use" : "";
  understood.replaceChildren();
  if (opened.name) element("p", "", understood, `File: ${opened.name}`);
  if (problem) element("p", "warning", understood, `${problem[0].toUpperCase()}${problem.slice(1)}.`);
  if (!packages) return;
  const lines = { Loaded: packages, "Not known here": unknown, Macros: macros };
  for (const [name, values] of Object.entries(lines)) {
    if (values.length) element("p", "", understood, `${name}: ${few(values)}`);
  }
  if (!packages.length && !macros.length) {
    element("p", "", understood, "No packages with symbols, and no macros for one.");
  }
  if (needsOpentype) element("p", "", understood, "XeLaTeX or LuaLaTeX is needed.");
  for (const clash of clashes.slice(0, SHOWN)) element("p", "warning", understood, clash);
}

function boxes() {
  return [...choices.querySelectorAll("input")];
}

function few(values) {
  const more = values.length - SHOWN;
  return values.slice(0, SHOWN).join(", ") + (more > 0 ? ` and ${more.toLocaleString("en")} more` : "");
}

// A file's text, of which no more is read than a document may have: UTF-8, or else Latin-1, in which older documents are.
async function textOf(chosen) {
  const bytes = await chosen.slice(0, 4 * MAX_LENGTH + 4).arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

function keep(given) {
  try {
    if (given) sessionStorage.setItem(STORED, JSON.stringify(given));
    else sessionStorage.removeItem(STORED);
  } catch {
    // Storage is blocked or full: the document lasts as long as the page.
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED));
  } catch {
    return null;
  }
}
