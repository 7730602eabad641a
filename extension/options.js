// The options page. `element`, `remember`, `remembered` and `storage` come from shared/page.js.

import { OVERLEAF, addedOrigins, addOrigin, parseAddress, removeOrigin } from "./addresses.js";
import { extensionStorage } from "./storage.js";

const WRAP_KEY = "extexify-wrap"; // which the panel reads

storage = () => extensionStorage;

const added = document.querySelector("#added");
const form = document.querySelector("form");
const address = document.querySelector("#address");
const problem = document.querySelector("#problem");
const done = document.querySelector("#done");

// --- math ---------------------------------------------------------------------------------------

const choices = [...document.querySelectorAll("#wrap input")];
const chosen = choices.find(({ value }) => value === remembered(WRAP_KEY)) ?? choices[0];
chosen.checked = true;
for (const choice of choices) choice.onchange = () => remember(WRAP_KEY, choice.value);

// --- addresses ----------------------------------------------------------------------------------

form.onsubmit = async (event) => {
  event.preventDefault();
  report(await add(address.value));
};

// Adds the address that was typed, and returns what to report.
async function add(typed) {
  const origin = parseAddress(typed);
  if (!origin) return { problem: "This is no web address: type the one at which you open Overleaf, such as https://overleaf.example.org." };
  if (origin === OVERLEAF) return { done: "Extexify runs there already." };
  try {
    if (!(await addOrigin(origin))) return { problem: `Without your permission, Extexify can't run on ${origin}.` };
  } catch (error) {
    return { problem: `The browser refused ${origin}: ${error.message}` };
  }
  address.value = "";
  await list();
  return { done: `Extexify runs on ${origin}: reload the page there.` };
}

function report({ problem: problemText = "", done: doneText = "" }) {
  problem.textContent = problemText;
  done.textContent = doneText;
  address.setAttribute("aria-invalid", String(problemText !== ""));
}

async function list() {
  added.replaceChildren(...(await addedOrigins()).map(makeItem));
}

function makeItem(origin) {
  const item = element("li", "buttons");
  element("span", "", item, origin);
  const button = element("button", "", item, "Remove");
  button.type = "button";
  button.setAttribute("aria-label", `Remove ${origin}`);
  button.onclick = async () => {
    await removeOrigin(origin);
    await list();
    address.focus();
    report({ done: `Extexify no longer runs on ${origin}.` });
  };
  return item;
}

list();

// --- shortcut -----------------------------------------------------------------------------------

const commands = await chrome.commands.getAll();
const shortcut = commands.find(({ name }) => name === "open-panel")?.shortcut;
document.querySelector("kbd").textContent = shortcut;
document.querySelector(shortcut ? "#shortcut" : "#no-shortcut").hidden = false;
