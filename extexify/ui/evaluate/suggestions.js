// Suggestions of mislabelled drawings: each with its label and the symbol that it looks like side by side, and buttons that
// mark it or keep its label. While the focus is in the list, A, K and U do the same and the arrow keys move. Cards are
// reused from one message to the next, and a decision shows at once.

const states = new WeakMap();
let decisionCount = 0; // decisions made in this browser window; each gets the next number
const KEYS = { a: "reject", k: "keep", u: "undo" };
const MOVES = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
const STATE_AFTER = { reject: "rejected", keep: "kept", undo: "" };
const VERDICTS = { rejected: "Mislabelled", kept: "Label kept" };

// A component's state between messages. `decisions` are those that the server hasn't confirmed yet, by card:
// [number, decision].
function newState() {
  return { cards: new Map(), decisions: {}, send: null };
}

function showSide(parent, title, percent, symbol) {
  const side = element("div", "side", parent);
  element("span", "title", side, title);
  showGlyph(element("span", "large", side), symbol);
  element("code", "", side, symbol.command).title = symbol.key;
  element("span", "percent", side, percent);
}

function makeCard(card, decide) {
  const item = element("li", "card");
  item.setAttribute("role", "group");
  item.setAttribute("aria-label", card.about);
  const ink = element("div", "ink", element("div", "square", item));
  ink.setAttribute("role", "img");
  ink.setAttribute("aria-label", card.about);
  ink.style.maskImage = `url(${card.url})`;
  const sides = element("div", "sides", item);
  showSide(sides, "Labelled", card.labelPercent, card.label);
  showSide(sides, "Looks like", card.percent, card.suggested);
  const foot = element("div", "foot", item);
  const verdict = element("span", "verdict", foot);
  verdict.setAttribute("role", "status");
  const buttons = {};
  for (const [decision, label] of [["reject", "Mislabelled"], ["keep", "Keep label"], ["undo", "Undo"]]) {
    const button = element("button", decision, foot, label);
    button.type = "button";
    button.setAttribute("aria-label", `${label}: ${card.about}`);
    button.onclick = () => decide(item, decision);
    buttons[decision] = button;
  }
  return { item, verdict, buttons };
}

function show({ item, verdict, buttons }, state) {
  item.dataset.state = state;
  verdict.textContent = VERDICTS[state] || "";
  buttons.reject.hidden = buttons.keep.hidden = Boolean(state);
  buttons.undo.hidden = !state;
}

function focusCard(item) {
  item?.querySelector("button:not([hidden])")?.focus();
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".suggestions");
  const state = states.get(root) || newState();
  states.set(root, state);
  state.send = setStateValue;
  for (const [id, [number]] of Object.entries(state.decisions)) if (number <= data.done) delete state.decisions[id];
  const list = root.querySelector("ul");
  const items = () => [...list.children];

  const decide = (item, decision) => {
    state.decisions[item.dataset.id] = [(decisionCount += 1), decision];
    show(state.cards.get(item.dataset.id), STATE_AFTER[decision]);
    // On to the next open card; after the last one, and after Undo, the focus stays.
    const following = items().slice(items().indexOf(item) + 1);
    focusCard(decision === "undo" ? item : following.find((other) => !other.dataset.state) || item);
    state.send("decisions", { ...state.decisions });
  };

  root.querySelector(".keys").textContent = "Keys: A mislabelled, K keep, U undo, arrows move.";
  list.onkeydown = (event) => {
    const item = event.target.closest(".card");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const decision = KEYS[event.key.toLowerCase()];
    if (decision) {
      if ((decision === "undo") === Boolean(item.dataset.state)) decide(item, decision);
    } else if (event.key in MOVES) focusCard(items()[items().indexOf(item) + MOVES[event.key]]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const cards = new Map();
  data.cards.forEach((card, at) => {
    const parts = state.cards.get(card.id) || makeCard(card, decide);
    parts.item.dataset.id = card.id;
    cards.set(card.id, parts);
    show(parts, card.id in state.decisions ? STATE_AFTER[state.decisions[card.id][1]] : card.state);
    if (list.children[at] !== parts.item) list.insertBefore(parts.item, list.children[at] ?? null);
  });
  while (list.children.length > data.cards.length) list.lastChild.remove();
  state.cards = cards;
}
