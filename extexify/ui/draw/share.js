// Sharing the drawing: the page's address follows it, and a dialog offers the link, a QR code and pictures.

const LINK = "d";
const MODEL = "model";
const PACKAGES = "packages";
const LONG_LINK = 200; // characters; the QR code of a longer link is shown larger

function makeShare(parentElement) {
  const part = (selector) => parentElement.querySelector(selector);
  const parts = {
    home: window.location.pathname,
    button: part(".open"),
    dialog: part("dialog"),
    field: part("input[readonly]"),
    box: part("input[type=checkbox]"),
    named: part(".named"),
    qr: part(".qr"),
    scan: part(".scan"),
    png: part(".png"),
    svg: part(".svg"),
    data: { text: "", model: "", named: false, packages: "" },
  };
  const copying = copyButton(part(".link"), () => parts.field.value);
  copying.setAttribute("aria-label", "Copy the link");
  parts.copying = copying;
  parts.button.onclick = () => {
    copying.reset();
    parts.dialog.showModal();
    showLink(parts);
    copying.focus();
  };
  // The dialog's content covers it: a click on the dialog itself is one outside the content.
  parts.dialog.addEventListener("click", (event) => event.target === parts.dialog && parts.dialog.close());
  // On the page itself, Escape clears the canvas.
  parts.dialog.onkeydown = (event) => event.stopPropagation();
  parts.field.onfocus = () => parts.field.select();
  // The server refuses links to other hosts, also its own under a name that a proxy has replaced.
  parts.qr.onerror = () => (parts.qr.hidden = parts.scan.hidden = true);
  parts.box.onchange = () => {
    copying.reset();
    showLink(parts);
    follow(parts);
  };
  return parts;
}

function setLink(search, { box, data }) {
  if (data.text) search.set(LINK, data.text);
  else search.delete(LINK);
  if (data.text && box.checked && data.model) search.set(MODEL, data.model);
  else search.delete(MODEL);
  if (data.text && data.packages) search.set(PACKAGES, data.packages);
  else search.delete(PACKAGES);
}

// The full public address, as this browser sees it, which is also right behind proxies.
function linkOf(parts) {
  const link = new URL(window.location.pathname, window.location.href);
  setLink(link.searchParams, parts);
  return link.href;
}

function showLink(parts) {
  const { field, qr, scan, png, svg, data } = parts;
  field.value = linkOf(parts);
  const query = `?${LINK}=${data.text}`;
  png.href = data.png + query;
  svg.href = data.svg + query;
  qr.hidden = scan.hidden = field.value.length > data.longestQr;
  qr.classList.toggle("fine", field.value.length > LONG_LINK);
  if (!qr.hidden) qr.src = `${data.qr}?link=${encodeURIComponent(field.value)}`;
}

// Not through Streamlit: the server has the drawing already, and a new address there would rerun the page.
function follow(parts) {
  const address = new URL(window.location.href);
  // A last update may arrive while the visitor is leaving the page.
  if (address.pathname !== parts.home) return;
  setLink(address.searchParams, parts);
  window.history.replaceState(window.history.state, "", address);
}

const made = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("dialog");
  if (!made.has(root)) made.set(root, makeShare(parentElement));
  const parts = made.get(root);
  if (data.named && !parts.data.named) parts.box.checked = true;
  parts.data = data;
  parts.button.disabled = !data.text;
  parts.named.hidden = !data.model;
  parts.named.querySelector("span").textContent = `Answer with the model “${data.model}”, if it is there`;
  // A link that was opened stays as it is, with the model that it names, until there is another drawing.
  const address = new URLSearchParams(window.location.search);
  const changed = (name, value) => (address.get(name) || "") !== value || (!value && address.has(name));
  if (changed(LINK, data.text) || changed(PACKAGES, data.text && data.packages)) follow(parts);
  if (!data.text) root.close();
  else if (root.open) showLink(parts);
}
