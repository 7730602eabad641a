// What our components share: making elements, and buttons that copy.

const COPIED_MS = 1600;

function element(tag, className, parent, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  parent?.appendChild(made);
  return made;
}

async function copy(text, near) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without HTTPS (a colleague's machine on the local network) browsers leave only the old way. The field is put
  // beside the button, because an open dialog lets nothing outside it be selected.
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  near.after(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  near.focus();
  if (!done) throw new Error("copy refused");
}

// A button that copies what `text()` says at the time of the click, and says so.
function copyButton(parent, text) {
  const button = element("button", "copy", parent);
  button.type = "button";
  const label = element("span", "label", button, "Copy");
  let timer = 0;
  button.reset = () => {
    clearTimeout(timer);
    button.dataset.state = "";
    label.textContent = "Copy";
  };
  button.onclick = async () => {
    clearTimeout(timer);
    try {
      await copy(text(), button);
      button.dataset.state = "done";
      label.textContent = "Copied";
    } catch {
      button.dataset.state = "failed";
      label.textContent = "Select it by hand";
    }
    timer = setTimeout(button.reset, COPIED_MS);
  };
  return button;
}

// Puts a symbol's printed glyph into a box, or its character when there is no glyph.
function showGlyph(glyph, symbol) {
  if (symbol.svg) glyph.innerHTML = symbol.svg;
  else glyph.textContent = symbol.character || "";
  glyph.classList.toggle("plain", !symbol.svg);
  glyph.title = symbol.name || "";
}

// The address of a symbol's page, relative to any page of the dashboard.
function addressOf(key, page = "") {
  return `${page}?symbol=${encodeURIComponent(key)}`;
}

// A click that the browser should handle itself: it opens a new tab or window.
function opensElsewhere(event) {
  return event.button > 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}

// Goes to another page of the dashboard as the browser's Back and Forward do: without loading it anew, which
// would end the visit and lose the drawing.
function goTo(address) {
  window.history.pushState({}, "", address);
  window.dispatchEvent(new PopStateEvent("popstate"));
}
