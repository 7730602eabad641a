// A list with one chosen row, by click or with the arrow keys; with a search field for many rows.

const MANY = 12; // rows from which on the search field is shown

function fillRow(row, entry) {
  row.className = `row ${entry.tone}`;
  row.dataset.id = entry.id;
  row.setAttribute("role", "radio");
  const what = element("div", "what", row);
  const head = element("div", "head", what);
  element("span", "title", head, entry.title);
  if (entry.badge) element("span", "badge", head, entry.badge);
  if (entry.line) element("p", "line", what, entry.line);
  if (entry.metrics.length) {
    const metrics = element("div", "metrics", row);
    for (const [name, value] of entry.metrics) {
      const metric = element("div", "metric", metrics, value);
      element("small", "", metric, name);
    }
  }
  if (entry.progress !== null) {
    const track = element("div", "track", row);
    element("div", "", track).style.width = `${100 * entry.progress}%`;
  }
}

class List {
  constructor(root) {
    this.search = root.querySelector("input");
    this.group = root.querySelector(".rows");
    this.none = root.querySelector(".none");
    this.text = "";
    this.search.oninput = () => this.filter();
    this.group.onclick = (event) => this.choose(event.target.closest(".row"));
    this.group.onkeydown = (event) => this.press(event);
  }

  show(data, send) {
    this.send = send;
    this.search.hidden = data.rows.length < MANY;
    this.search.placeholder = `Search ${data.rows.length.toLocaleString("en")} by name`;
    this.search.setAttribute("aria-label", `Search: ${data.label}`);
    this.group.setAttribute("aria-label", data.label);
    // Rows are rebuilt only when they differ, so that the scroll position and the focus stay.
    const text = JSON.stringify(data.rows);
    if (text !== this.text) {
      const focused = this.group.getRootNode().activeElement?.dataset.id;
      this.text = text;
      this.group.replaceChildren();
      for (const entry of data.rows) fillRow(element("div", "row", this.group), entry);
      this.filter();
      if (focused !== undefined) this.row(focused)?.focus();
    }
    this.mark(data.chosen);
  }

  row(id) {
    return [...this.group.children].find((row) => row.dataset.id === id);
  }

  mark(id) {
    for (const row of this.group.children) {
      const chosen = row.dataset.id === id;
      row.setAttribute("aria-checked", String(chosen));
      row.tabIndex = chosen ? 0 : -1;
    }
  }

  choose(row) {
    if (!row) return;
    this.mark(row.dataset.id);
    this.send("choice", row.dataset.id);
  }

  press(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const present = event.target.closest(".row");
    if (!present || (!step && event.key !== " " && event.key !== "Enter")) return;
    event.preventDefault();
    let next = present;
    do {
      next = step === 1 ? next.nextElementSibling : step === -1 ? next.previousElementSibling : next;
    } while (step && next && next.hidden);
    if (!next) return;
    next.focus();
    this.choose(next);
  }

  filter() {
    const words = this.search.hidden ? "" : this.search.value.trim().toLowerCase();
    let left = 0;
    for (const row of this.group.children) {
      row.hidden = !row.querySelector(".title").textContent.toLowerCase().includes(words);
      row.style.display = row.hidden ? "none" : "";
      left += row.hidden ? 0 : 1;
    }
    this.none.hidden = left > 0;
    this.group.hidden = left === 0;
  }
}

const lists = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".list");
  if (!lists.has(root)) lists.set(root, new List(root));
  lists.get(root).show(data, setTriggerValue);
}
