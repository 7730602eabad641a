// The gallery: every symbol as a tile, found by search and filters, with the chosen one beside it (on a narrow
// page: over it). The catalogue is fetched once, and tiles and glyphs when they come near; everything but searching
// and drawings happens here.

const NARROW = 760; // width of the page's content, in pixels, below which a symbol opens over the gallery
const NEAR = "1200px"; // distance from what is in sight within which tiles get their glyphs
const PART = 256; // symbols whose glyphs come together: PART of catalog_routes.py
const SOME = 100; // glyphs of one request by position: MAX_SOME of catalog_routes.py
const FEW = 24; // glyphs of a part, below which they are fetched by position
const STEP = 400; // tiles that are made at once
const TILE = { width: 5.75, height: 6.1, gap: 0.35 }; // in rem, as in gallery.css
const TYPING_MS = 40;
const OWN = "\0own"; // in place of a package's name
const FIRST_PACKAGES = [OWN, "latex2e", "amsmath", "amssymb", "mathtools"];
const COUNTS = [1, 10, 30, 100, 300, 1000];

const fetched = new Map();

// The JSON at an address, fetched once.
function fetchOnce(address) {
  if (!fetched.has(address)) {
    const content = fetch(address).then((answer) => {
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      return answer.json();
    });
    content.catch(() => fetched.delete(address));
    fetched.set(address, content);
  }
  return fetched.get(address);
}

function packageName(name) {
  if (name === OWN) return "Your own";
  return name === "latex2e" ? "LaTeX" : name;
}

// Positions of symbols, package by package, the user's own before all. Base LaTeX and what most documents load come
// first, then the larger ones. Within a package Unicode's order keeps Greek together, and arrows, and relations; but symbols without
// a Unicode character come after those, and letters and signs of the keyboard last.
function byPackage(symbols, isOwn) {
  const groups = new Map();
  symbols.forEach((symbol, position) => {
    const name = isOwn(position) ? OWN : symbol.package;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(position);
  });
  const order = symbols.map(({ unicode }) => {
    const code = unicode ? unicode.codePointAt(0) : 0x110000;
    return code < 0x370 ? 0x110001 + code : code;
  });
  const rank = (name) => FIRST_PACKAGES.indexOf(name) + 1 || FIRST_PACKAGES.length + 1;
  return [...groups]
    .sort(([a, of_a], [b, of_b]) => rank(a) - rank(b) || of_b.length - of_a.length)
    .map(([name, positions]) => [name, positions.sort((a, b) => order[a] - order[b])]);
}

// Positions of the symbols of each look-alike group, by its number.
function groupsOf(symbols, relation) {
  const groups = new Map();
  symbols.forEach((symbol, position) => {
    const number = symbol[relation] ?? null;
    if (number === null) return;
    if (!groups.has(number)) groups.set(number, []);
    groups.get(number).push(position);
  });
  return groups;
}

class Gallery {
  constructor(root) {
    this.root = root;
    const part = (selector) => root.querySelector(selector);
    [this.search, this.filters, this.notice] = [part("input"), part(".filters"), part(".notice")];
    [this.count, this.grid, this.side, this.dialog] = [part(".count"), part(".gallery"), part(".side"), part("dialog")];
    this.article = element("article", "symbol", this.side);
    // An opening dialog focuses the symbol, not the button that closes it.
    this.article.tabIndex = -1;
    this.article.autofocus = true;
    this.symbols = [];
    this.format = LATEX; // in which commands are shown and copied
    this.tiles = []; // by position, made when they come near
    this.shown = []; // positions of the symbols that search and filters leave, in their order
    this.asked = []; // glyphs that are about to be fetched
    this.rests = []; // in each section that has more tiles, an element in their place
    this.found = null; // positions that the search found, best first; null without a search
    this.opened = null; // the symbol that is shown in full
    this.awaited = null; // the choice that the server hasn't confirmed yet
    this.searching = null;
    this.search.addEventListener("input", () => this.typed());
    part("form").onsubmit = (event) => {
      event.preventDefault();
      if (this.shown.length) this.choose(this.symbols[this.shown[0]]);
    };
    this.search.onkeydown = (event) => {
      if (event.key !== "ArrowDown" || !this.shown.length) return;
      event.preventDefault();
      this.focus(this.placed(0));
    };
    this.grid.onkeydown = (event) => this.move(event);
    this.grid.onclick = (event) => {
      const tile = event.target.closest(".tile");
      if (!tile || opensElsewhere(event)) return;
      event.preventDefault();
      this.choose(this.symbols[tile.position]);
    };
    this.dialog.oncancel = (event) => {
      event.preventDefault();
      this.choose(null);
    };
    // The dialog's own area is covered by the article: a click on the dialog itself is one outside it.
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.choose(null);
    });
    new ResizeObserver(() => this.place()).observe(root);
    const near = (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) target.positions ? this.more(target) : this.fill(target);
      }
    };
    // The page scrolls in a container of Streamlit's, whose edges count, too.
    this.nearby = new IntersectionObserver(near, { rootMargin: NEAR, scrollMargin: NEAR });
  }

  async update(data, send, sendChange) {
    this.send = send;
    this.sendChange = sendChange;
    this.data = data;
    this.notice.textContent = data.notice;
    this.notice.hidden = !data.notice;
    let catalogue, own;
    try {
      const both = [data.addresses.symbols, data.addresses.own].map((address) => (address ? fetchOnce(address) : []));
      [catalogue, own] = await Promise.all(both);
    } catch (error) {
      this.notice.textContent = `The symbols can't be loaded: ${error.message}. Reload the page.`;
      this.notice.hidden = false;
      return;
    }
    if (this.data !== data) return; // a newer answer came in meanwhile
    this.listed = catalogue.length;
    await this.use(chosenFormat(data.formats), catalogue);
    if (this.data !== data) return;
    this.build([...catalogue, ...own, ...data.unlisted], data.counts);
    const awaited = this.awaited;
    if (awaited !== null && awaited !== data.opened) return; // an answer to an earlier choice
    this.awaited = null;
    this.open(this.byKey.get(data.opened) || null);
    showDrawings(this.article, data.drawings);
  }

  // Shows and copies symbols in a format from now on; the catalogue's forms in it are fetched first.
  async use(format, catalogue) {
    if (format !== LATEX) {
      try {
        const forms = await fetchOnce(this.data.addresses.forms.replace("%", format));
        catalogue.forEach((symbol, position) => (symbol.forms = { ...symbol.forms, [format]: forms[position] }));
      } catch (error) {
        this.notice.textContent = `The symbols can't be shown in this format: ${error.message}. Reload the page.`;
        this.notice.hidden = false;
        return;
      }
    }
    this.format = format;
  }

  // Shows what is there in the format that has been chosen.
  async changeFormat(format) {
    await this.use(format, this.symbols.slice(0, this.listed));
    this.tiles.forEach((tile) => this.name(tile));
    delete this.article.dataset.key; // the symbol in full is made anew
    this.open(this.opened);
    if (this.opened) showDrawings(this.article, this.data.drawings);
  }

  // Makes the tiles, unless they are there already.
  build(symbols, counts) {
    const stamp = JSON.stringify([this.data.addresses, counts, this.data.unlisted.length]);
    if (this.stamp === stamp) return;
    this.stamp = stamp;
    this.symbols = symbols;
    this.groups = { prints: groupsOf(symbols, "prints"), drawn: groupsOf(symbols, "drawn") };
    this.nearby.disconnect();
    this.counts = counts;
    this.byKey = new Map(symbols.map((symbol) => [symbol.key, symbol]));
    this.tiles = [];
    this.search.placeholder = `Search ${symbols.length.toLocaleString("en")} symbols: \\alpha, arrow, ∮, amssymb`;
    this.packages = byPackage(symbols, (position) => this.isOwn(position));
    this.makeFilters();
    this.show();
  }

  makeFilters() {
    const select = (name, options) => {
      const made = element("select", "", null);
      made.setAttribute("aria-label", name);
      for (const [value, text] of options) made.add(new Option(text, value));
      made.onchange = () => this.show();
      this.filters.appendChild(made);
      return made;
    };
    this.filters.replaceChildren();
    const packages = this.packages.map(([name, of]) => [name === OWN ? OWN : `=${name}`, `${packageName(name)} (${of.length})`]);
    this.package = select("Package", [["", "All packages"], ...packages]);
    this.mode = select("Mode", [["", "All modes"], ["math", "Math mode"], ["text", "Text mode"]]);
    const output = element("select", "", this.filters);
    output.title = "Show and copy as";
    output.setAttribute("aria-label", output.title);
    offerFormats(output, this.data.formats, (format) => this.changeFormat(format));
    this.drawn = null;
    if (!this.counts) return;
    const most = Math.max(0, ...Object.values(this.counts));
    const least = COUNTS.filter((count) => count <= most);
    this.drawn = select("Drawings", [
      ["", "Drawings: any"],
      ...least.map((count) => [`${count}`, count === 1 ? "With drawings" : `${count} drawings or more`]),
      ...least.filter((count) => count > 1).map((count) => [`-${count}`, `Fewer than ${count} drawings`]),
      ["-1", "Without drawings"],
    ]);
  }

  passes(symbol, position) {
    if (this.package.value && this.package.value !== (this.isOwn(position) ? OWN : `=${symbol.package}`)) return false;
    if (this.mode.value && symbol.mode !== "both" && symbol.mode !== this.mode.value) return false;
    const drawings = this.drawn ? Number(this.drawn.value) : 0;
    const count = this.counts?.[position] ?? 0;
    return drawings >= 0 ? count >= drawings : count < -drawings;
  }

  // Shows the tiles that search and filters leave: best first after a search, else package by package.
  show() {
    const passing = (positions) => positions.filter((position) => this.passes(this.symbols[position], position));
    let groups;
    if (this.found) {
      groups = [["", passing(this.found)]];
    } else {
      groups = this.packages.map(([name, positions]) => [name, passing(positions)]);
    }
    groups = groups.filter(([, positions]) => positions.length);
    this.shown = groups.flatMap(([, positions]) => positions);
    this.rests = [];
    this.grid.replaceChildren(
      ...groups.map(([name, positions]) => {
        const section = element("section", "");
        if (name) {
          const heading = element("h2", "", section, packageName(name));
          element("span", "", heading, ` ${positions.length}`);
        }
        const rest = element("div", "rest", element("div", "tiles", section));
        rest.positions = positions;
        this.rests.push(rest);
        this.nearby.observe(rest);
        return section;
      }),
    );
    this.reserve();
    if (this.rests.length) this.more(this.rests[0]);
    const number = this.shown.length;
    const all = number === this.symbols.length;
    this.count.textContent = all ? "" : `${number.toLocaleString("en")} ${number === 1 ? "symbol" : "symbols"}`;
    if (!number) this.count.textContent = "No symbol like this. Try part of its name, or draw it on the Draw page.";
    const opened = this.tiles[this.openedPosition()];
    this.rove(opened && this.grid.contains(opened) ? opened : number ? this.placed(0) : null);
    // For tests and scripts that wait for the result of a search or a filter.
    this.grid.dataset.query = this.found ? this.query : "";
    this.grid.dataset.shown = number;
  }

  openedPosition() {
    return this.symbols.indexOf(this.opened);
  }

  // The tile of a symbol.
  tile(position) {
    if (this.tiles[position]) return this.tiles[position];
    const symbol = this.symbols[position];
    const tile = element("a", "tile");
    tile.href = addressOf(symbol.key);
    tile.tabIndex = -1;
    tile.position = position;
    tile.title = [symbol.command, packageName(symbol.package), symbol.unicode_name?.toLowerCase()]
      .filter(Boolean)
      .join(" · ");
    tile.picture = element("span", "glyph", tile);
    element("code", "", tile);
    this.name(tile);
    if (symbol === this.opened) tile.setAttribute("aria-current", "true");
    this.nearby.observe(tile);
    this.tiles[position] = tile;
    return tile;
  }

  // Writes a tile's symbol in the chosen format.
  name(tile) {
    const form = formOf(this.symbols[tile.position], this.format);
    const code = tile.querySelector("code");
    code.textContent = form.text;
    if (form.lacking) markLacking(element("span", "lacking", code), form);
  }

  // Puts the next tiles of a section into the place of its rest.
  more(rest) {
    this.nearby.unobserve(rest);
    rest.before(...rest.positions.slice(0, STEP).map((position) => this.tile(position)));
    rest.positions = rest.positions.slice(STEP);
    if (rest.positions.length) {
      this.reserve();
      this.nearby.observe(rest); // again: it may still be near
    } else {
      rest.remove();
      this.rests.splice(this.rests.indexOf(rest), 1);
    }
  }

  // The tile of a shown symbol, by its number among them, in its place.
  placed(number) {
    const position = this.shown[number];
    if (position === undefined) return undefined;
    const tile = this.tile(position);
    while (!this.grid.contains(tile)) this.more(this.rests.find(({ positions }) => positions.includes(position)));
    return tile;
  }

  // Makes the rests as high as the tiles that are to come, so that the scroll bar doesn't jump.
  reserve() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const columns = Math.max(1, Math.floor((this.grid.clientWidth / rem + TILE.gap) / (TILE.width + TILE.gap)));
    for (const rest of this.rests) {
      const rows = Math.ceil(rest.positions.length / columns);
      rest.style.height = `${rows * (TILE.height + TILE.gap) - TILE.gap}rem`;
    }
  }

  async fill(tile) {
    this.nearby.unobserve(tile);
    try {
      tile.picture.innerHTML = await this.glyph(tile.position);
    } catch {
      this.nearby.observe(tile); // again, when it comes near the next time
    }
  }

  // Whether the symbol is in the catalogue or the user's own: those that only the dataset has come after them.
  isListed(position) {
    return position < this.symbols.length - this.data.unlisted.length;
  }

  // Whether the user added the symbol.
  isOwn(position) {
    return position >= this.listed && this.isListed(position);
  }

  // The SVG of a symbol; "" for one without a glyph. Those that are asked for at once are fetched together.
  glyph(position) {
    if (position >= this.listed) return Promise.resolve(this.symbols[position].svg || "");
    return new Promise((resolve, reject) => {
      if (!this.asked.length) setTimeout(() => this.fetchGlyphs(this.asked.splice(0)));
      this.asked.push({ position, part: Math.floor(position / PART), resolve, reject });
    });
  }

  // Fetches glyphs by parts of the catalogue, and those by their positions of which there are few in a part.
  fetchGlyphs(asked) {
    const counts = new Map();
    for (const { part } of asked) counts.set(part, (counts.get(part) || 0) + 1);
    const address = (part) => this.data.addresses.glyphs.replace("%", part);
    const isScattered = ({ part }) => counts.get(part) < FEW && !fetched.has(address(part));
    for (const { position, part, resolve, reject } of asked.filter((one) => !isScattered(one))) {
      fetchOnce(address(part)).then((glyphs) => resolve(glyphs[position % PART] || ""), reject);
    }
    const scattered = asked.filter(isScattered).sort((one, other) => one.position - other.position);
    while (scattered.length) {
      const some = scattered.splice(0, SOME);
      const positions = some.map(({ position }) => position).join(",");
      fetchOnce(`${address("some")}&at=${positions}`).then(
        (glyphs) => some.forEach(({ resolve }, number) => resolve(glyphs[number] || "")),
        (error) => some.forEach(({ reject }) => reject(error)),
      );
    }
  }

  typed() {
    clearTimeout(this.timer);
    const query = this.search.value.trim();
    if (query) {
      this.timer = setTimeout(() => this.find(query), TYPING_MS);
      return;
    }
    this.searching?.abort();
    this.found = null;
    this.show();
  }

  async find(query) {
    this.searching?.abort();
    const searching = new AbortController();
    this.searching = searching;
    try {
      const address = `${this.data.addresses.search}?q=${encodeURIComponent(query)}`;
      const answer = await fetch(address, { signal: searching.signal });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const found = await answer.json();
      if (searching.signal.aborted) return;
      // The server searches the catalogue; symbols outside it are searched here, by key.
      const small = query.toLowerCase();
      this.data.unlisted.forEach((symbol, number) => {
        const position = this.symbols.length - this.data.unlisted.length + number;
        if (symbol.key.toLowerCase().includes(small)) found.push(position);
      });
      this.found = found;
      this.query = query;
      this.show();
    } catch (error) {
      if (error.name !== "AbortError") this.count.textContent = `The search doesn't answer: ${error.message}.`;
    }
  }

  // One tile can be reached with the Tab key; the arrow keys move to the others.
  rove(tile) {
    if (this.current) this.current.tabIndex = -1;
    this.current = tile;
    if (tile) tile.tabIndex = 0;
  }

  focus(tile) {
    this.rove(tile);
    tile.focus();
  }

  move(event) {
    const from = this.shown.indexOf(event.target.position);
    if (from < 0 || opensElsewhere(event)) return;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: this.shown.length - 1 }[event.key];
    let tile = this.placed(to);
    if (event.key === "ArrowUp") tile = this.below(from, -1);
    if (event.key === "ArrowDown") tile = this.below(from, 1);
    if (to === undefined && !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    if (tile) this.focus(tile);
    else if (event.key === "ArrowUp") this.search.focus();
  }

  // The tile below (step 1) or above (−1) another, whatever the length of the rows.
  below(from, step) {
    const start = this.placed(from).getBoundingClientRect();
    let best;
    let row;
    for (let at = from + step; at in this.shown; at += step) {
      const { left, top } = this.placed(at).getBoundingClientRect();
      if (top === start.top) continue;
      row ??= top;
      if (top !== row) break;
      const distance = Math.abs(left - start.left);
      if (!best || distance < best.distance) best = { distance, tile: this.placed(at) };
    }
    return best?.tile;
  }

  // Opens the form in which the user's own symbol is drawn more, renamed or removed.
  change(symbol) {
    document.querySelector(".st-key-own, .stMain h1")?.scrollIntoView({ block: "center" });
    this.sendChange(symbol.key);
  }

  // The visitor's choice: shown at once, and sent to the server, which puts it into the address.
  choose(symbol) {
    if (symbol === this.opened) return;
    this.notice.hidden = true;
    this.awaited = symbol ? symbol.key : "";
    this.open(symbol);
    this.send(this.awaited);
  }

  open(symbol) {
    if (symbol === this.opened && this.article.dataset.key !== undefined) return;
    const before = this.tiles[this.openedPosition()];
    before?.removeAttribute("aria-current");
    this.opened = symbol;
    const tile = this.tiles[this.openedPosition()];
    tile?.setAttribute("aria-current", "true");
    if (symbol) {
      showSymbol(this.article, symbol, this, (other) => this.choose(other), () => this.choose(null));
      showDrawings(this.article, null);
      this.article.parentElement.scrollTop = 0;
      if (tile && this.grid.contains(tile)) this.rove(tile);
    } else {
      this.article.replaceChildren();
      this.article.dataset.key = "";
      element("p", "quiet invitation", this.article, "Choose a symbol to see it large, with what to type for it.");
    }
    this.place();
    if (!symbol && before?.isConnected && this.root.contains(before)) before.focus({ preventScroll: true });
  }

  // Puts the chosen symbol beside the gallery or over it.
  place() {
    if (!this.root.clientWidth) return; // the page has been left
    this.reserve();
    const narrow = this.root.clientWidth < NARROW;
    this.root.classList.toggle("narrow", narrow);
    const home = narrow ? this.dialog : this.side;
    if (this.article.parentElement !== home) home.appendChild(this.article);
    if (narrow && this.opened) this.dialog.open || this.dialog.showModal();
    else if (this.dialog.open) this.dialog.close();
  }
}

const galleries = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".symbols");
  if (!galleries.has(root)) galleries.set(root, new Gallery(root));
  const send = (name) => (key) => setTriggerValue(name, key);
  galleries.get(root).update(data, send("choice"), send("change"));
}
